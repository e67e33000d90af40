// bench/model/step_bench.cpp: a training step and an inference of each network, batch 32, 12 leads, 1000
// samples, f32
#include <benchmark/benchmark.h>

#include <cordis/models/any_model.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>

namespace {

using namespace cordis;

constexpr std::int64_t kBatch = 32;

void train_step(benchmark::State& state, const std::string& name) {
  AnyModel net = make_model(name);
  Adam adam(net, {.lr = 1e-2});
  Tensor x({kBatch, 1000, 12}), y = zeros({kBatch, 5});
  fill_uniform(x, -1, 1);
  for (auto _ : state) {
    bce_with_logits(net(x), y).backward();
    adam.step();
  }
  state.counters["records"] =
      benchmark::Counter(static_cast<double>(kBatch), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["peak MB"] = static_cast<double>(memory_stats().peak) / 1e6;
}

void inference(benchmark::State& state, const std::string& name) {
  AnyModel net = make_model(name);
  eval(net);
  const NoGrad off;
  Tensor x({state.range(0), 1000, 12});
  fill_uniform(x, -1, 1);
  for (auto _ : state) benchmark::DoNotOptimize(net(x).value().raw());
}

const int registered = [] {
  for (const auto& name : model_names()) {
    benchmark::RegisterBenchmark(("train/" + name).c_str(), train_step, name)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
    benchmark::RegisterBenchmark(("infer/" + name).c_str(), inference, name)
        ->ArgName("batch")
        ->Arg(1)
        ->Arg(kBatch)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  return 0;
}();

}  // namespace
