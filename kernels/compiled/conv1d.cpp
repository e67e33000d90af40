// kernels/compiled/conv1d.cpp: cordis/compiled/conv1d.hpp
#include <cordis/compiled/conv1d.hpp>
#include <cordis/cpu/conv1d_packed.hpp>

namespace cordis::inline CORDIS_ABI {

void conv1d_forward(Compiled, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                    const Conv1dOptions& options) {
  conv1d_forward(Cpu{}, y, x, w, b, options);
}
void conv1d_backward_data(Compiled, Tensor& dx, const Tensor& dy, const Tensor& w,
                          const Conv1dOptions& options) {
  conv1d_backward_data(Cpu{}, dx, dy, w, options);
}
void conv1d_backward_weight(Compiled, Tensor& dw, const Tensor& dy, const Tensor& x,
                            const Conv1dOptions& options) {
  conv1d_backward_weight(Cpu{}, dw, dy, x, options);
}
void conv1d_backward_bias(Compiled, Tensor& db, const Tensor& dy) { conv1d_backward_bias(Cpu{}, db, dy); }
PackedConv1d pack_conv1d(Compiled, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
  return pack_conv1d(Cpu{}, w, b, options);
}
void conv1d_packed_forward(Compiled, Tensor& y, const Tensor& x, const PackedConv1d& w,
                           const Conv1dEnd& end) {
  conv1d_packed_forward(Cpu{}, y, x, w, end);
}

}  // namespace cordis::inline CORDIS_ABI
