// cordis/cpu/loss.hpp: kernels of op/loss.hpp
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/contract/loss.hpp>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// loss: (...) or (); x, y: (..., K); p: (K,) or undefined. With q = 1 + (p - 1) y:
//   (1 - y) x + q (log(1 + exp(-|x|)) + max(-x, 0))
inline void bce_with_logits_forward(Cpu, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& p,
                                    Reduction reduction) {
  dispatch_float(x.dtype(), "bce_with_logits", [&]<class T>() {
    const auto xs = x.values<T>(), ys = y.values<T>();
    const std::size_t classes = p.defined() ? static_cast<std::size_t>(p.numel()) : 1;
    const T* weight = p.defined() ? p.data<T>() : nullptr;
    double sum = 0;
    for (std::size_t i = 0, k = 0; i < xs.size(); ++i, k = k + 1 < classes ? k + 1 : 0) {
      const T q = weight ? 1 + (weight[k] - 1) * ys[i] : T{1};
      const T term =
          (1 - ys[i]) * xs[i] + q * (std::log1p(std::exp(-std::abs(xs[i]))) + (xs[i] < 0 ? -xs[i] : T{0}));
      if (reduction == Reduction::none)
        loss.data<T>()[i] = term;
      else
        sum += static_cast<double>(term);
    }
    if (reduction != Reduction::none)
      *loss.data<T>() = static_cast<T>(sum / reduction_divisor(reduction, static_cast<double>(xs.size())));
  });
}

// dx = dy (1 - y - q s(-x)), s the logistic function.
inline void bce_with_logits_backward(Cpu, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                                     const Tensor& p, Reduction reduction) {
  dispatch_float(x.dtype(), "bce_with_logits", [&]<class T>() {
    const auto xs = x.values<T>(), ys = y.values<T>();
    const std::size_t classes = p.defined() ? static_cast<std::size_t>(p.numel()) : 1;
    const T share = static_cast<T>(1 / reduction_divisor(reduction, static_cast<double>(xs.size())));
    const T* weight = p.defined() ? p.data<T>() : nullptr;
    for (std::size_t i = 0, k = 0; i < xs.size(); ++i, k = k + 1 < classes ? k + 1 : 0) {
      const T q = weight ? 1 + (weight[k] - 1) * ys[i] : T{1};
      const T upstream = reduction == Reduction::none ? dy.data<T>()[i] : *dy.data<T>() * share;
      dx.data<T>()[i] = upstream * (1 - ys[i] - q / (1 + std::exp(xs[i])));
    }
  });
}

// The first row whose target is neither a class nor ignored; y.numel() where there is none.
inline std::int64_t first_bad_target(Cpu, const Tensor& y, std::int64_t classes, std::int64_t ignore_index) {
  const auto targets = y.values<std::int64_t>();
  const auto bad = std::find_if(targets.begin(), targets.end(), [=](std::int64_t target) {
    return target != ignore_index && (target < 0 || target >= classes);
  });
  return bad - targets.begin();
}

// Sum of the weights of the targets that count: the mean's divisor.
template <class T>
double target_weight(const Tensor& y, const Tensor& w, const SoftTarget& soft) {
  double sum = 0;
  for (const auto target : y.values<std::int64_t>())
    if (target != soft.ignore_index) sum += w.defined() ? static_cast<double>(w.data<T>()[target]) : 1;
  return sum;
}

// loss: (N,) or (); x: (N, K); y: (N,) i64; w: (K,) or undefined. With e the smoothing and l = log
// softmax(x):
//   -(1 - e) w[y] l[y] - e / K sum_k w[k] l[k]
inline void cross_entropy_forward(Cpu, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& w,
                                  const SoftTarget& soft, Reduction reduction) {
  dispatch_float(x.dtype(), "cross_entropy", [&]<class T>() {
    const std::int64_t classes = x.size(1);
    double sum = 0;
    for (std::int64_t n = 0; n < x.size(0); ++n) {
      const T* row = x.data<T>() + n * classes;
      const std::int64_t target = y.data<std::int64_t>()[n];
      double term = 0;
      if (target != soft.ignore_index) {
        const double top = static_cast<double>(*std::max_element(row, row + classes));
        double total = 0;
        for (std::int64_t k = 0; k < classes; ++k) total += std::exp(static_cast<double>(row[k]) - top);
        const double log_total = top + std::log(total);
        const auto weight = [&](std::int64_t k) {
          return w.defined() ? static_cast<double>(w.data<T>()[k]) : 1.0;
        };
        term = (1 - soft.smoothing) * weight(target) * (log_total - static_cast<double>(row[target]));
        if (soft.smoothing > 0)
          for (std::int64_t k = 0; k < classes; ++k)
            term += soft.smoothing / static_cast<double>(classes) * weight(k) *
                    (log_total - static_cast<double>(row[k]));
      }
      if (reduction == Reduction::none) loss.data<T>()[n] = static_cast<T>(term);
      sum += term;
    }
    if (reduction != Reduction::none)
      *loss.data<T>() = static_cast<T>(sum / reduction_divisor(reduction, target_weight<T>(y, w, soft)));
  });
}

// With t[k] = (1 - e) w[y] [k = y] + e / K w[k]: dx[k] = dy (softmax(x)[k] sum_j t[j] - t[k]).
inline void cross_entropy_backward(Cpu, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                                   const Tensor& w, const SoftTarget& soft, Reduction reduction) {
  dispatch_float(x.dtype(), "cross_entropy", [&]<class T>() {
    const std::int64_t classes = x.size(1);
    const double divisor = reduction_divisor(reduction, target_weight<T>(y, w, soft));
    for (std::int64_t n = 0; n < x.size(0); ++n) {
      const T* row = x.data<T>() + n * classes;
      T* out = dx.data<T>() + n * classes;
      const std::int64_t target = y.data<std::int64_t>()[n];
      if (target == soft.ignore_index) {
        std::fill_n(out, classes, T{0});
        continue;
      }
      const double top = static_cast<double>(*std::max_element(row, row + classes));
      double total = 0, mass = 0;
      const auto share = [&](std::int64_t k) {
        const double weight = w.defined() ? static_cast<double>(w.data<T>()[k]) : 1.0;
        return weight *
               (soft.smoothing / static_cast<double>(classes) + (k == target ? 1 - soft.smoothing : 0));
      };
      for (std::int64_t k = 0; k < classes; ++k) {
        total += std::exp(static_cast<double>(row[k]) - top);
        mass += share(k);
      }
      const double upstream =
          static_cast<double>(reduction == Reduction::none ? dy.data<T>()[n] : *dy.data<T>()) / divisor;
      for (std::int64_t k = 0; k < classes; ++k)
        out[k] = static_cast<T>(upstream *
                                (std::exp(static_cast<double>(row[k]) - top) / total * mass - share(k)));
    }
  });
}

}  // namespace cordis::inline CORDIS_ABI
