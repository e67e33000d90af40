// cordis/compiled/batch_norm.hpp: kernels of op/batch_norm.hpp, compiled in cordis::compiled; contracts as in
// cpu/batch_norm.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void batch_norm_moments(Compiled, Tensor& moments, const Tensor& x);
void batch_norm_merge(Compiled, Tensor& moments, const Tensor& parts);
void batch_norm_fit_moments(Compiled, Tensor& fit, Tensor& running_mean, Tensor& running_var,
                            const Tensor& moments, const Tensor& w, const Tensor& b, double momentum,
                            double eps);
void batch_norm_fit_batch(Compiled, Tensor& fit, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                          const Tensor& w, const Tensor& b, double momentum, double eps);
void batch_norm_fit_running(Compiled, Tensor& fit, const Tensor& running_mean, const Tensor& running_var,
                            const Tensor& w, const Tensor& b, double eps);
void batch_norm_forward(Compiled, Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& fit,
                        bool relu);
void batch_norm_gradient_sums(Compiled, Tensor& sums, Tensor& g, const Tensor& dy, const Tensor& x,
                              const Tensor& y, const Tensor& fit, bool relu);
void batch_norm_affine_gradient(Compiled, Tensor& dw, Tensor& db, const Tensor& sums, const Tensor& fit);
void batch_norm_input_gradient(Compiled, Tensor& dx, const Tensor& g, const Tensor& dy, const Tensor& x,
                               const Tensor& y, const Tensor& fit, bool relu, const Tensor& sums, double M);
void batch_norm_backward(Compiled, Tensor& dx, Tensor& dw, Tensor& db, Tensor& g, const Tensor& dy,
                         const Tensor& x, const Tensor& y, const Tensor& fit, bool relu,
                         bool batch_statistics);

}  // namespace cordis::inline CORDIS_ABI
