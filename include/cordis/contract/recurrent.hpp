// cordis/contract/recurrent.hpp: the parameters of a recurrent layer, and what forward keeps for backward
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// The parameters of one direction: w_ih (G H, I), w_hh (G H, H), b_ih and b_hh (G H,) or undefined.
struct RecurrentWeights {
  Tensor w_ih, w_hh, b_ih, b_hh;
};

// What backward needs of forward, as the device's kernels laid it out; c undefined for a GRU. Where a library
// computes the layer, its own buffers instead.
struct RecurrentSaved {
  Tensor gates, c;
  Storage weights, reserve;
  bool again = false;  // backward has to leave all as it found it
};

}  // namespace cordis::inline CORDIS_ABI
