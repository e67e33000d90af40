// bench/op/update_bench.cpp: optimizer steps over all parameters of a network, f32
#include <cordis/models/any_model.hpp>
#include <cordis/optim/adam.hpp>
#include <cordis/optim/sgd.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

// Argument: index into model_names(). `arrays`: those read or written for each parameter.
template <class O>
void step(benchmark::State& state, int arrays, const typename O::Options& options) {
  const auto& name = model_names()[static_cast<std::size_t>(state.range(0))];
  AnyModel net = make_model(name);
  to(net, bench::device());
  O optimizer(net, options);
  auto variables = parameters(net);
  Tensors gradients;
  double bytes = 0;
  for (const auto& variable : variables) {
    gradients.push_back(bench::uniform(variable.shape()));
    bytes += static_cast<double>(variable.value().bytes());
  }
  state.SetLabel(name);
  bench::measure(state, {.bytes = arrays * bytes}, [&] {
    for (std::size_t i = 0; i < variables.size(); ++i) variables[i].grad() = gradients[i];
    optimizer.step();
  });
}

void adam_update(benchmark::State& state) { step<Adam>(state, 7, {.lr = 1e-6}); }
void sgd_update(benchmark::State& state) { step<SGD>(state, 5, {.lr = 1e-6, .momentum = 0.9}); }

void networks(benchmark::internal::Benchmark* each) {
  bench::milliseconds(each);
  each->ArgName("network")->Arg(0)->Arg(1)->Arg(3);  // ResNet1d18, ResNet1d50, LSTM
}
BENCHMARK(adam_update)->Apply(networks);
BENCHMARK(sgd_update)->Apply(networks);

}  // namespace
