// cordis/cuda/linear.hpp: kernels of op/linear.hpp for Cuda; contracts as in cpu/linear.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void linear_forward(Cuda, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b);
void linear_backward(Cuda, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                     const Tensor& w);

}  // namespace cordis::inline CORDIS_ABI
