// tests/cuda/graph_test.cpp: recorded work against the same work unrecorded
#include <cordis/cuda/graph.hpp>
#include <cordis/models/recurrent.hpp>
#include <cordis/models/resnet1d.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/dropout.hpp>
#include <cordis/optim/adam.hpp>
#include <cordis/train/recorded.hpp>

#include "support.hpp"

namespace {

constexpr Cuda kDevice{0};

// Three steps of Adam with batches of their own: the same losses, weights and buffers, bit for bit.
template <class Make>
void same_training(const char* what, Make make, std::int64_t samples) {
  INFO(what);
  for (const Backend each : backends()) {
    const BackendGuard guard(each);
    const auto x = [&](std::uint64_t step) {
      return random_tensor({2, samples, 3}, DType::f32, 10 + step).to(Device::cuda());
    };
    const auto y = [&](std::uint64_t step) {
      return random_tensor({2, 2}, DType::f32, 20 + step, 0, 1).to(Device::cuda());
    };
    auto plain = make(), recorded = make();
    copy_state(recorded, plain);
    to(plain, Device::cuda()), to(recorded, Device::cuda());
    Adam here(parameters(plain)), there(parameters(recorded));
    RecordedStep step(recorded, x(0), y(0));
    for (std::size_t i = 0; i < state_dict(plain).size(); ++i)
      CHECK(difference(state_dict(recorded)[i].tensor, state_dict(plain)[i].tensor) == 0);
    for (std::uint64_t i = 1; i <= 3; ++i) {
      const Variable loss = default_loss(plain(Variable(x(i))), Variable(y(i)));
      loss.backward();
      CHECK(step(x(i), y(i)) == loss.value().item());
      here.step(), there.step();
      empty_cache(Device::cuda());  // what the graph writes is not the cache's to give away
    }
    for (std::size_t i = 0; i < state_dict(plain).size(); ++i) {
      INFO(state_dict(plain)[i].name);
      CHECK(difference(state_dict(recorded)[i].tensor, state_dict(plain)[i].tensor) == 0);
    }
  }
}

struct Average {
  BatchNorm1d bn;
  static void visit(auto& m, auto&& f) { f("bn", m.bn); }
  Variable operator()(const Variable& x) const { return bn(x); }
};

}  // namespace

TEST_CASE("a recorded training step does what the step does") {
  same_training(
      "resnet1d18", [] { return ResNet1d18({.leads = 3, .classes = 2, .width = 4, .fc = 8}); }, 40);
  same_training(
      "lstm", [] { return LstmClassifier({.leads = 3, .classes = 2, .length = 7, .hidden = 5}); }, 7);
  same_training(
      "gru", [] { return GruClassifier({.leads = 3, .classes = 2, .length = 7, .hidden = 5}); }, 7);
}

TEST_CASE("a graph computes anew at each launch, in memory of its own") {
  Tensor x = ones({1000}, DType::f32, Device::cuda());
  Tensor y;
  Graph graph(kDevice, [&] {
    const Variable v(x);
    y = (v * v + v).value();  // the product's memory is free once the sum is there
  });
  CHECK(!recording());
  for (const double value : {2.0, 3.0}) {
    x.fill(value);
    const Tensor other = full({1000}, -1, DType::f32, Device::cuda());
    graph.launch();
    CHECK(difference(y, full({1000}, value * value + value)) == 0);
    CHECK(difference(other, full({1000}, -1)) == 0);
  }
  Stream stream(kDevice);
  synchronize(kDevice);
  graph.launch();
  {
    const StreamGuard guard(stream);  // the graph itself orders this launch after the one before
    graph.launch();
    CHECK(difference(y, full({1000}, 12)) == 0);
  }
}

TEST_CASE("what a graph took is free after it") {
  empty_cache(Device::cuda());
  const std::size_t before = memory_stats(Device::cuda()).in_use;
  {
    const Tensor x = ones({1000}, DType::f32, Device::cuda());
    const Graph graph(kDevice, [&] { relu(Variable(x)); });
  }
  CHECK(memory_stats(Device::cuda()).in_use == before);
}

TEST_CASE("what cannot be recorded says so, and all goes on") {
  const Tensor x = ones({3}, DType::f32, Device::cuda());
  const auto record = [](const std::function<void()>& work) { const Graph graph(kDevice, work); };
  CHECK_THROWS_WITH_AS(record([&] { x.rows(0, 1).item(); }), doctest::Contains("while a graph was recorded"),
                       CudaError);
  CHECK_THROWS_WITH(record([&] { dropout(Variable(x), 0.5, true); }), doctest::Contains("drop the same"));
  CHECK_THROWS_WITH(record([&] {
                      Variable p(x.clone(), true);
                      p.grad() = x;
                      Adam adam(Variables{p});
                      adam.step();
                    }),
                    doctest::Contains("the same step"));
  CHECK_THROWS_WITH(record([&] { record([] {}); }), doctest::Contains("records another graph"));
  CHECK_THROWS_WITH(record([] { throw std::runtime_error("of the work"); }), "of the work");
  CHECK(!recording());
  CHECK(x.rows(0, 1).item() == 1);
}

TEST_CASE("a recorded step is refused on the CPU, and where batch norm averages over all batches") {
  Average net{BatchNorm1d(2, {.momentum = std::nullopt})};
  const Tensor x = random_tensor({4, 2}, DType::f32, 1);
  CHECK_THROWS_WITH(RecordedStep(net, x, x), doctest::Contains("the net lives on cpu"));
  to(net, Device::cuda());
  const Tensor there = x.to(Device::cuda());
  CHECK_THROWS_WITH(RecordedStep(net, there, there), doctest::Contains("bn averages over all batches"));
}
