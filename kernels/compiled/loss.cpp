// kernels/compiled/loss.cpp: cordis/compiled/loss.hpp
#include <cordis/compiled/loss.hpp>
#include <cordis/cpu/loss.hpp>

namespace cordis::inline CORDIS_ABI {

void bce_with_logits_forward(Compiled, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& p,
                             Reduction reduction) {
  bce_with_logits_forward(Cpu{}, loss, x, y, p, reduction);
}
void bce_with_logits_backward(Compiled, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                              const Tensor& p, Reduction reduction) {
  bce_with_logits_backward(Cpu{}, dx, dy, x, y, p, reduction);
}
std::int64_t first_bad_target(Compiled, const Tensor& y, std::int64_t classes, std::int64_t ignore_index) {
  return first_bad_target(Cpu{}, y, classes, ignore_index);
}
void cross_entropy_forward(Compiled, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& w,
                           const SoftTarget& soft, Reduction reduction) {
  cross_entropy_forward(Cpu{}, loss, x, y, w, soft, reduction);
}
void cross_entropy_backward(Compiled, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                            const Tensor& w, const SoftTarget& soft, Reduction reduction) {
  cross_entropy_backward(Cpu{}, dx, dy, x, y, w, soft, reduction);
}

}  // namespace cordis::inline CORDIS_ABI
