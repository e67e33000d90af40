// cordis/ecg/experiment_bootstrap.hpp: scores of resampled test records, and paired bootstrap intervals on
// them
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/ecg/experiment_record.hpp>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

enum class Metric { f1_weighted, f1_macro, auroc };
inline constexpr std::array<Metric, 3> kMetrics = {Metric::f1_weighted, Metric::f1_macro, Metric::auroc};

inline const char* name_of(Metric metric) {
  return metric == Metric::f1_weighted ? "f1_weighted" : metric == Metric::f1_macro ? "f1_macro" : "auroc";
}

// One set of predictions, prepared to be scored many times with each record counted `times` times.
// Same definitions as cordis/train/metrics.hpp: threshold 0.5, F1 of a class nobody predicts 0, AUROC of a
// class without positives or without negatives undefined (NaN) and left out of the mean. A class without
// positives has no F1 either.
class Scorer {
 public:
  Scorer(const std::vector<float>& probability, const std::vector<std::uint8_t>& truth, std::size_t classes)
      : classes_(classes), records_(classes ? truth.size() / classes : 0), p_(probability), y_(truth) {
    CORDIS_CHECK(classes > 0 && p_.size() == y_.size() && y_.size() % classes == 0, "[scorer] ", p_.size(),
                 " probabilities and ", y_.size(), " labels of ", classes, " classes");
    order_.resize(classes_ * records_);
    for (std::size_t k = 0; k < classes_; ++k) {
      const auto first = order_.begin() + static_cast<std::ptrdiff_t>(k * records_);
      std::iota(first, first + static_cast<std::ptrdiff_t>(records_), 0u);
      std::stable_sort(first, first + static_cast<std::ptrdiff_t>(records_),
                       [&](auto a, auto b) { return p_[a * classes_ + k] < p_[b * classes_ + k]; });
    }
  }

  std::size_t records() const { return records_; }
  std::size_t classes() const { return classes_; }

  double positives(std::size_t k, const std::vector<int>& times) const {
    double sum = 0;
    for (std::size_t i = 0; i < records_; ++i) sum += y_[i * classes_ + k] ? times[i] : 0;
    return sum;
  }

  double class_f1(std::size_t k, const std::vector<int>& times) const {
    double hit = 0, predicted = 0, positive = 0;
    for (std::size_t i = 0; i < records_; ++i) {
      const bool says = p_[i * classes_ + k] > 0.5f, is = y_[i * classes_ + k] != 0;
      hit += says && is ? times[i] : 0;
      predicted += says ? times[i] : 0;
      positive += is ? times[i] : 0;
    }
    return positive > 0 ? 2 * hit / (predicted + positive) : kUndefined;
  }

  // The chance that a positive scores above a negative, ties counted half.
  double class_auroc(std::size_t k, const std::vector<int>& times) const {
    double negatives = 0, positives = 0, area = 0;
    const std::uint32_t* order = order_.data() + k * records_;
    for (std::size_t i = 0; i < records_;) {
      double tied_negatives = 0, tied_positives = 0;
      const float score = p_[order[i] * classes_ + k];
      for (; i < records_ && p_[order[i] * classes_ + k] == score; ++i)
        (y_[order[i] * classes_ + k] ? tied_positives : tied_negatives) += times[order[i]];
      area += tied_positives * (negatives + tied_negatives / 2);
      negatives += tied_negatives;
      positives += tied_positives;
    }
    return negatives > 0 && positives > 0 ? area / (negatives * positives) : kUndefined;
  }

  double operator()(Metric metric, const std::vector<int>& times) const {
    double sum = 0, weight = 0;
    for (std::size_t k = 0; k < classes_; ++k) {
      const double value = metric == Metric::auroc ? class_auroc(k, times) : class_f1(k, times);
      if (std::isnan(value)) continue;
      const double share = metric == Metric::f1_weighted ? positives(k, times) : 1;
      sum += share * value;
      weight += share;
    }
    return weight > 0 ? sum / weight : kUndefined;
  }
  double operator()(Metric metric) const { return (*this)(metric, std::vector<int>(records_, 1)); }

 private:
  std::size_t classes_, records_;
  std::vector<float> p_;
  std::vector<std::uint8_t> y_;
  std::vector<std::uint32_t> order_;  // (classes, records): by rising probability
};

// Two trainings that differ in their initial weights alone, on one test set.
struct Pair {
  int fold = 0;  // pairs of one fold share their test records
  int seed = 0;
  Scorer pretrained, random;
};

struct Interval {
  double mean = kUndefined, low = kUndefined, high = kUndefined;
  int resamples = 0;  // those in which the difference was defined
};

// Mean of pretrained − random over pairs, with the 95 % percentile interval of a bootstrap in two stages:
// seeds are drawn with replacement, and records within each fold, the same records for both sides of every
// pair, as is due to paired data. With one seed the interval speaks of the test records alone.
inline Interval paired_difference(const std::vector<Pair>& pairs, Metric metric, int resamples,
                                  std::uint64_t seed) {
  std::vector<int> seeds, folds;
  for (const Pair& pair : pairs) {
    if (std::ranges::find(seeds, pair.seed) == seeds.end()) seeds.push_back(pair.seed);
    if (std::ranges::find(folds, pair.fold) == folds.end()) folds.push_back(pair.fold);
  }
  // times[f]: how often each record of fold f counts; counts[s]: the same for seeds.
  const auto difference = [&](const std::vector<std::vector<int>>& times, const std::vector<int>& counts) {
    double sum = 0, weight = 0;
    for (const Pair& pair : pairs) {
      const auto s = static_cast<std::size_t>(std::ranges::find(seeds, pair.seed) - seeds.begin());
      const auto f = static_cast<std::size_t>(std::ranges::find(folds, pair.fold) - folds.begin());
      if (counts[s] == 0) continue;
      const double d = pair.pretrained(metric, times[f]) - pair.random(metric, times[f]);
      if (std::isnan(d)) continue;
      sum += counts[s] * d;
      weight += counts[s];
    }
    return weight > 0 ? sum / weight : kUndefined;
  };

  std::vector<std::vector<int>> times(folds.size());
  for (const Pair& pair : pairs)
    times[static_cast<std::size_t>(std::ranges::find(folds, pair.fold) - folds.begin())].assign(
        pair.pretrained.records(), 1);
  std::vector<int> counts(seeds.size(), 1);
  Interval interval{.mean = difference(times, counts)};
  Generator generator(seed);
  std::vector<double> draws;
  const auto redraw = [&](std::vector<int>& list) {
    std::ranges::fill(list, 0);
    for (std::size_t i = 0; i < list.size(); ++i) ++list[generator.below(list.size())];
  };
  for (int b = 0; b < resamples; ++b) {
    for (auto& list : times) redraw(list);
    redraw(counts);
    if (const double d = difference(times, counts); !std::isnan(d)) draws.push_back(d);
  }
  interval.resamples = static_cast<int>(draws.size());
  if (draws.size() < 2) return interval;
  std::ranges::sort(draws);
  const auto quantile = [&](double q) {  // linear between order statistics
    const double at = q * static_cast<double>(draws.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, draws.size() - 1);
    return draws[below] + (at - static_cast<double>(below)) * (draws[above] - draws[below]);
  };
  interval.low = quantile(0.025);
  interval.high = quantile(0.975);
  return interval;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
