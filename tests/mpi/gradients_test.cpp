// tests/mpi/gradients_test.cpp: when sums start, and parameters that are frozen, unused or used by some ranks
// alone
#include <cordis/mpi/data_parallel.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/loss.hpp>
#include <limits>

#include "refusal.hpp"
#include "support.hpp"

using namespace cordis;

namespace {

struct DeepNet {
  std::vector<Linear> layers;
  Linear spare;
  static void visit(auto& m, auto&& f) { f("layers", m.layers), f("spare", m.spare); }

  explicit DeepNet(int depth = 4) : spare(3, 3) {
    for (int i = 0; i < depth; ++i) layers.emplace_back(3, 3);
  }
  Variable operator()(Variable x, bool with_spare = false) const {
    for (const auto& layer : layers) x = layer(x);
    return with_spare ? spare(x) : x;
  }
};

DeepNet deep_net(int depth = 4) {
  seed(1);
  DeepNet net(depth);
  to(net, DType::f64);
  return net;
}
Variable loss_of(const DeepNet& net, std::int64_t rows, bool with_spare = false) {
  const auto data = records(8, 1, 3, 3);
  const std::int64_t first = world().rank() % 4;
  return bce_with_logits(net(Variable(data.x.rows(first, first + rows).reshaped({rows, 3})), with_spare),
                         Variable(data.y.rows(first, first + rows)));
}
Tensor gradient(const DeepNet& net, std::size_t layer) { return net.layers[layer].weight.grad(); }

}  // namespace

TEST_CASE("gradients: the sums of later layers run while backward works on earlier ones") {
  const DeepNet net = deep_net(6);
  detail::GradientBuckets<Communicator> buckets(named_parameters(net), world(), 1);
  buckets.open();
  std::vector<std::size_t> started;
  backward_telling({loss_of(net, 2, true)}, {ones({}, DType::f64)}, [&](const Variable& leaf) {
    buckets.leaf_done(leaf);
    started.push_back(buckets.started());
  });
  CHECK(buckets.started() == 14);
  REQUIRE(started.size() == 14);
  // A layer is one node: weight and bias are complete together, and none waits for another layer.
  for (std::size_t i = 1; i < started.size(); i += 2) CHECK(started[i] == i + 1);
  buckets.close();
  for (const auto& variable : parameters(net)) CHECK(variable.grad().defined());
}

TEST_CASE("gradients: what no rank uses is left without, what one uses all get") {
  const bool only_here = world().rank() == world().size() - 1;
  DeepNet net = deep_net();
  DataParallel parallel(net, world());
  parallel.backward(loss_of(net, 2), 2);
  CHECK(!net.spare.weight.grad().defined());
  CHECK(gradient(net, 0).defined());
  zero_grad(net);
  parallel.backward(loss_of(net, 2, only_here), 2);
  REQUIRE(net.spare.weight.grad().defined());
  check_same({{"spare", net.spare.weight.grad()}, {"first", gradient(net, 0)}}, world());
}

TEST_CASE("gradients: frozen parameters are left out, and come in when they thaw") {
  DeepNet net = deep_net();
  DataParallel parallel(net, world());
  requires_grad(net.layers[0], false);
  parallel.backward(loss_of(net, 2), 2);
  CHECK(!gradient(net, 0).defined());
  CHECK(gradient(net, 1).defined());
  requires_grad(net.layers[0], true);
  parallel.backward(loss_of(net, 2), 2);
  CHECK(gradient(net, 0).defined());
}

TEST_CASE("gradients: they add up over backwards, each of them the mean of its own batch") {
  const std::int64_t rows = 1 + world().rank() % 3;
  DeepNet net = deep_net();
  DataParallel parallel(net, world());
  parallel.backward(loss_of(net, rows), rows);
  const Tensor once = gradient(net, 1).clone();
  parallel.backward(loss_of(net, rows), rows);
  const Tensor twice = gradient(net, 1);
  for (std::int64_t i = 0; i < once.numel(); ++i)
    CHECK(twice.data<double>()[i] == doctest::Approx(2 * once.data<double>()[i]).epsilon(1e-14));
  check_same({{"twice", twice}}, world());
}

TEST_CASE("gradients: a loss that is not finite on one rank is seen by all, and nothing is changed") {
  DeepNet net = deep_net();
  DataParallel parallel(net, world());
  const Variable loss = loss_of(net, 2);
  const bool bad = world().rank() == world().size() - 1;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Variable given = bad ? loss * Variable(Tensor::scalar(nan)) : loss;
  CHECK(std::isnan(parallel.backward(given, 2)));
  for (const auto& variable : parameters(net)) CHECK(!variable.grad().defined());
  CHECK(std::isfinite(parallel.backward(loss_of(net, 2), 2)));
}

TEST_CASE("gradients: from the third step on nothing is asked of the system") {
  DeepNet net = deep_net();
  DataParallel parallel(net, world(), {.check_every = 2});
  std::vector<std::size_t> allocations;
  for (int step = 0; step < 8; ++step) {
    const auto before = memory_stats().system_allocs;
    parallel.backward(loss_of(net, 2, true), 2);
    zero_grad(net);
    allocations.push_back(static_cast<std::size_t>(memory_stats().system_allocs - before));
  }
  for (std::size_t step = 3; step < allocations.size(); ++step) CHECK(allocations[step] == 0);
}

TEST_CASE("gradients: misuse is refused") {
  DeepNet net = deep_net();
  DataParallel parallel(net, world());
  CHECK(says(refusal([&] { parallel.backward(loss_of(net, 2), 0); }),
             {"[DataParallel] a loss over 0 records"}));
  CHECK(says(refusal([&] { parallel.backward(Variable(ones({2})), 2); }),
             {"[DataParallel] the loss has shape (2,)"}));
  CHECK(says(refusal([&] { DataParallel(net, world(), {.bucket_bytes = 0}); }),
             {"[DataParallel] bucket_bytes 0"}));
}
