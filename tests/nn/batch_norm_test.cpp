// tests/nn/batch_norm_test.cpp: the BatchNorm1d layer and its running statistics
#include <doctest/doctest.h>

#include <cordis/nn/batch_norm.hpp>
#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <nn/support.hpp>

using namespace cordis;

TEST_CASE("BatchNorm1d: starts at 1 and 0") {
  const BatchNorm1d layer(5);
  CHECK(keys(layer) == Keys{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(identical(layer.weight.value(), ones({5})));
  CHECK(identical(layer.bias.value(), zeros({5})));
  CHECK(identical(layer.running_mean, zeros({5})));
  CHECK(identical(layer.running_var, ones({5})));
  CHECK(layer.num_batches_tracked.dtype() == DType::i64);
  CHECK(layer.num_batches_tracked.shape() == Shape{});
  CHECK(layer.num_batches_tracked.item<std::int64_t>() == 0);
  CHECK((layer.weight.requires_grad() && layer.bias.requires_grad() && layer.training));
  CHECK(parameters(layer).size() == 2);
}

TEST_CASE("BatchNorm1d: every stored case") {
  stored_cases("batch_norm.", 17, [](const StoredCase& stored) {
    if (stored.name == "batch_norm.train_offset" || stored.name == "batch_norm.train_two_values")
      return;  // op's
    const auto options = stored.fixture.options(stored.name);
    const auto reals = stored.fixture.reals(stored.name);
    const Variable x = stored.leaf("x");
    BatchNorm1d layer(x.size(-1), {.eps = reals[1],
                                   .momentum = reals[0],
                                   .affine = options[1] == 1,
                                   .track_running_stats = options[2] == 1});
    to(layer, stored.dtype);
    train(layer, options[0] == 1);
    if (options[1]) layer.weight.value() = stored.tensor("w"), layer.bias.value() = stored.tensor("b");
    if (options[2])
      layer.running_mean = stored.tensor("running_mean").clone(),
      layer.running_var = stored.tensor("running_var").clone();
    const Variable y = layer(x);
    stored.compare("y", y.value());
    backward({y}, {stored.tensor("dy")});
    stored.compare("dx", x.grad());
    if (options[1]) {
      stored.compare("dw", layer.weight.grad());
      stored.compare("db", layer.bias.grad());
    }
    CHECK(layer.num_batches_tracked.defined() == (options[2] == 1));
    if (options[2]) {
      stored.compare("running_mean_after", layer.running_mean);
      stored.compare("running_var_after", layer.running_var);
      CHECK(layer.num_batches_tracked.item<std::int64_t>() == options[0]);
    }
  });
}

TEST_CASE("BatchNorm1d: statistics move in training alone") {
  BatchNorm1d layer(3);
  to(layer, DType::f64);
  const Tensor x = random_tensor({4, 5, 3}, 1, 1, 3);
  layer(x);
  layer(x);
  CHECK(layer.num_batches_tracked.item<std::int64_t>() == 2);
  const Tensor mean = layer.running_mean.clone(), var = layer.running_var.clone();
  CHECK(mean.data<double>()[0] != 0);
  eval(layer);
  const Tensor fixed = layer(x).value();
  CHECK((identical(mean, layer.running_mean) && identical(var, layer.running_var)));
  CHECK(layer.num_batches_tracked.item<std::int64_t>() == 2);
  for (std::int64_t i = 0; i < fixed.numel(); ++i)
    CHECK(fixed.data<double>()[i] == doctest::Approx((x.data<double>()[i] - mean.data<double>()[i % 3]) /
                                                     std::sqrt(var.data<double>()[i % 3] + 1e-5)));
  CHECK(identical(layer(x.rows(1, 2)).value(), fixed.rows(1, 2).clone()));  // others do not matter
  train(layer);
  layer(x);
  CHECK(layer.num_batches_tracked.item<std::int64_t>() == 3);
  CHECK_FALSE(identical(mean, layer.running_mean));
}

TEST_CASE("BatchNorm1d: without momentum the statistics are the average of all batches") {
  BatchNorm1d layer(1, {.momentum = std::nullopt});
  to(layer, DType::f64);
  double mean = 0, var = 0;
  for (int batch = 1; batch <= 5; ++batch) {
    const double low = batch, high = 3.0 * batch;
    layer(Tensor::of<double>({2, 1}, {low, high}));
    mean += (low + high) / 2, var += (high - low) * (high - low) / 2;  // unbiased
    CHECK(layer.running_mean.item() == doctest::Approx(mean / batch).epsilon(1e-12));
    CHECK(layer.running_var.item() == doctest::Approx(var / batch).epsilon(1e-12));
  }
}

TEST_CASE("BatchNorm1d: without parameters, without statistics") {
  CHECK(keys(BatchNorm1d(2, {.affine = false})) ==
        Keys{"running_mean", "running_var", "num_batches_tracked"});
  BatchNorm1d layer(2, {.track_running_stats = false});
  CHECK(keys(layer) == Keys{"weight", "bias"});
  const Tensor x = random_tensor({3, 2}, 1).to(DType::f32);
  const Tensor trained = layer(x).value();
  eval(layer);
  CHECK(identical(layer(x).value(), trained));  // the batch's own, in evaluation too
}

TEST_CASE("BatchNorm1d: frozen parameters get no gradient, the input does") {
  BatchNorm1d layer(3);
  requires_grad(layer, false);
  const Variable x(random_tensor({4, 3}, 1).to(DType::f32), true);
  backward({layer(x)}, {random_tensor({4, 3}, 2).to(DType::f32)});
  CHECK_FALSE((layer.weight.grad().defined() || layer.bias.grad().defined()));
  CHECK(x.grad().defined());
}

TEST_CASE("BatchNorm1d: relu and add_relu are the layer and the ops after it") {
  const Variable x = random_tensor({4, 6, 3}, 1), shortcut = random_tensor({4, 6, 3}, 2);
  for (const bool training : {true, false}) {
    BatchNorm1d fused(3), plain(3);
    for (auto* each : {&fused, &plain}) to(*each, DType::f64), train(*each, training);
    std::vector<Shape> seen;
    const ObserveGuard guard([&](const detail::ModuleId&, const Variable& y) { seen.push_back(y.shape()); });
    CHECK(deviation(fused.relu(x).value(), relu(plain(x)).value()) <= 1e-14);
    CHECK(deviation(fused.add_relu(x, shortcut).value(), relu(plain(x) + shortcut).value()) <= 1e-14);
    CHECK(seen == std::vector<Shape>(4, Shape{4, 6, 3}));
    CHECK(identical(fused.running_mean, plain.running_mean));
    CHECK(identical(fused.running_var, plain.running_var));
    CHECK(fused.num_batches_tracked.item<std::int64_t>() == (training ? 2 : 0));
  }
}

TEST_CASE("BatchNorm1d: misuse") {
  CHECK(refusal([] { BatchNorm1d(-1); }) == "[BatchNorm1d] -1 channels, eps 1e-05");
  CHECK(refusal([] { BatchNorm1d(2, {.eps = -1}); }) == "[BatchNorm1d] 2 channels, eps -1");
  const BatchNorm1d layer(2);
  CHECK(refusal([&] {
          layer(zeros({4, 3}));
        }) == "[batch_norm] x is f32 (4, 3), but a per-channel tensor is f32 (2,), not (3,)");
  CHECK(refusal([&] {
          layer(zeros({1, 2}));
        }) == "[batch_norm] x has shape (1, 2): more than one value per channel is needed to train");
  CHECK(layer.num_batches_tracked.item<std::int64_t>() == 0);  // a refused batch was not tracked
}
