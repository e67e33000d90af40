// cordis/ecg/filter.hpp: Butterworth band-pass as second-order sections, run forward and backward (zero
// phase) The design is that of scipy.signal.butter(..., output="sos"), the filtering that of sosfiltfilt; in
// doubles.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cordis/config.hpp>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// H(z) = (b0 + b1/z + b2/z^2) / (1 + a1/z + a2/z^2)
struct Biquad {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};

// order: even, of the low-pass prototype; the band-pass has `order` sections. Frequencies in Hz.
struct BandPass {
  int order = 4;
  double low = 0.5;
  double high = 40;
  double fs = 500;
};

// The last section holds the poles nearest to the unit circle, the first the whole gain.
inline std::vector<Biquad> butterworth(const BandPass& band) {
  CORDIS_CHECK(band.order >= 2 && band.order <= 16 && band.order % 2 == 0, "[butterworth] order is ",
               band.order, ", but must be even and between 2 and 16");
  CORDIS_CHECK(0 < band.low && band.low < band.high && band.high < band.fs / 2, "[butterworth] band is ",
               band.low, " to ", band.high, " Hz, but must lie between 0 and half the rate of ", band.fs,
               " Hz");
  using Complex = std::complex<double>;
  const auto warp = [&](double f) {
    return 4 * std::tan(std::numbers::pi * f / band.fs);
  };  // bilinear, rate 2
  const double low = warp(band.low), high = warp(band.high);
  const double width = high - low, centre = std::sqrt(low * high);

  // Each prototype pole becomes two band-pass poles, and those of its conjugate are theirs: keep the upper
  // ones.
  std::vector<Complex> poles;
  double gain = std::pow(width, band.order);
  for (int m = 0; m < band.order / 2; ++m) {
    const double angle = std::numbers::pi * (2 * m + 1 - band.order) / (2 * band.order);
    const Complex p = -std::exp(Complex(0, angle)) * (width / 2);
    const Complex root = std::sqrt(p * p - centre * centre);
    for (const Complex s : {p + root, p - root}) {
      const Complex z = (4.0 + s) / (4.0 - s);
      poles.emplace_back(z.real(), std::abs(z.imag()));
      gain *= 4.0 / std::norm(4.0 - s);  // `order` zeros at s = 0 against 2 * order poles
    }
  }
  std::ranges::sort(poles, {}, [](Complex p) { return -std::abs(1 - std::abs(p)); });

  // Zeros: `order` at +1 and as many at -1; from the last section on, each takes the two nearest to its
  // poles.
  int at_plus_one = band.order / 2, at_minus_one = band.order / 2;  // pairs
  std::vector<Biquad> sections(poles.size());
  for (std::size_t k = poles.size(); k-- > 0;) {
    const bool plus = at_minus_one == 0 || (at_plus_one > 0 && poles[k].real() > 0);
    (plus ? at_plus_one : at_minus_one)--;
    sections[k] = {.b1 = plus ? -2.0 : 2.0, .b2 = 1, .a1 = -2 * poles[k].real(), .a2 = std::norm(poles[k])};
  }
  for (double* b : {&sections[0].b0, &sections[0].b1, &sections[0].b2}) *b *= gain;
  return sections;
}

namespace detail {

using BiquadState = std::array<double, 2>;

// State of each section after an endless input of ones.
inline std::vector<BiquadState> steady_state(std::span<const Biquad> sections) {
  std::vector<BiquadState> state;
  double level = 1;
  for (const Biquad& s : sections) {
    const double c1 = s.b1 - s.a1 * s.b0, c2 = s.b2 - s.a2 * s.b0;
    const double z0 = (c1 + c2) / (1 + s.a1 + s.a2);
    state.push_back({level * z0, level * ((1 + s.a1) * z0 - c1)});
    level *= (s.b0 + s.b1 + s.b2) / (1 + s.a1 + s.a2);
  }
  return state;
}

// In place, transposed direct form II, started as if x[0] had been there for ever.
inline void filter_once(std::span<const Biquad> sections, std::span<double> x) {
  auto state = steady_state(sections);
  for (auto& z : state) z = {z[0] * x[0], z[1] * x[0]};
  for (double& sample : x) {
    double value = sample;
    for (std::size_t k = 0; k < sections.size(); ++k) {
      const Biquad& s = sections[k];
      const double y = s.b0 * value + state[k][0];
      state[k][0] = s.b1 * value - s.a1 * y + state[k][1];
      state[k][1] = s.b2 * value - s.a2 * y;
      value = y;
    }
    sample = value;
  }
}

}  // namespace detail

// Samples by which filter_both_ways extends the signal at each end: it needs more than that many.
inline std::size_t filter_padding(std::span<const Biquad> sections) {
  const auto zeros = [&](auto member) {
    return std::ranges::count_if(sections, [&](const Biquad& s) { return s.*member == 0; });
  };
  const auto spare = std::min(zeros(&Biquad::b2), zeros(&Biquad::a2));
  return 3 * (2 * sections.size() + 1 - static_cast<std::size_t>(spare));
}

// Forward, then backward: no phase shift, the gain squared. Both ends are extended by odd reflection.
inline std::vector<double> filter_both_ways(std::span<const Biquad> sections, std::span<const double> x) {
  const std::size_t pad = filter_padding(sections), n = x.size();
  CORDIS_CHECK(n > pad, "[filter_both_ways] x has ", n, " samples, but more than ", pad, " are needed");
  std::vector<double> y(n + 2 * pad);
  for (std::size_t k = 0; k < pad; ++k) {
    y[k] = 2 * x[0] - x[pad - k];
    y[pad + n + k] = 2 * x[n - 1] - x[n - 2 - k];
  }
  std::ranges::copy(x, y.begin() + static_cast<std::ptrdiff_t>(pad));
  for (int pass = 0; pass < 2; ++pass) {
    detail::filter_once(sections, y);
    std::ranges::reverse(y);
  }
  return {y.begin() + static_cast<std::ptrdiff_t>(pad), y.end() - static_cast<std::ptrdiff_t>(pad)};
}

}  // namespace cordis::inline CORDIS_ABI::ecg
