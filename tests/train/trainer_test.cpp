// tests/train/trainer_test.cpp: epochs that learn, repeat bit for bit, and stop at a loss that is not finite
#include <doctest/doctest.h>

#include <cordis/optim/adam.hpp>
#include <cordis/optim/sgd.hpp>
#include <cordis/train/metrics.hpp>
#include <cordis/train/trainer.hpp>
#include <limits>

#include "refusal.hpp"
#include "small_net.hpp"

using namespace cordis;
using small_net::copy_of;
using small_net::Net;
using small_net::problem;
using small_net::same_bits;

namespace {

// A linear classifier of one feature, for which numbers can be worked out.
struct Line {
  Linear fc{1, 1};
  static void visit(auto& m, auto&& f) { f("fc", m.fc); }
  Variable operator()(const Variable& x) const { return fc(x); }
};

StateDict weights(const auto& net) {
  StateDict values;
  for (const auto& [name, parameter] : named_parameters(net))
    values.push_back({name, parameter.value().clone()});
  return values;
}

TensorDataset numbered(std::int64_t n) {
  Tensor x({n, 1}), y({n, 1});
  for (std::int64_t i = 0; i < n; ++i) x.data<float>()[i] = y.data<float>()[i] = static_cast<float>(i);
  return {x, y};
}

}  // namespace

TEST_CASE("trainer: a small net learns a separable problem, and does well on records it has not seen") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Net net(1);
    to(net, dtype);
    Adam adam(net, {.lr = 0.02});
    const TensorDataset data = problem(300, 2, dtype), fresh = problem(200, 3, dtype);
    const double before = evaluate(net, fresh, 64).loss;
    double first = 0, last = 0;
    for (int epoch = 1; epoch <= 30; ++epoch) {
      last = train_epoch(net, adam, data, {.batch = 32, .seed = 4, .epoch = epoch});
      if (epoch == 1) first = last;
    }
    CHECK(last < first / 2);
    const auto result = evaluate(net, fresh, 64);
    CHECK(result.loss < before / 3);
    CHECK(Scorer(probabilities(result.logits), fresh.y)(Metric::auroc) > 0.97);
  }
}

TEST_CASE("trainer: two runs give the same bits, whatever was drawn before; another seed does not") {
  const TensorDataset data = problem(70, 5);
  const auto run = [&](std::uint64_t of_seed, std::uint64_t drawn_before) {
    Net net(6);
    Adam adam(net, {.lr = 0.05});
    seed(drawn_before);
    std::vector<double> losses;
    for (int epoch = 1; epoch <= 3; ++epoch)
      losses.push_back(train_epoch(net, adam, data, {.batch = 16, .seed = of_seed, .epoch = epoch}));
    return std::pair(losses, copy_of(state_dict(net)));
  };
  const auto one = run(7, 1), again = run(7, 2), other = run(8, 1);
  CHECK(one.first == again.first);
  CHECK(same_bits(one.second, again.second));
  CHECK(!same_bits(one.second, other.second));
}

TEST_CASE("trainer: each record once, in the loader's order for seed and epoch") {
  Line net;
  SGD sgd(net, {.lr = 0});
  for (const std::int64_t epoch : {1, 2, 9}) {
    std::vector<std::int64_t> seen;
    const LossFunction spy = [&](const Variable& logits, const Variable& labels) {
      for (const float label : labels.value().values<float>())
        seen.push_back(static_cast<std::int64_t>(label));
      return bce_with_logits(logits, Variable(zeros(logits.shape())));
    };
    train_epoch(net, sgd, numbered(23), {.batch = 5, .seed = 3, .epoch = epoch}, {}, spy);
    CHECK(seen == Loader(numbered(23), {.shuffle = true, .seed = 3}).order(epoch));
  }
}

