// cordis/op/dropout.hpp: zeroes elements with probability p and scales the rest by 1 / (1 - p)
// Kernel: cordis/cpu/dropout.hpp, the same forward and backward: the mask is drawn again, not kept.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/dropout.hpp>
#include <cordis/cuda/dropout.hpp>

namespace cordis::inline CORDIS_ABI {

// Zeroes elements with probability p, and divides the others by 1 - p (Srivastava et al. 2014).
// The identity where training is false or p is 0. Element i takes block i of the generator's stream.
inline Variable dropout(const Variable& x, double p, bool training = true,
                        Generator& generator = default_generator()) {
  CORDIS_CHECK(p >= 0 && p <= 1, "[dropout] p = ", p, " is not in [0, 1]");
  if (!training || p == 0) return x;
  const DropoutMask mask{generator.seed(), generator.take(static_cast<std::uint64_t>(x.value().numel())), p};
  Tensor y = empty_like(x.value());
  on(y.device(), [&](auto device) { dropout_apply(device, y, x.value(), mask); });
  return record("dropout", y, {x}, [mask](const Tensor& dy) {
    Tensor dx = empty_like(dy);
    on(dy.device(), [&](auto device) { dropout_apply(device, dx, dy, mask); });
    return Tensors{dx};
  });
}

}  // namespace cordis::inline CORDIS_ABI
