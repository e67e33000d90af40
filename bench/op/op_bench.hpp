// bench/op/op_bench.hpp: what the benchmarks of the ops share: inputs, and a rate against the machine's peak
#pragma once

#include <benchmark/benchmark.h>

#include <cordis/autograd/variable.hpp>
#include <cordis/core/random.hpp>

#include "device.hpp"

namespace bench {

// Of one call: operations, two per multiply-add, and bytes, each input read once and each output written
// once.
struct Work {
  double flop = 0;
  double bytes = 0;
};

inline cordis::Tensor uniform(const cordis::Shape& shape) {
  cordis::Tensor x(shape);
  return cordis::fill_uniform(x, -1, 1).to(device());
}
inline cordis::Variable leaf(const cordis::Shape& shape) { return cordis::Variable(uniform(shape), true); }

inline double bytes(const std::initializer_list<cordis::Tensor>& tensors) {
  double sum = 0;
  for (const auto& tensor : tensors) sum += static_cast<double>(tensor.bytes());
  return sum;
}

// Times f. A sum of products done with fewer multiplications (Winograd's) may show more than the peak, as may
// arrays that a cache holds.
template <class F>
void measure(benchmark::State& state, const Work& work, F&& f) {
  f();  // the free list has its blocks
  double seconds = 0;
  for (auto _ : state) {
    const double own = timed(f);
    state.SetIterationTime(own);
    seconds += own;
  }
  seconds /= static_cast<double>(std::max<benchmark::IterationCount>(1, state.iterations()));
  const Peak most = peak();
  double bound = 0;
  if (work.flop > 0) {
    state.counters["GFLOP/s"] = work.flop / seconds * 1e-9;
    if (most.flops > 0) state.counters["of_fma"] = work.flop / seconds / most.flops;
    if (most.flops > 0) bound = work.flop / most.flops;
  }
  if (work.bytes > 0) {
    state.counters["GB/s"] = work.bytes / seconds * 1e-9;
    if (most.bytes > 0) state.counters["of_triad"] = work.bytes / seconds / most.bytes;
    if (most.bytes > 0) bound = std::max(bound, work.bytes / most.bytes);
  }
  if (bound > 0) state.counters["roofline_us"] = bound * 1e6;
}

// The forward alone, nothing recorded. make: () -> Variable
template <class Make>
void measure_forward(benchmark::State& state, const Work& work, Make&& make) {
  const cordis::NoGrad off;
  measure(state, work, [&] { benchmark::DoNotOptimize(make().value().raw()); });
}

// Which inputs of y's node want a gradient, as the tape finds it.
inline cordis::Needs needs_of(const cordis::Variable& y) {
  cordis::Needs needs;
  for (const auto& input : y.node()->inputs) needs.input.push_back(input.requires_grad());
  return needs;
}

// The backward of y's node alone. dy: of the node's first output.
inline void measure_backward(benchmark::State& state, const Work& work, const cordis::Variable& y) {
  const cordis::Needs needs = needs_of(y);
  const cordis::Tensor dy = uniform(y.shape());
  measure(state, work, [&] { benchmark::DoNotOptimize(y.node()->backward({dy}, needs).data()); });
}

inline void milliseconds(benchmark::internal::Benchmark* each) {
  each->Unit(benchmark::kMillisecond)->UseManualTime();
}

}  // namespace bench
