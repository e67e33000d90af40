// cordis/cpu/norm.hpp: norms of whole tensors
// Sums in double, in several lanes that are added in a fixed order: one chain of additions would wait for
// each.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {
inline double sum_of_squares(const Tensor& x) {
  return dispatch_float(x.dtype(), "norm", [&]<class T>() {
    constexpr std::int64_t kSums = 32;
    std::array<double, kSums> sums{};
    const T* in = x.data<T>();
    const std::int64_t n = x.numel(), whole = n / kSums * kSums;
    for (std::int64_t i = 0; i < whole; i += kSums)
      for (std::int64_t k = 0; k < kSums; ++k) {
        const double value = static_cast<double>(in[i + k]);
        sums[static_cast<std::size_t>(k)] += value * value;
      }
    double total = 0;
    for (std::int64_t i = whole; i < n; ++i) total += static_cast<double>(in[i]) * static_cast<double>(in[i]);
    for (const double sum : sums) total += sum;
    return total;
  });
}

inline double largest(const Tensor& x) {
  return dispatch_float(x.dtype(), "norm", [&]<class T>() {
    double top = 0;
    for (const T value : x.values<T>()) {
      const double size = std::abs(static_cast<double>(value));
      if (std::isnan(size)) return size;
      if (size > top) top = size;
    }
    return top;
  });
}
}  // namespace detail

// Of all elements of all tensors, one tensor after the other.
inline double sum_of_squares(Cpu, const Tensors& xs) {
  double sum = 0;
  for (const auto& x : xs) sum += detail::sum_of_squares(x);
  return sum;
}
// The largest |x|, NaN where there is one; 0 of nothing.
inline double largest(Cpu, const Tensors& xs) {
  double top = 0;
  for (const auto& x : xs) {
    const double own = detail::largest(x);
    if (std::isnan(own)) return own;
    top = std::max(top, own);
  }
  return top;
}

}  // namespace cordis::inline CORDIS_ABI
