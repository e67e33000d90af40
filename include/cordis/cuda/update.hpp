// cordis/cuda/update.hpp: optimizer steps for Cuda; contracts as in cpu/update.hpp
#pragma once

#include <cordis/contract/update.hpp>
#include <span>

namespace cordis::inline CORDIS_ABI {

void sgd_update(Cuda, std::span<const SgdUpdate> updates);
void adam_update(Cuda, std::span<const AdamUpdate> updates);

}  // namespace cordis::inline CORDIS_ABI
