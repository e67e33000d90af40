// cordis/cpu/update.hpp: optimizer steps, one fused pass over each tensor
#pragma once

#include <cmath>
#include <cordis/cpu/accumulate.hpp>

namespace cordis::inline CORDIS_ABI {

struct SgdUpdate {
  double lr, momentum, dampening, weight_decay;
  bool nesterov;
  bool first;  // the momentum buffer takes the gradient whole
};

// p, g, v: the same shape, v undefined without momentum. With d = g + weight_decay p:
//   v = momentum v + (1 - dampening) d (first: v = d);  p -= lr (d + momentum v with Nesterov, else v)
inline void sgd_update(Cpu, Tensor& p, Tensor& v, const Tensor& g, const SgdUpdate& u) {
  dispatch_float(p.dtype(), "sgd", [&]<class T>() {
    T *value = p.data<T>(), *velocity = v.defined() ? v.data<T>() : nullptr;
    const T* gradient = g.data<T>();
    const T lr = static_cast<T>(u.lr), momentum = static_cast<T>(u.momentum),
            decay = static_cast<T>(u.weight_decay);
    const T fresh = static_cast<T>(1 - u.dampening);
    parallel_elements(p.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        T d = gradient[i] + decay * value[i];
        if (velocity) {
          velocity[i] = u.first ? d : momentum * velocity[i] + fresh * d;
          d = u.nesterov ? d + momentum * velocity[i] : velocity[i];
        }
        value[i] -= lr * d;
      }
    });
  });
}

struct AdamUpdate {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;     // AdamW: the decay acts on the parameter, not through the moments
  std::int64_t step;  // 1 at the first
};

// p, g, m, v: the same shape. Kingma and Ba 2015, in the order of PyTorch's single-tensor step:
//   m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g²;
//   p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
inline void adam_update(Cpu, Tensor& p, Tensor& m, Tensor& v, const Tensor& g, const AdamUpdate& u) {
  dispatch_float(p.dtype(), "adam", [&]<class T>() {
    T *value = p.data<T>(), *mean = m.data<T>(), *square = v.data<T>();
    const T* gradient = g.data<T>();
    const double t = static_cast<double>(u.step);
    const T size = static_cast<T>(u.lr / (1 - std::pow(u.beta1, t)));
    const T correction = static_cast<T>(std::sqrt(1 - std::pow(u.beta2, t)));
    const T keep = u.decoupled ? static_cast<T>(1 - u.lr * u.weight_decay) : T{1};
    const T decay = u.decoupled ? T{0} : static_cast<T>(u.weight_decay);
    const T one_minus_beta1 = static_cast<T>(1 - u.beta1), beta2 = static_cast<T>(u.beta2);
    const T one_minus_beta2 = static_cast<T>(1 - u.beta2), eps = static_cast<T>(u.eps);
    parallel_elements(p.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T before = value[i] * keep, d = gradient[i] + decay * before;
        mean[i] += one_minus_beta1 * (d - mean[i]);
        square[i] = beta2 * square[i] + one_minus_beta2 * d * d;
        value[i] = before - size * (mean[i] / (std::sqrt(square[i]) / correction + eps));
      }
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
