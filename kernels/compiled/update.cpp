// kernels/compiled/update.cpp: cordis/compiled/update.hpp
#include <cordis/compiled/update.hpp>
#include <cordis/cpu/update.hpp>

namespace cordis::inline CORDIS_ABI {

void sgd_update(Compiled, std::span<const SgdUpdate> updates) { sgd_update(Cpu{}, updates); }
void adam_update(Compiled, std::span<const AdamUpdate> updates) { adam_update(Cpu{}, updates); }

}  // namespace cordis::inline CORDIS_ABI
