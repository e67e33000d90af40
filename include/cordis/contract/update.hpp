// cordis/contract/update.hpp: all that the step of one parameter needs
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// p, g, v: the same shape, v undefined without momentum. With d = g + weight_decay p:
//   v = momentum v + (1 - dampening) d (first: v = d);  p -= lr (d + momentum v with Nesterov, else v)
struct SgdUpdate {
  Tensor p, v, g;
  double lr, momentum, dampening, weight_decay;
  bool nesterov;
  bool first;  // the momentum buffer takes the gradient whole
};

// p, g, m, v: the same shape. Kingma and Ba 2015, in the order of PyTorch's single-tensor step:
//   m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g²;
//   p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
struct AdamUpdate {
  Tensor p, m, v, g;
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;     // AdamW: the decay acts on the parameter, not through the moments
  std::int64_t step;  // 1 at the first
};

}  // namespace cordis::inline CORDIS_ABI
