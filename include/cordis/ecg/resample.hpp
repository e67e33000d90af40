// cordis/ecg/resample.hpp: from one sampling rate to another: every k-th sample, or polyphase filtering
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/config.hpp>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// to / from = up / down in lowest terms.
struct RateRatio {
  std::int64_t up = 1;
  std::int64_t down = 1;
};

// nullopt where the rates are no multiples of a millihertz, or their ratio in lowest terms needs more than
// 10000.
inline std::optional<RateRatio> rate_ratio(double from, double to) {
  CORDIS_CHECK(from > 0 && to > 0, "[rate_ratio] rates are ", from, " and ", to, " Hz, but must be positive");
  const double up = to * 1000, down = from * 1000;
  if (up != std::round(up) || down != std::round(down) || std::max(up, down) > 1e15) return std::nullopt;
  const auto a = static_cast<std::int64_t>(up), b = static_cast<std::int64_t>(down), common = std::gcd(a, b);
  if (std::max(a, b) / common > 10000) return std::nullopt;
  return RateRatio{.up = a / common, .down = b / common};
}

// x[0], x[step], x[2 step], ...: aliases what lies above half the new rate.
inline std::vector<double> decimate(std::span<const double> x, std::int64_t step) {
  CORDIS_CHECK(step > 0, "[decimate] step is ", step, ", but must be positive");
  std::vector<double> y;
  for (std::size_t n = 0; n < x.size(); n += static_cast<std::size_t>(step)) y.push_back(x[n]);
  return y;
}

namespace detail {

// Modified Bessel function of the first kind, order 0, by its power series.
inline double bessel_i0(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

// Low-pass at half the lower rate: windowed sinc of 20 max(up, down) + 1 taps, Kaiser window (beta 5), gain
// `up`.
inline std::vector<double> resampling_filter(RateRatio ratio) {
  const std::int64_t widest = std::max(ratio.up, ratio.down), half = 10 * widest;
  std::vector<double> h;
  for (std::int64_t n = -half; n <= half; ++n) {
    const double at = static_cast<double>(n) / static_cast<double>(half);
    const double arg = std::numbers::pi * static_cast<double>(n) / static_cast<double>(widest);
    h.push_back((n == 0 ? 1.0 : std::sin(arg) / arg) * bessel_i0(5 * std::sqrt(std::max(0.0, 1 - at * at))));
  }
  const double scale = static_cast<double>(ratio.up) / std::accumulate(h.begin(), h.end(), 0.0);
  for (double& tap : h) tap *= scale;
  return h;
}

}  // namespace detail

// As scipy.signal.resample_poly with its defaults: ceil(size * up / down) samples, zeros beyond the ends.
inline std::vector<double> resample(std::span<const double> x, RateRatio ratio) {
  CORDIS_CHECK(ratio.up > 0 && ratio.down > 0, "[resample] ratio is ", ratio.up, "/", ratio.down,
               ", but both must be positive");
  if (ratio.up == ratio.down) return {x.begin(), x.end()};
  const auto h = detail::resampling_filter(ratio);
  const auto half = static_cast<std::int64_t>(h.size() / 2), n = std::ssize(x);
  std::vector<double> y;
  for (std::int64_t m = 0; m * ratio.down < n * ratio.up; ++m) {
    // y[m] = sum over j of x[j] h[half + m down - j up]
    const std::int64_t at = m * ratio.down;
    const std::int64_t first = std::max<std::int64_t>(0, (at - half + ratio.up - 1) / ratio.up);
    const std::int64_t last = std::min(n - 1, (at + half) / ratio.up);
    double sum = 0;
    for (std::int64_t j = first; j <= last; ++j)
      sum += x[static_cast<std::size_t>(j)] * h[static_cast<std::size_t>(half + at - j * ratio.up)];
    y.push_back(sum);
  }
  return y;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
