// tests/train/noisy.hpp: scores with noise, whose AUROC a lift sets
#pragma once

#include <cordis/core/random.hpp>
#include <cordis/train/metrics.hpp>

// Scores of one class on `n` records of which every third is positive: the positives' scores are `lift` above
// the negatives' on average, with noise from `seed`.
inline cordis::Scorer noisy(std::size_t n, double lift, std::uint64_t seed) {
  cordis::Generator generator(seed);
  std::vector<float> p;
  std::vector<std::uint8_t> y;
  for (std::size_t i = 0; i < n; ++i) {
    y.push_back(i % 3 == 0);
    p.push_back(static_cast<float>(generator.normal() + (y.back() ? lift : 0)));
  }
  return cordis::Scorer(p, y, 1, 0);
}
