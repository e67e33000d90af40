// kernels/memory.hpp: memory that stays with a stream
#pragma once

#include <cordis/cuda/runtime.hpp>

namespace cordis::inline CORDIS_ABI::detail {

// From here on freed blocks of the stream are given to nobody else and not back to the system, because
// recorded work will use them; until release_blocks, which frees them.
void keep_blocks(Cuda device, void* stream);
void release_blocks(Cuda device, void* stream);

}  // namespace cordis::inline CORDIS_ABI::detail
