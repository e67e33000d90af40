// tests/ecg/resample_test.cpp: rates, decimation, and polyphase resampling against scipy
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/ecg/resample.hpp>
#include <numbers>

#include "scratch.hpp"

using namespace cordis;
using scratch::deviation;
using scratch::filter_numbers;

TEST_CASE("resample: ratios in lowest terms") {
  const auto is = [](double from, double to, std::int64_t up, std::int64_t down) {
    const auto ratio = ecg::rate_ratio(from, to);
    return ratio && ratio->up == up && ratio->down == down;
  };
  CHECK(is(500, 100, 1, 5));
  CHECK(is(1000, 100, 1, 10));
  CHECK(is(250, 100, 2, 5));
  CHECK(is(257, 100, 100, 257));
  CHECK(is(100, 100, 1, 1));
  CHECK(is(100, 500, 5, 1));
  CHECK(is(128.5, 100, 200, 257));
  CHECK(!ecg::rate_ratio(100.0 / 3, 100));
  CHECK(!ecg::rate_ratio(499.999, 100));
  CHECK(!ecg::rate_ratio(1e300, 100));
  CHECK_THROWS_AS((void)ecg::rate_ratio(0, 100), std::invalid_argument);
  CHECK_THROWS_AS((void)ecg::rate_ratio(100, -1), std::invalid_argument);
}

TEST_CASE("resample: every k-th sample") {
  const std::vector<double> x = {0, 1, 2, 3, 4, 5, 6};
  CHECK(ecg::decimate(x, 1) == x);
  CHECK(ecg::decimate(x, 3) == std::vector<double>{0, 3, 6});
  CHECK(ecg::decimate(x, 4) == std::vector<double>{0, 4});
  CHECK(ecg::decimate(x, 100) == std::vector<double>{0});
  CHECK(ecg::decimate({}, 2).empty());
  CHECK_THROWS_AS(ecg::decimate(x, 0), std::invalid_argument);
}

TEST_CASE("resample: polyphase equals scipy's resample_poly") {
  const auto& x = filter_numbers().at("walk 173");
  const ecg::RateRatio ratios[] = {{1, 5}, {2, 5}, {5, 18}, {3, 1}, {100, 257}, {1, 10}};
  for (const ecg::RateRatio ratio : ratios) {
    const std::string name = concat("resampled ", ratio.up, " ", ratio.down);
    CAPTURE(name);
    CHECK(deviation(ecg::resample(x, ratio), filter_numbers().at(name)) < 1e-12);
  }
  CHECK(ecg::resample(x, {}) == x);
  CHECK(ecg::resample({}, {.up = 1, .down = 5}).empty());
  CHECK(deviation(ecg::resample(std::span(x).first(1), {.up = 2, .down = 5}),
                  filter_numbers().at("resampled one sample")) < 1e-12);
  CHECK_THROWS_AS(ecg::resample(x, {.up = 0, .down = 5}), std::invalid_argument);
}

TEST_CASE("resample: polyphase keeps 8 Hz, removes 90 Hz that decimation folds to 10 Hz") {
  const auto sine = [](double f) {
    std::vector<double> x;
    for (int n = 0; n < 5000; ++n) x.push_back(std::sin(2 * std::numbers::pi * f * n / 500));
    return x;
  };
  const auto largest = [](const std::vector<double>& x, const std::vector<double>& y) {
    double worst = 0;
    for (std::size_t n = 100; n < 900; ++n) worst = std::max(worst, std::abs(x[n] - y[n]));
    return worst;
  };
  const std::vector<double> nothing(1000, 0.0);
  CHECK(largest(ecg::resample(sine(8), {.up = 1, .down = 5}), ecg::decimate(sine(8), 5)) < 0.01);
  CHECK(largest(ecg::resample(sine(90), {.up = 1, .down = 5}), nothing) < 0.01);
  CHECK(largest(ecg::decimate(sine(90), 5), nothing) > 0.9);
}
