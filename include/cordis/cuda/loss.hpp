// cordis/cuda/loss.hpp: kernels of op/loss.hpp for Cuda; contracts as in cpu/loss.hpp
#pragma once

#include <cordis/contract/loss.hpp>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void bce_with_logits_forward(Cuda, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& p,
                             Reduction reduction);
void bce_with_logits_backward(Cuda, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                              const Tensor& p, Reduction reduction);
std::int64_t first_bad_target(Cuda, const Tensor& y, std::int64_t classes, std::int64_t ignore_index);
void cross_entropy_forward(Cuda, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& w,
                           const SoftTarget& soft, Reduction reduction);
void cross_entropy_backward(Cuda, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                            const Tensor& w, const SoftTarget& soft, Reduction reduction);

}  // namespace cordis::inline CORDIS_ABI
