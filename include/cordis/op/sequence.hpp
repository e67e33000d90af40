// cordis/op/sequence.hpp: the final state of each direction of a recurrent layer's outputs
// Kernels: cordis/cpu/sequence.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/sequence.hpp>
#include <cordis/cuda/sequence.hpp>

namespace cordis::inline CORDIS_ABI {

// What each direction of a recurrent layer gave last.
// x: (N, L, D H), D = 1 or 2 directions. Returns (N, D H): the last sample of the first direction and the
// first sample of the second, each the output after that direction has seen the whole record.
inline Variable last_state(const Variable& x, std::int64_t directions = 1) {
  CORDIS_CHECK(directions == 1 || directions == 2, "[last_state] ", directions,
               " directions, 1 or 2 are possible");
  CORDIS_CHECK(x.value().rank() == 3 && x.size(1) > 0 && x.size(2) % directions == 0,
               "[last_state] x has shape ", x.shape(), ", (N, L, ", directions, " H) with L > 0 is needed");
  Tensor y({x.size(0), x.size(2)}, x.dtype(), x.device());
  on(y.device(), [&](auto device) { last_state_forward(device, y, x.value(), directions); });
  return record("last_state", y, {x}, [shape = x.shape(), directions](const Tensor& dy) {
    Tensor dx(shape, dy.dtype(), dy.device());
    on(dy.device(), [&](auto device) { last_state_backward(device, dx, dy, directions); });
    return Tensors{dx};
  });
}

}  // namespace cordis::inline CORDIS_ABI
