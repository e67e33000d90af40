// cordis/train/statistics.hpp: spread over seeds, and bootstrap intervals of paired differences
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/train/metrics.hpp>
#include <vector>

namespace cordis::inline CORDIS_ABI {

struct Spread {
  double mean = kUndefined, deviation = kUndefined;  // sample deviation; NaN for one value
  int count = 0;
};

// Of the values that are defined.
inline Spread spread(const std::vector<double>& values) {
  Spread out;
  double sum = 0, squares = 0;
  for (const double v : values)
    if (!std::isnan(v)) sum += v, ++out.count;
  if (out.count == 0) return out;
  out.mean = sum / out.count;
  for (const double v : values)
    if (!std::isnan(v)) squares += (v - out.mean) * (v - out.mean);
  if (out.count > 1) out.deviation = std::sqrt(squares / (out.count - 1));
  return out;
}

// Of sorted values, linear between order statistics: numpy's default.
inline double quantile(const std::vector<double>& sorted, double q) {
  CORDIS_CHECK(!sorted.empty() && q >= 0 && q <= 1, "[quantile] ", q, " of ", sorted.size(), " values");
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Two trainings that differ in one thing, such as their initial weights, scored on one test set.
struct PairedScores {
  int fold = 0;  // pairs of one fold share their test records
  int seed = 0;
  Scorer first, second;
};

struct Interval {
  double mean = kUndefined, low = kUndefined, high = kUndefined;
  int resamples = 0;  // those in which the difference was defined
};

// Mean of first - second over the pairs, with the 95 % percentile interval of a bootstrap in two stages
// (Efron and Tibshirani 1993): seeds are drawn with replacement, and records within each fold, the same
// records for both sides of every pair, as is due to paired data. With one seed the interval speaks of the
// test records alone.
inline Interval paired_difference(const std::vector<PairedScores>& pairs, Metric metric, int resamples,
                                  std::uint64_t seed) {
  std::vector<int> seeds, folds;
  const auto index = [](const std::vector<int>& list, int value) {
    return static_cast<std::size_t>(std::ranges::find(list, value) - list.begin());
  };
  std::vector<std::vector<int>> times;  // [fold][record]: how often it counts
  for (const auto& pair : pairs) {
    if (index(seeds, pair.seed) == seeds.size()) seeds.push_back(pair.seed);
    if (index(folds, pair.fold) == folds.size())
      folds.push_back(pair.fold), times.push_back(pair.first.once());
    CORDIS_CHECK(pair.first.records() == pair.second.records() &&
                     pair.first.records() == times[index(folds, pair.fold)].size(),
                 "[paired_difference] ", pair.first.records(), " and ", pair.second.records(),
                 " records, pairs of a fold need the same");
  }
  std::vector<int> counts(seeds.size(), 1);  // how often each seed counts
  const auto difference = [&] {
    double sum = 0, weight = 0;
    for (const auto& pair : pairs) {
      const int count = counts[index(seeds, pair.seed)];
      if (count == 0) continue;
      const auto& drawn = times[index(folds, pair.fold)];
      const double d = pair.first(metric, drawn) - pair.second(metric, drawn);
      if (std::isnan(d)) continue;
      sum += count * d;
      weight += count;
    }
    return weight > 0 ? sum / weight : kUndefined;
  };

  Interval interval{.mean = difference()};
  Generator generator(seed);
  const auto redraw = [&](std::vector<int>& list) {
    std::ranges::fill(list, 0);
    for (std::size_t i = 0; i < list.size(); ++i) ++list[generator.below(list.size())];
  };
  std::vector<double> draws;
  for (int b = 0; b < resamples; ++b) {
    for (auto& list : times) redraw(list);
    redraw(counts);
    if (const double d = difference(); !std::isnan(d)) draws.push_back(d);
  }
  interval.resamples = static_cast<int>(draws.size());
  if (draws.size() < 2) return interval;
  std::ranges::sort(draws);
  interval.low = quantile(draws, 0.025);
  interval.high = quantile(draws, 0.975);
  return interval;
}

}  // namespace cordis::inline CORDIS_ABI
