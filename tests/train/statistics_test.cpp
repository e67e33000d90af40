// tests/train/statistics_test.cpp: spreads, quantiles, and intervals of paired differences
#include <doctest/doctest.h>

#include <cordis/train/statistics.hpp>

#include "noisy.hpp"
#include "refusal.hpp"

using namespace cordis;

namespace {

bool same(const Interval& a, const Interval& b) {
  return a.mean == b.mean && a.low == b.low && a.high == b.high && a.resamples == b.resamples;
}

}  // namespace

TEST_CASE("statistics: spread over the values that are defined") {
  const auto whole = spread({2, 4, 4, 4, 5, 5, 7, 9});
  CHECK(whole.mean == 5);
  CHECK(whole.deviation == doctest::Approx(std::sqrt(32.0 / 7)));
  CHECK(whole.count == 8);
  const auto holes = spread({kUndefined, 1, kUndefined, 3});
  CHECK(holes.mean == 2);
  CHECK(holes.deviation == doctest::Approx(std::sqrt(2)));
  CHECK(holes.count == 2);
  const auto one = spread({-7, kUndefined});
  CHECK(one.mean == -7);
  CHECK(std::isnan(one.deviation));
  CHECK(one.count == 1);
  for (const auto& none : {spread({}), spread({kUndefined})}) {
    CHECK(std::isnan(none.mean));
    CHECK(std::isnan(none.deviation));
    CHECK(none.count == 0);
  }
  CHECK(spread({1e9 + 1, 1e9 + 2, 1e9 + 3}).deviation == doctest::Approx(1));
}

TEST_CASE("statistics: quantiles are numpy's") {
  const std::vector<double> x{1, 2, 4, 8, 16};
  CHECK(quantile(x, 0) == 1);
  CHECK(quantile(x, 1) == 16);
  CHECK(quantile(x, 0.5) == 4);
  CHECK(quantile(x, 0.25) == 2);
  CHECK(quantile(x, 0.1) == doctest::Approx(1.4));
  CHECK(quantile(x, 0.9) == doctest::Approx(12.8));
  CHECK(quantile(x, 0.975) == doctest::Approx(15.2));
  CHECK(quantile({3, 7}, 0.3) == doctest::Approx(4.2));
  for (const double q : {0.0, 0.3, 1.0}) CHECK(quantile({5}, q) == 5);
  CHECK(says(refusal([] { quantile({}, 0.5); }), {"[quantile] 0.5 of 0 values"}));
  for (const double q : {-0.1, 1.1, kUndefined})
    CHECK(says(refusal([q] { quantile({1, 2}, q); }), {concat("[quantile] ", q, " of 2 values")}));
}

TEST_CASE("statistics: no difference gives an interval of nil") {
  for (const Metric metric : kMetrics) {
    std::vector<PairedScores> pairs;
    for (int seed = 0; seed < 3; ++seed) {
      const Scorer scorer = noisy(40, 0.5, static_cast<std::uint64_t>(seed));
      pairs.push_back({.seed = seed, .first = scorer, .second = scorer});
    }
    const auto interval = paired_difference(pairs, metric, 200, 1);
    CHECK(interval.mean == 0);
    CHECK(interval.low == 0);
    CHECK(interval.high == 0);
    CHECK(interval.resamples == 200);
  }
}

TEST_CASE("statistics: a perfect net against its opposite is one apart in every resample") {
  const std::vector<std::uint8_t> y{0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0};
  std::vector<float> right, wrong;
  for (const auto label : y) right.push_back(label), wrong.push_back(static_cast<float>(1 - label));
  const std::vector<PairedScores> pairs{{.first = Scorer(right, y, 1), .second = Scorer(wrong, y, 1)}},
      swapped{{.first = Scorer(wrong, y, 1), .second = Scorer(right, y, 1)}};
  for (const Metric metric : kMetrics) {
    const auto interval = paired_difference(pairs, metric, 300, 2);
    CHECK(interval.mean == 1);
    CHECK(interval.low == 1);
    CHECK(interval.high == 1);
    CHECK(interval.resamples >= 295);  // 2 / 2^12 of them draw one class alone
    CHECK(paired_difference(swapped, metric, 300, 2).high == -1);
  }
}

TEST_CASE(
    "statistics: one pair's interval agrees with the bootstrap's spread, and narrows with the records") {
  const auto interval_of = [](std::size_t n, int resamples) {
    return paired_difference({{.first = noisy(n, 1, 1), .second = noisy(n, 0.6, 2)}}, Metric::auroc,
                             resamples, 3);
  };
  const auto few = interval_of(60, 1000), many = interval_of(960, 1000);
  for (const auto& interval : {few, many}) {
    CHECK(interval.low < interval.mean);
    CHECK(interval.mean < interval.high);
  }
  CHECK(many.mean == noisy(960, 1, 1).auroc(0) - noisy(960, 0.6, 2).auroc(0));
  const double ratio = (few.high - few.low) / (many.high - many.low);
  CHECK((ratio > 3 && ratio < 5.5));  // four times, by the square root of sixteen
}

