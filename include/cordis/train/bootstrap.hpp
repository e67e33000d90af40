// cordis/train/bootstrap.hpp: differences of many pairs of trainings under the same draws of seeds and
// records Efron and Tibshirani 1993. Seeds are drawn with replacement, and in each test set its records (or,
// where they are told, its patients), the same ones for every pair that was tested on it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/train/metrics.hpp>
#include <numeric>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI {

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
  std::vector<int> cluster =
      {};  // of each record, from 0: those of one patient are drawn together; empty: none
};

// Pairs whose differences are averaged.
struct PairGroup {
  std::string set;  // groups of one set share its folds' test records
  std::vector<PairedScores> pairs;
};

// A mean with its 95 % interval.
struct Interval {
  double mean = kUndefined, low = kUndefined, high = kUndefined;
  int resamples = 0;  // those in which the difference was defined
};

// Something of each group, as observed and in each resample.
struct GroupDraws {
  std::vector<double> observed;            // (groups), NaN where undefined
  std::vector<std::vector<double>> draws;  // (resamples, groups)
};

// Means over each group's pairs of first - second, and of both sides.
struct GroupDifferences : GroupDraws {
  GroupDraws first, second;
};

// Each group's mean difference, as observed and in `resamples` draws that depend on `seed` alone. Throws
// where pairs of one fold have not the same number of records.
inline GroupDifferences group_differences(const std::vector<PairGroup>& groups, Metric metric, int resamples,
                                          std::uint64_t seed) {
  struct TestSet {
    std::string set;
    int fold;
    std::vector<int> cluster;  // of each record
    std::vector<int> drawn;    // how often each cluster counts
    std::vector<int> times;    // how often each record counts
  };
  std::vector<int> seeds;
  std::vector<TestSet> tests;
  const auto seed_index = [&](int value) {
    return static_cast<std::size_t>(std::ranges::find(seeds, value) - seeds.begin());
  };
  const auto test_index = [&](const std::string& set, int fold) {
    return static_cast<std::size_t>(
        std::ranges::find_if(tests, [&](const TestSet& t) { return t.set == set && t.fold == fold; }) -
        tests.begin());
  };
  struct Place {
    std::size_t test, seed;
  };
  std::vector<std::vector<Place>> places;  // of each group's pairs
  for (const auto& group : groups) {
    places.emplace_back();
    for (const auto& pair : group.pairs) {
      if (seed_index(pair.seed) == seeds.size()) seeds.push_back(pair.seed);
      const std::size_t test = test_index(group.set, pair.fold);
      if (test == tests.size()) {
        auto cluster = pair.cluster;
        if (cluster.empty()) {
          cluster.resize(pair.first.records());
          std::iota(cluster.begin(), cluster.end(), 0);
        }
        CORDIS_CHECK(cluster.size() == pair.first.records(), "[group_differences] ", cluster.size(),
                     " clusters named for ", pair.first.records(), " records");
        const int most = cluster.empty() ? -1 : *std::ranges::max_element(cluster);
        tests.push_back({group.set, pair.fold, std::move(cluster),
                         std::vector<int>(static_cast<std::size_t>(most + 1), 1), pair.first.once()});
      }
      CORDIS_CHECK(
          pair.first.records() == pair.second.records() && pair.first.records() == tests[test].times.size(),
          "[paired_difference] ", pair.first.records(), " and ", pair.second.records(),
          " records, pairs of a fold need the same");
      places.back().push_back({test, seed_index(pair.seed)});
    }
  }
  std::vector<int> counts(seeds.size(), 1);  // how often each seed counts
  // Means of the difference and of both sides, by group.
  const auto means = [&] {
    std::array<std::vector<double>, 3> out;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      std::array<double, 3> sum{}, weight{};
      for (std::size_t i = 0; i < groups[g].pairs.size(); ++i) {
        const int count = counts[places[g][i].seed];
        if (count == 0) continue;
        const auto& pair = groups[g].pairs[i];
        const auto& times = tests[places[g][i].test].times;
        const double first = pair.first(metric, times), second = pair.second(metric, times);
        const std::array<double, 3> values{first - second, first, second};
        for (std::size_t k = 0; k < 3; ++k)
          if (!std::isnan(values[k])) sum[k] += count * values[k], weight[k] += count;
      }
      for (std::size_t k = 0; k < 3; ++k) out[k].push_back(weight[k] > 0 ? sum[k] / weight[k] : kUndefined);
    }
    return out;
  };

  auto [observed, observed_first, observed_second] = means();
  GroupDifferences out{
      {std::move(observed), {}}, {std::move(observed_first), {}}, {std::move(observed_second), {}}};
  Generator generator(seed);
  const auto redraw = [&](std::vector<int>& list) {
    std::ranges::fill(list, 0);
    for (std::size_t i = 0; i < list.size(); ++i) ++list[generator.below(list.size())];
  };
  for (int b = 0; b < resamples; ++b) {
    for (auto& test : tests) {
      redraw(test.drawn);
      for (std::size_t i = 0; i < test.times.size(); ++i)
        test.times[i] = test.drawn[static_cast<std::size_t>(test.cluster[i])];
    }
    redraw(counts);
    auto [difference, first, second] = means();
    out.draws.push_back(std::move(difference));
    out.first.draws.push_back(std::move(first));
    out.second.draws.push_back(std::move(second));
  }
  return out;
}

// The 95 % percentile interval of f(differences of the groups), f's NaN left out.
template <class F>
Interval interval_of(const GroupDraws& differences, F&& f) {
  Interval interval{.mean = f(differences.observed)};
  std::vector<double> values;
  for (const auto& draw : differences.draws)
    if (const double value = f(draw); !std::isnan(value)) values.push_back(value);
  interval.resamples = static_cast<int>(values.size());
  if (values.size() < 2) return interval;
  std::ranges::sort(values);
  interval.low = quantile(values, 0.025);
  interval.high = quantile(values, 0.975);
  return interval;
}

// Two-sided: how often the draws lie on the side of zero that the observed one does not (Davison and Hinkley
// 1997, with their + 1). NaN where nothing was drawn.
template <class F>
double p_value_of(const GroupDraws& differences, F&& f) {
  double below = 0, above = 0, count = 0;
  for (const auto& draw : differences.draws) {
    const double value = f(draw);
    if (std::isnan(value)) continue;
    below += value <= 0;
    above += value >= 0;
    ++count;
  }
  return count == 0 ? kUndefined : std::min(1.0, 2 * (std::min(below, above) + 1) / (count + 1));
}

// Adjusted p-values (Holm 1979); NaN stays and does not count.
inline std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p[i]; });
  std::vector<double> adjusted(p.size(), kUndefined);
  double most = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    most = std::max(most, std::min(1.0, p[order[rank]] * static_cast<double>(order.size() - rank)));
    adjusted[order[rank]] = most;
  }
  return adjusted;
}

}  // namespace cordis::inline CORDIS_ABI
