// cordis/compiled/loss.hpp: kernels of op/loss.hpp, compiled in cordis::compiled; contracts as in
// cpu/loss.hpp
#pragma once

#include <cordis/contract/loss.hpp>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void bce_with_logits_forward(Compiled, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& p,
                             Reduction reduction);
void bce_with_logits_backward(Compiled, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                              const Tensor& p, Reduction reduction);
std::int64_t first_bad_target(Compiled, const Tensor& y, std::int64_t classes, std::int64_t ignore_index);
void cross_entropy_forward(Compiled, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& w,
                           const SoftTarget& soft, Reduction reduction);
void cross_entropy_backward(Compiled, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                            const Tensor& w, const SoftTarget& soft, Reduction reduction);

}  // namespace cordis::inline CORDIS_ABI
