// tests/nn/support.hpp: moments of drawn parameters, keys of a module
#pragma once

#include <algorithm>
#include <cordis/nn/module.hpp>
#include <op/support.hpp>

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};
inline Moments moments(const Tensor& x) {
  Moments result;
  const Tensor wide = x.to(DType::f64);
  const double n = static_cast<double>(x.numel());
  for (const double value : wide.values<double>()) {
    result.mean += value / n;
    result.largest = std::max(result.largest, std::abs(value));
  }
  for (const double value : wide.values<double>())
    result.deviation += (value - result.mean) * (value - result.mean) / n;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

// Of large samples: five standard errors around the moments of a uniform in ±bound, which is also reached.
inline void check_uniform(const Tensor& x, double bound) {
  const auto [mean, deviation, largest] = moments(x);
  const double n = static_cast<double>(x.numel()), sigma = bound / std::sqrt(3.0);
  CHECK(largest <= bound * (1 + 1e-6));
  CHECK(largest >= bound * (1 - 20 / n));
  CHECK(std::abs(mean) <= 5 * sigma / std::sqrt(n));
  CHECK(std::abs(deviation / sigma - 1) <= 5 * std::sqrt(0.2 / n));  // (kurtosis - 1) / 4 = 0.2
}
inline void check_normal(const Tensor& x, double sigma) {
  const auto [mean, deviation, largest] = moments(x);
  const double n = static_cast<double>(x.numel());
  CHECK(std::abs(mean) <= 5 * sigma / std::sqrt(n));
  CHECK(std::abs(deviation / sigma - 1) <= 5 * std::sqrt(0.5 / n));
  CHECK(largest > 2.5 * sigma);
  CHECK(largest < 6 * sigma);
}

template <class M>
std::vector<std::string> keys(const M& net) {
  std::vector<std::string> result;
  for (const auto& entry : cordis::state_dict(net)) result.push_back(entry.name);
  return result;
}
using Keys = std::vector<std::string>;
