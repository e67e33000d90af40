// tests/models/end_to_end.hpp: gradients of a whole network against central differences
#pragma once

#include <doctest/doctest.h>

#include <cordis/autograd/gradcheck.hpp>
#include <cordis/core/parallel.hpp>
#include <cordis/nn/module.hpp>

namespace end_to_end {

using namespace cordis;

inline Tensor drawn(const Shape& shape, DType dtype, std::uint64_t seed) {
  Generator generator(seed);
  Tensor x(shape, dtype);
  return fill_normal(x, 0, 1, generator);
}

// So small a net is faster on one thread.
struct OneThread {
  int before = num_threads();
  OneThread() { set_num_threads(1); }
  ~OneThread() { set_num_threads(before); }
};

// Every element of the input and of every parameter, in training mode. Biases and batch norm's weights are
// drawn too: at 0 and 1 they would hide much.
template <Walkable Net>
void check_gradients(Net& net, const Shape& input, std::uint64_t seed) {
  const OneThread one;
  to(net, DType::f64);
  train(net);
  Tensors inputs{drawn(input, DType::f64, seed)};
  for (const auto& parameter : parameters(net)) {
    Tensor value = drawn(parameter.shape(), DType::f64, ++seed);
    for (double& each : value.template values<double>()) each = 0.1 + 0.6 * each;
    inputs.push_back(value);
  }
  const auto result = gradcheck(
      [&](const Variables& x) {
        std::size_t next = 1;
        walk(net, [&](const std::string&, auto& leaf) {
          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Variable>) leaf = x[next++];
        });
        return net(x[0]);
      },
      inputs, {.atol = 1e-6});
  CHECK_MESSAGE(result, result.message);
}

// The same for deep nets: of each parameter, along one random direction through all its elements.
template <Walkable Net>
void check_directions(Net& net, const Shape& input, std::uint64_t seed) {
  const OneThread one;
  to(net, DType::f64);
  train(net);
  const Tensor x = drawn(input, DType::f64, seed);
  const auto loss = [&](const Variable& y) {
    double sum = 0;
    for (std::int64_t i = 0; i < y.value().numel(); ++i)
      sum += static_cast<double>(1 + i % 3) * y.value().data<double>()[i];
    return sum;
  };
  const Variable leaf(x, true), y = net(leaf);
  Tensor dy = empty_like(y.value());
  for (std::int64_t i = 0; i < dy.numel(); ++i) dy.data<double>()[i] = static_cast<double>(1 + i % 3);
  backward({y}, {dy});
  const NoGrad off;
  auto leaves = named_parameters(net);
  leaves.push_back({"input", leaf});
  for (auto& leaf_of : leaves) {
    const std::string& name = leaf_of.name;
    Variable& variable = leaf_of.variable;
    CAPTURE(name);
    REQUIRE(variable.grad().defined());
    const Tensor direction = drawn(variable.shape(), DType::f64, ++seed), before = variable.value().clone();
    double slope = 0;
    for (std::int64_t i = 0; i < direction.numel(); ++i)
      slope += direction.data<double>()[i] * variable.grad().data<double>()[i];
    const auto at = [&](double step) {
      for (std::int64_t i = 0; i < direction.numel(); ++i)
        variable.value().data<double>()[i] = before.data<double>()[i] + step * direction.data<double>()[i];
      return loss(net(leaf));
    };
    const double eps = 1e-7, numeric = (at(eps) - at(-eps)) / (2 * eps);
    at(0);
    CHECK(std::abs(slope - numeric) <= 1e-5 * std::abs(numeric) + 2e-6);
  }
}

// A call in evaluation mode leaves every parameter and buffer as it is, and gives the same again.
template <Walkable Net>
void check_eval_is_pure(Net& net, const Tensor& x) {
  eval(net);
  StateDict before;
  for (const auto& [name, tensor] : state_dict(net)) before.push_back({name, tensor.clone()});
  const Tensor once = net(x).value(), twice = net(x).value();
  CHECK(std::memcmp(once.raw(), twice.raw(), once.bytes()) == 0);
  const auto after = state_dict(net);
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(std::memcmp(before[i].tensor.raw(), after[i].tensor.raw(), before[i].tensor.bytes()) == 0);
}

// Forward and backward: logits (N, classes), finite, and a gradient for the input and every parameter.
template <Walkable Net>
void check_trains(Net& net, const Shape& input, std::int64_t classes) {
  CAPTURE(input);
  train(net);
  const Variable x(drawn(input, DType::f32, 5), true), y = net(x);
  REQUIRE(y.shape() == (Shape{input[0], classes}));
  backward({y}, {ones(y.shape())});
  CHECK(x.grad().shape() == input);
  for (const float value : y.value().values<float>()) CHECK(std::isfinite(value));
  for (const auto& each : named_parameters(net)) {
    CAPTURE(each.name);
    CHECK(each.variable.grad().shape() == each.variable.shape());
  }
}

}  // namespace end_to_end