TEST_CASE("trainer: the last batch of one record is left out, and the mean is over the others") {
  const auto sizes = [](std::int64_t n, std::int64_t batch) {
    Line net;
    SGD sgd(net, {.lr = 0.01});
    std::vector<std::int64_t> found;
    double sum = 0, records = 0;
    const double mean =
        train_epoch(net, sgd, numbered(n), {.batch = batch}, [&](std::int64_t size, double loss) {
          found.push_back(size);
          sum += loss * static_cast<double>(size);
          records += static_cast<double>(size);
        });
    CHECK(mean == doctest::Approx(sum / records).epsilon(1e-14));
    return found;
  };
  using Sizes = std::vector<std::int64_t>;
  CHECK(sizes(10, 4) == Sizes{4, 4, 2});
  CHECK(sizes(9, 4) == Sizes{4, 4});
  CHECK(sizes(8, 4) == Sizes{4, 4});
  CHECK(sizes(2, 100) == Sizes{2});
  CHECK(sizes(3, 1) == Sizes{1, 1, 1});  // asked for

  Net net(1);  // its batch norm would refuse a single record
  Adam adam(net);
  train_epoch(net, adam, problem(33, 1), {.batch = 16});
  CHECK(net.bn.num_batches_tracked.item() == 2);
}

TEST_CASE("trainer: nothing to train on is refused") {
  Line net;
  SGD sgd(net);
  CHECK(says(refusal([&] { train_epoch(net, sgd, {}, {.batch = 4}); }),
             {"[train_epoch] 0 records", "batches of 4"}));
  CHECK(
      says(refusal([&] { train_epoch(net, sgd, numbered(1), {.batch = 4}); }), {"[train_epoch] 1 records"}));
  CHECK(says(refusal([&] { train_epoch(net, sgd, numbered(4), {.batch = 0}); }), {"[Loader] batch 0"}));
}

TEST_CASE("trainer: a loss that is not finite names epoch and batch, and the weights stay") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    for (const std::int64_t row : {0, 7, 21}) {
      TensorDataset data = problem(22, 8);
      data.x = data.x.clone();
      for (int k = 0; k < 4; ++k) data.x.data<float>()[4 * row + k] = static_cast<float>(bad);
      Net net(9);
      Adam adam(net, {.lr = 0.1});
      const EpochOptions options{.batch = 5, .seed = 2, .epoch = 6};
      const auto order = Loader(data, {.shuffle = true, .seed = 2}).order(6);
      const auto batch = (std::ranges::find(order, row) - order.begin()) / 5 + 1;
      StateDict before = weights(net);
      int steps = 0;
      const auto text = refusal<NonFiniteLoss>([&] {
        train_epoch(net, adam, data, options, [&](std::int64_t, double) { ++steps, before = weights(net); });
      });
      CHECK(says(text, {concat("epoch 6, batch ", batch, " of 5"), "the loss is"}));
      CHECK(steps == batch - 1);
      CHECK(same_bits(weights(net), before));
    }
}

TEST_CASE("trainer: gradients are clipped where max_norm says so") {
  const TensorDataset data = problem(32, 10);
  const auto moved = [&](double max_norm) {
    Net net(11);
    SGD sgd(net, {.lr = 1});
    const StateDict before = weights(net);
    train_epoch(net, sgd, data, {.batch = 32, .max_norm = max_norm});
    double square = 0;
    const auto after = weights(net);
    for (std::size_t i = 0; i < after.size(); ++i)
      for (std::int64_t j = 0; j < after[i].tensor.numel(); ++j)
        square += std::pow(after[i].tensor.data<float>()[j] - before[i].tensor.data<float>()[j], 2);
    return std::sqrt(square);
  };
  const double free = moved(0);
  CHECK(free > 0.05);
  CHECK(moved(0.01) == doctest::Approx(0.01).epsilon(1e-3));
  CHECK(moved(free / 2) == doctest::Approx(free / 2).epsilon(1e-3));
  CHECK(moved(10 * free) == free);
}

