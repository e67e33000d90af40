// cordis/op/activation.hpp: relu, sigmoid, tanh, element by element
// Kernels: cordis/cpu/activation.hpp. Each backward reads y alone.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/activation.hpp>
#include <cordis/cuda/activation.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {
template <class Kind>
Variable activation(const char* name, const Variable& x) {
  Tensor y = empty_like(x.value());
  on(y.device(), [&](auto device) { activation_forward<Kind>(device, y, x.value()); });
  return record(name, y, {x}, [y](const Tensor& dy) {
    Tensor dx = dy.unique() ? dy : empty_like(y);
    on(y.device(), [&](auto device) { activation_backward<Kind>(device, dx, dy, y); });
    return Tensors{dx};
  });
}
}  // namespace detail

// max(x, 0); NaN stays NaN.
inline Variable relu(const Variable& x) { return detail::activation<Relu>("relu", x); }
// 1 / (1 + exp(-x))
inline Variable sigmoid(const Variable& x) { return detail::activation<Sigmoid>("sigmoid", x); }
// (exp(x) - exp(-x)) / (exp(x) + exp(-x))
inline Variable tanh(const Variable& x) { return detail::activation<Tanh>("tanh", x); }

}  // namespace cordis::inline CORDIS_ABI
