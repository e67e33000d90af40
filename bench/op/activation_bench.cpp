// bench/op/activation_bench.cpp: relu forward and backward at the networks' shapes, batch 32, f32
#include <cordis/op/activation.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

void relu_forward(benchmark::State& state) {
  const Variable x = bench::leaf({32, state.range(0), state.range(1)});
  bench::measure_forward(state, {.bytes = bench::bytes({x.value(), x.value()})}, [&] { return relu(x); });
}
void relu_backward(benchmark::State& state) {
  const Variable x = bench::leaf({32, state.range(0), state.range(1)});
  bench::measure_backward(state, {.bytes = bench::bytes({x.value(), x.value(), x.value()})}, relu(x));
}

void shapes(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgNames({"L", "C"})->Args({500, 64})->Args({250, 64})->Args({125, 128})->Args({63, 256});
  each->Args({32, 512})->Args({250, 256})->Args({125, 512})->Args({63, 1024})->Args({32, 2048});
}
BENCHMARK(relu_forward)->Apply(shapes);
BENCHMARK(relu_backward)->Apply(shapes);

}  // namespace
