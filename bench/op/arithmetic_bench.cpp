// bench/op/arithmetic_bench.cpp: the residual addition at the networks' shapes, batch 32, f32
#include <cordis/op/arithmetic.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

// Its backward hands dy on and costs nothing.
void add_forward(benchmark::State& state) {
  const Shape shape{32, state.range(0), state.range(1)};
  const Variable a = bench::leaf(shape), b = bench::leaf(shape);
  bench::measure_forward(state, {.bytes = bench::bytes({a.value(), a.value(), a.value()})},
                         [&] { return add(a, b); });
}

void shapes(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgNames({"L", "C"})->Args({250, 64})->Args({125, 128})->Args({63, 256})->Args({32, 512});
  each->Args({250, 256})->Args({125, 512})->Args({63, 1024})->Args({32, 2048});
}
BENCHMARK(add_forward)->Apply(shapes);

}  // namespace
