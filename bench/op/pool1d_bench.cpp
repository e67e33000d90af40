// bench/op/pool1d_bench.cpp: max pooling after the stem and the mean before the head, batch 32, f32
#include <cordis/op/pool1d.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

constexpr MaxPool1dOptions kStem{.kernel = 3, .stride = 2, .padding = 1};

void max_pool1d_forward(benchmark::State& state) {
  const Variable x = bench::leaf({32, state.range(0), state.range(1)});
  bench::measure_forward(state, {.bytes = 1.5 * bench::bytes({x.value()})},
                         [&] { return max_pool1d(x, kStem); });
}
void max_pool1d_backward(benchmark::State& state) {
  const Variable x = bench::leaf({32, state.range(0), state.range(1)});
  bench::measure_backward(state, {.bytes = 1.5 * bench::bytes({x.value()})}, max_pool1d(x, kStem));
}
void global_avg_pool1d_forward(benchmark::State& state) {
  const Variable x = bench::leaf({32, state.range(0), state.range(1)});
  bench::measure_forward(state, {.bytes = bench::bytes({x.value()})}, [&] { return global_avg_pool1d(x); });
}
void global_avg_pool1d_backward(benchmark::State& state) {
  const Variable x = bench::leaf({32, state.range(0), state.range(1)});
  bench::measure_backward(state, {.bytes = bench::bytes({x.value()})}, global_avg_pool1d(x));
}

void stem(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgNames({"L", "C"})->Args({500, 64});
}
void head(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgNames({"L", "C"})->Args({32, 512})->Args({32, 2048});
}
BENCHMARK(max_pool1d_forward)->Apply(stem);
BENCHMARK(max_pool1d_backward)->Apply(stem);
BENCHMARK(global_avg_pool1d_forward)->Apply(head);
BENCHMARK(global_avg_pool1d_backward)->Apply(head);

}  // namespace
