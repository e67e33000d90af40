// bench/peak.hpp: what this machine reaches on num_threads() threads: multiply-adds in registers, and memory
#pragma once

#include <algorithm>
#include <chrono>
#include <cordis/core/parallel.hpp>
#include <cordis/cpu/simd.hpp>
#include <cstdint>
#include <vector>

namespace bench {

struct Peak {
  double flops = 0;  // f32 operations a second, two per multiply-add
  double bytes = 0;  // a second, of a triad over arrays that no cache holds
};

namespace detail {

inline double seconds_of(auto&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Two units with a latency of 4 want 8 chains that do not wait for each other; 12 and 2 constants fit 16
// registers.
inline constexpr int kChains = 12;

[[gnu::noinline]] inline float multiply_add(std::int64_t steps) {
  using cordis::Vec;
  Vec<float> sum[kChains];
#pragma GCC unroll 12
  for (int chain = 0; chain < kChains; ++chain) sum[chain] = cordis::splat(static_cast<float>(chain));
  const Vec<float> factor = cordis::splat(0.999F), term = cordis::splat(0.001F);
  for (std::int64_t step = 0; step < steps; ++step)
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain) sum[chain] = sum[chain] * factor + term;
  Vec<float> total{};
#pragma GCC unroll 12
  for (int chain = 0; chain < kChains; ++chain) total += sum[chain];
  return total[0];
}

inline double multiply_add_rate() {
  constexpr std::int64_t kSteps = 10'000'000;
  const int threads = cordis::num_threads();
  std::vector<float> results(static_cast<std::size_t>(threads) * 16);  // a cache line for each
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const double seconds = seconds_of([&] {
      cordis::parallel_for(threads, [&](std::int64_t begin, std::int64_t, int) {
        results[static_cast<std::size_t>(begin) * 16] = multiply_add(kSteps);
      });
    });
    best = std::max(best, 2.0 * kSteps * kChains * cordis::kLanes<float> * threads / seconds);
  }
  return best;
}

// a = b + s c; the line of a that is read before it is written does not count.
inline double triad_rate() {
  constexpr std::int64_t kElements = std::int64_t{32} << 20;
  std::vector<float> a(kElements), b(kElements, 1), c(kElements, 2);
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    const double seconds = seconds_of([&] {
      cordis::parallel_for(kElements, [&](std::int64_t begin, std::int64_t end, int) {
        const float *from = b.data(), *scaled = c.data();
        float* to = a.data();
        for (std::int64_t i = begin; i < end; ++i) to[i] = from[i] + 0.5F * scaled[i];
      });
    });
    best = std::max(best, 3.0 * sizeof(float) * kElements / seconds);
  }
  return best;
}

}  // namespace detail

#ifndef CORDIS_CUDA  // else op/device.hpp has the GPU's
// Measured once, at the first call.
inline const Peak& peak() {
  static const Peak measured{detail::multiply_add_rate(), detail::triad_rate()};
  return measured;
}
#endif

}  // namespace bench
