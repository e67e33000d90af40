// kernels/compiled/batch_norm.cpp: cordis/compiled/batch_norm.hpp
#include <cordis/compiled/batch_norm.hpp>
#include <cordis/cpu/batch_norm.hpp>

namespace cordis::inline CORDIS_ABI {

void batch_norm_moments(Compiled, Tensor& moments, const Tensor& x) { batch_norm_moments(Cpu{}, moments, x); }
void batch_norm_merge(Compiled, Tensor& moments, const Tensor& parts) {
  batch_norm_merge(Cpu{}, moments, parts);
}
void batch_norm_fit_moments(Compiled, Tensor& fit, Tensor& running_mean, Tensor& running_var,
                            const Tensor& moments, const Tensor& w, const Tensor& b, double momentum,
                            double eps) {
  batch_norm_fit_moments(Cpu{}, fit, running_mean, running_var, moments, w, b, momentum, eps);
}
void batch_norm_fit_batch(Compiled, Tensor& fit, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                          const Tensor& w, const Tensor& b, double momentum, double eps) {
  batch_norm_fit_batch(Cpu{}, fit, running_mean, running_var, x, w, b, momentum, eps);
}
void batch_norm_fit_running(Compiled, Tensor& fit, const Tensor& running_mean, const Tensor& running_var,
                            const Tensor& w, const Tensor& b, double eps) {
  batch_norm_fit_running(Cpu{}, fit, running_mean, running_var, w, b, eps);
}
void batch_norm_forward(Compiled, Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& fit,
                        bool relu) {
  batch_norm_forward(Cpu{}, y, x, residual, fit, relu);
}
void batch_norm_gradient_sums(Compiled, Tensor& sums, Tensor& g, const Tensor& dy, const Tensor& x,
                              const Tensor& y, const Tensor& fit, bool relu) {
  batch_norm_gradient_sums(Cpu{}, sums, g, dy, x, y, fit, relu);
}
void batch_norm_affine_gradient(Compiled, Tensor& dw, Tensor& db, const Tensor& sums, const Tensor& fit) {
  batch_norm_affine_gradient(Cpu{}, dw, db, sums, fit);
}
void batch_norm_input_gradient(Compiled, Tensor& dx, const Tensor& g, const Tensor& dy, const Tensor& x,
                               const Tensor& y, const Tensor& fit, bool relu, const Tensor& sums, double M) {
  batch_norm_input_gradient(Cpu{}, dx, g, dy, x, y, fit, relu, sums, M);
}
void batch_norm_backward(Compiled, Tensor& dx, Tensor& dw, Tensor& db, Tensor& g, const Tensor& dy,
                         const Tensor& x, const Tensor& y, const Tensor& fit, bool relu,
                         bool batch_statistics) {
  batch_norm_backward(Cpu{}, dx, dw, db, g, dy, x, y, fit, relu, batch_statistics);
}

}  // namespace cordis::inline CORDIS_ABI
