// tests/ecg/filter_test.cpp: Butterworth sections and zero-phase filtering against scipy, and what they mean
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/ecg/filter.hpp>
#include <numbers>

#include "scratch.hpp"

using namespace cordis;
using scratch::deviation;
using scratch::filter_numbers;
using scratch::message;
using scratch::says;

TEST_CASE("filter: Butterworth sections equal scipy's, section by section") {
  for (const int order : {2, 4})
    for (const int fs : {100, 257, 500, 1000}) {
      CAPTURE(order);
      CAPTURE(fs);
      std::vector<double> got;
      for (const auto& s :
           ecg::butterworth({.order = order, .low = 0.5, .high = 40, .fs = static_cast<double>(fs)}))
        got.insert(got.end(), {s.b0, s.b1, s.b2, 1, s.a1, s.a2});
      const auto& wanted = filter_numbers().at(concat("butter ", order, " 0.5 40 ", fs));
      CHECK(deviation(got, wanted) < 1e-12);
      CHECK(std::abs(got[0] / wanted[0] - 1) < 1e-10);
    }
}

TEST_CASE(
    "filter: the band's edges are at half power, the middle at one, both ends of the spectrum at nothing") {
  for (const int order : {2, 4, 8}) {
    const auto sections = ecg::butterworth({.order = order, .low = 5, .high = 15, .fs = 100});
    const auto gain = [&](double f) {
      const auto z = std::exp(std::complex<double>(0, -2 * std::numbers::pi * f / 100));
      std::complex<double> h = 1;
      for (const auto& s : sections) h *= (s.b0 + s.b1 * z + s.b2 * z * z) / (1.0 + s.a1 * z + s.a2 * z * z);
      return std::abs(h);
    };
    const auto warp = [](double f) { return std::tan(std::numbers::pi * f / 100); };
    const double centre = std::atan(std::sqrt(warp(5) * warp(15))) * 100 / std::numbers::pi;
    CHECK(gain(5) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-9));
    CHECK(gain(15) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-9));
    CHECK(gain(centre) == doctest::Approx(1).epsilon(1e-9));
    CHECK(gain(1e-3) < 1e-6);
    CHECK(gain(49.99) < 1e-6);
  }
}

TEST_CASE("filter: forward and backward equals scipy's sosfiltfilt, down to the shortest signal") {
  const auto sections = ecg::butterworth({.order = 4, .low = 0.5, .high = 40, .fs = 500});
  CHECK(ecg::filter_padding(sections) == 27);
  for (const int n : {28, 301}) {
    CAPTURE(n);
    const auto y = ecg::filter_both_ways(sections, filter_numbers().at(concat("walk ", n)));
    CHECK(deviation(y, filter_numbers().at(concat("filtered ", n))) < 1e-9);
  }
}

TEST_CASE("filter: a constant is removed, a sine inside the band passes without a shift") {
  const auto sections = ecg::butterworth({.order = 4, .low = 0.5, .high = 40, .fs = 500});
  for (const double v : ecg::filter_both_ways(sections, std::vector<double>(5000, 3.0)))
    CHECK(std::abs(v) < 1e-9);
  std::vector<double> sine;
  for (int n = 0; n < 5000; ++n) sine.push_back(std::sin(2 * std::numbers::pi * 8 * n / 500));
  const auto y = ecg::filter_both_ways(sections, sine);
  double worst = 0;
  for (std::size_t n = 1000; n < 4000; ++n) worst = std::max(worst, std::abs(y[n] - sine[n]));
  CHECK(worst < 0.05);  // one sample of shift would make 0.1
}

TEST_CASE("filter: misuse is refused") {
  const auto refusal = [](ecg::BandPass band) {
    return message<std::invalid_argument>([&] { ecg::butterworth(band); });
  };
  CHECK(says(refusal({.low = 0.5, .high = 40, .fs = 80}), {"[butterworth]", "0.5 to 40", "80 Hz"}));
  CHECK(says(refusal({.low = 0, .high = 40}), {"[butterworth]", "0 to 40"}));
  CHECK(says(refusal({.low = 40, .high = 0.5}), {"[butterworth]", "40 to 0.5"}));
  CHECK(says(refusal({.order = 3}), {"[butterworth]", "order is 3"}));
  CHECK(says(refusal({.order = 0}), {"[butterworth]", "order is 0"}));
  CHECK(says(refusal({.fs = std::nan("")}), {"[butterworth]", "nan"}));
  const auto sections = ecg::butterworth({});
  for (const std::size_t n : {0u, 1u, 27u})
    CHECK(
        says(message<std::invalid_argument>([&] { ecg::filter_both_ways(sections, std::vector<double>(n)); }),
             {"[filter_both_ways]", concat(n, " samples"), "more than 27"}));
}
