// bench/op/linear_bench.cpp: the fully connected layers of the networks, batch 32, f32
#include <cordis/op/linear.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

// Arguments: I, O.
struct Layer {
  Variable x, w, b;
  explicit Layer(const benchmark::State& state)
      : x(bench::leaf({32, state.range(0)})),
        w(bench::leaf({state.range(1), state.range(0)})),
        b(bench::leaf({state.range(1)})) {}
  bench::Work work(int products) const {
    return {.flop = products * 2.0 * 32 * static_cast<double>(w.value().numel()),
            .bytes = products * bench::bytes({x.value(), w.value()})};
  }
};

void linear_forward(benchmark::State& state) {
  const Layer layer(state);
  bench::measure_forward(state, layer.work(1), [&] { return linear(layer.x, layer.w, layer.b); });
}
void linear_backward(benchmark::State& state) {
  const Layer layer(state);
  bench::measure_backward(state, layer.work(2), linear(layer.x, layer.w, layer.b));
}

void shapes(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgNames({"I", "O"})->Args({512, 512})->Args({2048, 512})->Args({512, 5});  // ResNets
  each->Args({100'000, 5})->Args({200'000, 5});                                     // LSTM and GRU; BiLSTM
}
BENCHMARK(linear_forward)->Apply(shapes);
BENCHMARK(linear_backward)->Apply(shapes);

}  // namespace
