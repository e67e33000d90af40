// cordis/cuda/batch_norm.hpp: kernels of op/batch_norm.hpp for Cuda; contracts as in cpu/batch_norm.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void batch_norm_fit_batch(Cuda, Tensor& fit, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                          const Tensor& w, const Tensor& b, double momentum, double eps);
void batch_norm_fit_running(Cuda, Tensor& fit, const Tensor& running_mean, const Tensor& running_var,
                            const Tensor& w, const Tensor& b, double eps);
void batch_norm_forward(Cuda, Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& fit,
                        bool relu);
void batch_norm_backward(Cuda, Tensor& dx, Tensor& dw, Tensor& db, Tensor& g, const Tensor& dy,
                         const Tensor& x, const Tensor& y, const Tensor& fit, bool relu,
                         bool batch_statistics);

}  // namespace cordis::inline CORDIS_ABI