TEST_CASE("statistics: the interval covers the true difference as often as it says") {
  // Two nets whose scores are as good; AUROC on 90 records, one seed.
  int covered = 0;
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    const auto interval = paired_difference(
        {{.first = noisy(90, 0.8, 2 * trial + 10), .second = noisy(90, 0.8, 2 * trial + 11)}}, Metric::auroc,
        200, trial);
    covered += interval.low <= 0 && 0 <= interval.high;
  }
  CHECK(covered >= 87);
  CHECK(covered < 100);
}

TEST_CASE("statistics: seeds that differ widen the interval") {
  std::vector<PairedScores> alike, apart;
  for (int seed = 0; seed < 4; ++seed) {
    const Scorer base = noisy(600, 0.5, 1);
    alike.push_back({.seed = seed, .first = noisy(600, 1, 2), .second = base});
    apart.push_back({.seed = seed, .first = noisy(600, seed, 2), .second = base});
  }
  const auto narrow = paired_difference(alike, Metric::auroc, 300, 1),
             wide = paired_difference(apart, Metric::auroc, 300, 1);
  CHECK(wide.high - wide.low > 3 * (narrow.high - narrow.low));
  // Pairs of one seed are drawn together: the same as if they were one.
  for (auto& pair : apart) pair.seed = 0;
  const auto together = paired_difference(apart, Metric::auroc, 300, 1);
  CHECK(together.mean == doctest::Approx(wide.mean));
  CHECK(together.high - together.low < wide.high - wide.low);
}

TEST_CASE("statistics: folds have records of their own, pairs of a fold share them") {
  std::vector<PairedScores> pairs;
  for (int fold = 0; fold < 3; ++fold)
    for (int seed = 0; seed < 2; ++seed) {
      const auto n = static_cast<std::size_t>(30 + 7 * fold);
      const auto draw = static_cast<std::uint64_t>(10 * fold + seed);
      pairs.push_back(
          {.fold = fold, .seed = seed, .first = noisy(n, 1, draw), .second = noisy(n, 0, draw + 100)});
    }
  double mean = 0;
  for (const auto& pair : pairs) mean += (pair.first.auroc(0) - pair.second.auroc(0)) / 6;
  const auto interval = paired_difference(pairs, Metric::auroc, 200, 4);
  CHECK(interval.mean == doctest::Approx(mean));
  CHECK(interval.low < mean);
  CHECK(mean < interval.high);
  CHECK(interval.resamples == 200);

  pairs[1].second = noisy(31, 0, 1);
  CHECK(says(refusal([&] { paired_difference(pairs, Metric::auroc, 10, 1); }),
             {"[paired_difference] 30 and 31 records", "need the same"}));
  pairs[1].first = noisy(31, 0, 1);
  CHECK(says(refusal([&] { paired_difference(pairs, Metric::auroc, 10, 1); }), {"31 and 31 records"}));
}

TEST_CASE("statistics: the interval depends on the seed alone") {
  const std::vector<PairedScores> pairs{{.first = noisy(50, 1, 1), .second = noisy(50, 0, 2)}};
  const auto one = paired_difference(pairs, Metric::auroc, 100, 7);
  default_generator().uniform();
  CHECK(same(one, paired_difference(pairs, Metric::auroc, 100, 7)));
  CHECK(!same(one, paired_difference(pairs, Metric::auroc, 100, 8)));
}

TEST_CASE("statistics: without pairs, resamples or scores there is no interval") {
  const std::vector<PairedScores> pairs{{.first = noisy(50, 1, 1), .second = noisy(50, 0, 2)}};
  const auto none = paired_difference({}, Metric::auroc, 10, 1);
  CHECK(std::isnan(none.mean));
  CHECK(none.resamples == 0);
  for (const int resamples : {0, 1}) {
    const auto interval = paired_difference(pairs, Metric::auroc, resamples, 1);
    CHECK(interval.mean > 0);
    CHECK(std::isnan(interval.low));
    CHECK(std::isnan(interval.high));
    CHECK(interval.resamples == resamples);
  }
  const Scorer undefined(std::vector<float>{0.1F, 0.2F}, {0, 0}, 1);
  const auto interval = paired_difference({{.first = undefined, .second = undefined}}, Metric::auroc, 10, 1);
  CHECK(std::isnan(interval.mean));
  CHECK(interval.resamples == 0);
}