TEST_CASE("trainer: training leaves the net training, evaluation evaluating, and without a tape") {
  Net net(1);
  Adam adam(net);
  const TensorDataset data = problem(9, 1);
  evaluate(net, data, 4);
  CHECK(!net.bn.training);
  CHECK(!net.dropout.training);
  CHECK(grad_enabled());
  train_epoch(net, adam, data, {.batch = 4});
  CHECK(net.bn.training);
  CHECK(net.dropout.training);
  const StateDict before = copy_of(state_dict(net));
  const LossFunction untaped = [](const Variable& logits, const Variable& labels) {
    CHECK(!logits.requires_grad());
    return default_loss(logits, labels);
  };
  evaluate(net, data, 4, "test", untaped);
  CHECK(same_bits(state_dict(net), before));
  for (const auto& parameter : parameters(net)) CHECK(!parameter.grad().defined());
}

TEST_CASE("trainer: an evaluation is the net's own, in order, whatever the batch") {
  Net net(12);
  to(net, DType::f64);
  const TensorDataset data = problem(11, 13, DType::f64);
  eval(net);
  const Tensor wanted = net(Variable(data.x)).value();
  const double loss = bce_with_logits(Variable(wanted), Variable(data.y)).value().item();
  for (const std::int64_t batch : {1, 2, 4, 10, 11, 100}) {
    const auto result = evaluate(net, data, batch);
    REQUIRE(result.logits.shape() == wanted.shape());
    REQUIRE(result.logits.dtype() == DType::f64);
    for (std::int64_t i = 0; i < wanted.numel(); ++i)
      CHECK(result.logits.data<double>()[i] == doctest::Approx(wanted.data<double>()[i]).epsilon(1e-12));
    CHECK(result.loss == doctest::Approx(loss).epsilon(1e-12));
  }
  const auto none = evaluate(net, {}, 4);
  CHECK(!none.logits.defined());
  CHECK(std::isnan(none.loss));
}

TEST_CASE("trainer: an evaluation that is not finite names its records") {
  Net net(1);
  TensorDataset data = problem(11, 1);
  data.y.data<float>()[2 * 9] = std::numeric_limits<float>::quiet_NaN();
  CHECK(says(refusal<NonFiniteLoss>([&] { evaluate(net, data, 4, "validation"); }),
             {"validation, records 9 to 11: the loss is", "nan"}));
  CHECK(says(refusal<NonFiniteLoss>([&] { evaluate(net, data, 1); }), {"evaluation, records 10 to 10"}));
}

TEST_CASE("trainer: another loss, and labels of another type") {
  const LossFunction loss = [](const Variable& logits, const Variable& labels) {
    return cross_entropy(logits, labels);
  };
  TensorDataset data = problem(64, 14);
  Tensor classes({64}, DType::i64);
  for (int i = 0; i < 64; ++i) classes.data<std::int64_t>()[i] = data.y.data<float>()[2 * i] > 0;
  data.y = classes;
  Net net(15);
  Adam adam(net, {.lr = 0.05});
  const double before = evaluate(net, data, 16, "test", loss).loss;
  for (int epoch = 1; epoch <= 20; ++epoch)
    train_epoch(net, adam, data, {.batch = 16, .epoch = epoch}, {}, loss);
  CHECK(evaluate(net, data, 16, "test", loss).loss < before / 2);
}

TEST_CASE("trainer: probabilities are the logistic function, at the extremes too") {
  const std::vector<double> logits{0, 1, -1, 40, -40, 1000, -1000, std::log(3.0)};
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor p = probabilities(Tensor::of({2, 4}, logits).to(dtype));
    CHECK(p.shape() == Shape{2, 4});
    CHECK(p.dtype() == DType::f32);
    const float* value = p.data<float>();
    CHECK(value[0] == 0.5F);
    CHECK(value[1] == doctest::Approx(0.7310585786300049));
    CHECK(value[1] + value[2] == doctest::Approx(1));
    CHECK(value[3] == 1);
    CHECK(value[4] == doctest::Approx(4.248354255291589e-18));
    CHECK(value[4] > 0);
    CHECK(value[5] == 1);
    CHECK(value[6] == 0);
    CHECK(value[7] == doctest::Approx(0.75));
  }
  CHECK(probabilities(Tensor({0, 3})).shape() == Shape{0, 3});
  CHECK(says(refusal([] { probabilities({}); }), {"[probabilities]", "undefined"}));
}
