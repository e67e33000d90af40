// bench/op/conv1d_bench.cpp: conv1d forward and both gradients at ResNet1d18's shapes, batch 32, f32
#include <benchmark/benchmark.h>

#include <cordis/core/random.hpp>
#include <cordis/op/conv1d.hpp>

namespace {

// Arguments: L, C_in, C_out, kernel, stride. Counter "FLOPS" counts two per multiply-add.
struct Convolution {
  cordis::Tensor x, w, y;
  cordis::Conv1dOptions options;
  double flop;

  explicit Convolution(const benchmark::State& state)
      : x({32, state.range(0), state.range(1)}),
        w({state.range(2), state.range(1), state.range(3)}),
        options{.stride = state.range(4), .padding = state.range(3) / 2} {
    cordis::fill_uniform(x, -1, 1);
    cordis::fill_uniform(w, -1, 1);
    y = cordis::conv1d(x, w, {}, options).value();
    flop = 2.0 * static_cast<double>(y.numel() * w.numel() / w.size(0));
  }
  void count(benchmark::State& state) const {
    state.counters["FLOPS"] = benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate);
  }
};

void forward(benchmark::State& state) {
  Convolution c(state);
  for (auto _ : state) cordis::conv1d_forward(cordis::Cpu{}, c.y, c.x, c.w, {}, c.options);
  c.count(state);
}
void backward_data(benchmark::State& state) {
  Convolution c(state);
  cordis::Tensor dx = cordis::empty_like(c.x);
  for (auto _ : state) cordis::conv1d_backward_data(cordis::Cpu{}, dx, c.y, c.w, c.options);
  c.count(state);
}
void backward_weight(benchmark::State& state) {
  Convolution c(state);
  cordis::Tensor dw = cordis::empty_like(c.w);
  for (auto _ : state) cordis::conv1d_backward_weight(cordis::Cpu{}, dw, c.y, c.x, c.options);
  c.count(state);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"L", "C_in", "C_out", "K", "stride"})
      ->Args({1000, 12, 64, 7, 2})
      ->Args({250, 64, 64, 3, 1})
      ->Args({250, 64, 128, 3, 2})
      ->Args({125, 128, 128, 3, 1})
      ->Args({63, 256, 256, 3, 1})
      ->Args({32, 512, 512, 3, 1})
      ->Args({250, 64, 256, 1, 1})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}
BENCHMARK(forward)->Apply(shapes);
BENCHMARK(backward_data)->Apply(shapes);
BENCHMARK(backward_weight)->Apply(shapes);

}  // namespace
