// kernels/compiled/pool1d.cpp: cordis/compiled/pool1d.hpp
#include <cordis/compiled/pool1d.hpp>
#include <cordis/cpu/pool1d.hpp>

namespace cordis::inline CORDIS_ABI {

void max_pool1d_forward(Compiled, Tensor& y, const Storage& winner, const Tensor& x,
                        const MaxPool1dOptions& options) {
  max_pool1d_forward(Cpu{}, y, winner, x, options);
}
void max_pool1d_backward(Compiled, Tensor& dx, const Tensor& dy, const Storage& winner,
                         const MaxPool1dOptions& options) {
  max_pool1d_backward(Cpu{}, dx, dy, winner, options);
}
void global_avg_pool1d_forward(Compiled, Tensor& y, const Tensor& x) {
  global_avg_pool1d_forward(Cpu{}, y, x);
}
void global_avg_pool1d_backward(Compiled, Tensor& dx, const Tensor& dy) {
  global_avg_pool1d_backward(Cpu{}, dx, dy);
}

}  // namespace cordis::inline CORDIS_ABI
