// kernels/compiled/linear.cpp: cordis/compiled/linear.hpp
#include <cordis/compiled/linear.hpp>
#include <cordis/cpu/linear.hpp>

namespace cordis::inline CORDIS_ABI {

void linear_forward(Compiled, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  linear_forward(Cpu{}, y, x, w, b);
}
void linear_backward(Compiled, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                     const Tensor& w) {
  linear_backward(Cpu{}, dx, dw, db, dy, x, w);
}

}  // namespace cordis::inline CORDIS_ABI
