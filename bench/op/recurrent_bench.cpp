// bench/op/recurrent_bench.cpp: the networks' LSTM, BiLSTM and GRU layers, 12 inputs, 1000 samples, 100
// units, f32
#include <cordis/op/recurrent.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

constexpr std::int64_t kLength = 1000, kInput = 12, kHidden = 100;

// Argument: N.
struct Layer {
  Variable x;
  std::vector<RecurrentParameters> directions;
  double flop_forward = 0, flop_input = 0;

  Layer(const benchmark::State& state, std::int64_t gates, int count) : x(uniform({state.range(0)})) {
    const std::int64_t rows = gates * kHidden;
    for (int i = 0; i < count; ++i)
      directions.push_back({small({rows, kInput}), small({rows, kHidden}), small({rows}), small({rows})});
    const double outputs = 2.0 * static_cast<double>(count * rows * kLength * state.range(0));
    flop_forward = outputs * static_cast<double>(kInput + kHidden);
    flop_input = outputs * static_cast<double>(kInput);
  }

  // Records come without a gradient, as in training.
  static Tensor uniform(const Shape& batch) { return bench::uniform({batch[0], kLength, kInput}); }
  static Variable small(const Shape& shape) {
    Tensor w(shape);
    return Variable(fill_uniform(w, -0.1, 0.1).to(bench::device()), true);
  }
};

template <class Run>
void forward(benchmark::State& state, const Layer& layer, Run&& run) {
  bench::measure_forward(state, {.flop = layer.flop_forward},
                         [&] { return run(layer.x, layer.directions).y; });
}
template <class Run>
void forward_backward(benchmark::State& state, const Layer& layer, Run&& run) {
  const Needs needs = bench::needs_of(run(layer.x, layer.directions).y);
  const Tensor dy = bench::uniform(
      {layer.x.size(0), kLength, static_cast<std::int64_t>(layer.directions.size()) * kHidden});
  bench::measure(state, {.flop = 3 * layer.flop_forward - layer.flop_input}, [&] {
    const Variable y = run(layer.x, layer.directions).y;
    Tensors outputs(3);  // y, h_n, c_n
    outputs[0] = dy;
    benchmark::DoNotOptimize(y.node()->backward(outputs, needs).data());
  });
}

const auto run_lstm = [](const auto&... inputs) { return lstm(inputs...); };
const auto run_gru = [](const auto&... inputs) { return gru(inputs...); };

void lstm_forward(benchmark::State& state) { forward(state, {state, 4, 1}, run_lstm); }
void bilstm_forward(benchmark::State& state) { forward(state, {state, 4, 2}, run_lstm); }
void gru_forward(benchmark::State& state) { forward(state, {state, 3, 1}, run_gru); }
void lstm_forward_backward(benchmark::State& state) { forward_backward(state, {state, 4, 1}, run_lstm); }
void bilstm_forward_backward(benchmark::State& state) { forward_backward(state, {state, 4, 2}, run_lstm); }
void gru_forward_backward(benchmark::State& state) { forward_backward(state, {state, 3, 1}, run_gru); }

void inference(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgName("N")->Arg(1)->Arg(32);
}
void training(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgName("N")->Arg(8)->Arg(32);
}
BENCHMARK(lstm_forward)->Apply(inference);
BENCHMARK(bilstm_forward)->Apply(inference);
BENCHMARK(gru_forward)->Apply(inference);
BENCHMARK(lstm_forward_backward)->Apply(training);
BENCHMARK(bilstm_forward_backward)->Apply(training);
BENCHMARK(gru_forward_backward)->Apply(training);

}  // namespace
