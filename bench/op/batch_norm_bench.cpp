// bench/op/batch_norm_bench.cpp: batch norm in training and evaluation at the networks' shapes, batch 32, f32
#include <cordis/op/batch_norm.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

// Arguments: L, C.
struct Norm {
  Variable x, residual, w, b;
  Tensor running_mean, running_var;

  explicit Norm(const benchmark::State& state)
      : x(bench::leaf({32, state.range(0), state.range(1)})),
        residual(bench::leaf(x.shape())),
        w(bench::leaf({state.range(1)})),
        b(bench::leaf({state.range(1)})),
        running_mean(zeros({state.range(1)}, DType::f32, bench::device())),
        running_var(ones({state.range(1)}, DType::f32, bench::device())) {}

  Variable operator()(const BatchNormOptions& options, const Variable& added = {}) const {
    return batch_norm(x, w, b, running_mean, running_var, options, added);
  }
  // arrays: of x's size, each read or written once.
  bench::Work work(int arrays) const { return {.bytes = arrays * static_cast<double>(x.value().bytes())}; }
};

void batch_norm_training(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_forward(state, norm.work(2), [&] { return norm({}); });
}
void batch_norm_relu_training(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_forward(state, norm.work(2), [&] { return norm({.relu = true}); });
}
void batch_norm_add_relu_training(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_forward(state, norm.work(3), [&] { return norm({.relu = true}, norm.residual); });
}
void batch_norm_evaluation(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_forward(state, norm.work(2), [&] { return norm({.training = false}); });
}
void batch_norm_backward(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_backward(state, norm.work(3), norm({}));
}
void batch_norm_relu_backward(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_backward(state, norm.work(3), norm({.relu = true}));
}
void batch_norm_add_relu_backward(benchmark::State& state) {
  const Norm norm(state);
  bench::measure_backward(state, norm.work(5), norm({.relu = true}, norm.residual));
}

void shapes(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgNames({"L", "C"})->Args({500, 64})->Args({250, 64})->Args({125, 128})->Args({63, 256});
  each->Args({32, 512})->Args({250, 128})->Args({250, 256})->Args({125, 256})->Args({125, 512});
  each->Args({63, 512})->Args({63, 1024})->Args({32, 2048});
}
BENCHMARK(batch_norm_training)->Apply(shapes);
BENCHMARK(batch_norm_relu_training)->Apply(shapes);
BENCHMARK(batch_norm_add_relu_training)->Apply(shapes);
BENCHMARK(batch_norm_evaluation)->Apply(shapes);
BENCHMARK(batch_norm_backward)->Apply(shapes);
BENCHMARK(batch_norm_relu_backward)->Apply(shapes);
BENCHMARK(batch_norm_add_relu_backward)->Apply(shapes);

}  // namespace
