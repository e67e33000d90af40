// cordis/compiled/update.hpp: optimizer steps, compiled in cordis::compiled; contracts as in cpu/update.hpp
#pragma once

#include <cordis/contract/update.hpp>
#include <span>

namespace cordis::inline CORDIS_ABI {

void sgd_update(Compiled, std::span<const SgdUpdate> updates);
void adam_update(Compiled, std::span<const AdamUpdate> updates);

}  // namespace cordis::inline CORDIS_ABI
