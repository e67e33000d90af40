// cordis/train/statistics.hpp: spread over seeds, and bootstrap intervals of paired differences
#pragma once

#include <cmath>
#include <cordis/train/bootstrap.hpp>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// Of some values: their mean and how far they are apart.
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

// Mean of first - second over the pairs, with the 95 % percentile interval of a bootstrap in two stages
// (Efron and Tibshirani 1993): seeds are drawn with replacement, and records within each fold, the same
// records for both sides of every pair, as is due to paired data. With one seed the interval speaks of the
// test records alone.
inline Interval paired_difference(const std::vector<PairedScores>& pairs, Metric metric, int resamples,
                                  std::uint64_t seed) {
  return interval_of(group_differences({{"", pairs}}, metric, resamples, seed),
                     [](const std::vector<double>& groups) { return groups[0]; });
}

}  // namespace cordis::inline CORDIS_ABI
