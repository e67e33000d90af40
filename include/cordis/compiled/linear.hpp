// cordis/compiled/linear.hpp: kernels of op/linear.hpp, compiled in cordis::compiled; contracts as in
// cpu/linear.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void linear_forward(Compiled, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b);
void linear_backward(Compiled, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                     const Tensor& w);

}  // namespace cordis::inline CORDIS_ABI
