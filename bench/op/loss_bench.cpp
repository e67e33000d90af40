// bench/op/loss_bench.cpp: both losses, forward and backward, on the networks' logits and on many, f32
#include <cordis/op/loss.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

// Arguments: N, K.
void bce_with_logits_forward_backward(benchmark::State& state) {
  const Variable x = bench::leaf({state.range(0), state.range(1)});
  const Tensor y = ones(x.shape()).to(bench::device()), one = Tensor::scalar(1.0F).to(bench::device());
  const Needs needs = bench::needs_of(bce_with_logits(x, y));
  bench::measure(state, {.bytes = bench::bytes({x.value(), y, x.value()})}, [&] {
    benchmark::DoNotOptimize(bce_with_logits(x, y).node()->backward({one}, needs).data());
  });
}
void cross_entropy_forward_backward(benchmark::State& state) {
  const Variable x = bench::leaf({state.range(0), state.range(1)});
  const Tensor y = zeros({state.range(0)}, DType::i64, bench::device()),
               one = Tensor::scalar(1.0F).to(bench::device());
  const Needs needs = bench::needs_of(cross_entropy(x, y));
  bench::measure(state, {.bytes = bench::bytes({x.value(), y, x.value()})}, [&] {
    benchmark::DoNotOptimize(cross_entropy(x, y).node()->backward({one}, needs).data());
  });
}

void shapes(benchmark::internal::Benchmark* each) {
  each->Unit(benchmark::kMicrosecond)->UseManualTime();
  each->ArgNames({"N", "K"})->Args({32, 5})->Args({256, 5})->Args({16'384, 64});
}
BENCHMARK(bce_with_logits_forward_backward)->Apply(shapes);
BENCHMARK(cross_entropy_forward_backward)->Apply(shapes);

}  // namespace
