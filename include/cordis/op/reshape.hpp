// cordis/op/reshape.hpp: another shape over the same elements; no kernel, no copy
#pragma once

#include <cordis/autograd/variable.hpp>

namespace cordis::inline CORDIS_ABI {

// x's elements in another shape, shared; throws where the numbers of elements differ.
inline Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", x.value().reshaped(shape), {x},
                [before = x.shape()](const Tensor& dy) { return Tensors{dy.reshaped(before)}; });
}

// (N, ...) -> (N, the product of the rest)
inline Variable flatten(const Variable& x) {
  CORDIS_CHECK(x.value().rank() >= 1, "[flatten] a scalar has no batch axis");
  std::int64_t rest = 1;
  for (int axis = 1; axis < x.value().rank(); ++axis) rest *= x.size(axis);
  return reshape(x, {x.size(0), rest});
}

}  // namespace cordis::inline CORDIS_ABI
