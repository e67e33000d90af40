// cordis/op/linear.hpp: y = x wᵀ + b
// Kernels: cordis/cpu/linear.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/linear.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/linear.hpp>
#else
#include <cordis/cpu/linear.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// y = x wᵀ + b over the last axis.
// x: (..., I); w: (O, I); b: (O,) or undefined. Returns (..., O).
inline Variable linear(const Variable& x, const Variable& w, const Variable& b = {}) {
  CORDIS_CHECK(w.value().rank() == 2, "[linear] w has shape ", w.shape(), ", (O, I) is needed");
  CORDIS_CHECK(x.value().rank() >= 1 && x.size(-1) == w.size(1), "[linear] x has shape ", x.shape(),
               ", but w ", w.shape(), " expects ", w.size(1), " features");
  CORDIS_CHECK(!b.defined() || b.shape() == Shape{w.size(0)}, "[linear] b has shape ", b.shape(), " for w ",
               w.shape());
  CORDIS_CHECK(x.dtype() == w.dtype(), "[linear] x is ", x.dtype(), ", w ", w.dtype());
  CORDIS_CHECK(!b.defined() || b.dtype() == w.dtype(), "[linear] x is ", x.dtype(), ", w ", w.dtype(), ", b ",
               b.dtype());
  check_device("linear", x, w, b);
  Shape shape;
  for (int axis = 0; axis + 1 < x.value().rank(); ++axis) shape.append(x.size(axis));
  Tensor y(shape.append(w.size(0)), x.dtype(), x.device());
  on(y.device(), [&](auto device) {
    linear_forward(device, y, x.value(), w.value(), b.defined() ? b.value() : Tensor{});
  });
  return record("linear", y, {x, w, b}, [x = x.value(), w = w.value()](const Tensor& dy, const Needs& needs) {
    Tensor dx = needs[0] ? empty_like(x) : Tensor{}, dw = needs[1] ? empty_like(w) : Tensor{},
           db = needs[2] ? Tensor({w.size(0)}, w.dtype(), w.device()) : Tensor{};
    on(dy.device(), [&](auto device) { linear_backward(device, dx, dw, db, dy, x, w); });
    return Tensors{dx, dw, db};
  });
}

}  // namespace cordis::inline CORDIS_ABI
