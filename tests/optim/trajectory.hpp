// tests/optim/trajectory.hpp: the runs of optim.safetensors, step by step
#pragma once

#include <cordis/core/random.hpp>
#include <cordis/optim/optimizer.hpp>

#include "fixture.hpp"

namespace trajectory {

using namespace cordis;

inline constexpr int kSteps = 10;
inline constexpr std::size_t kParameters = 2;

// How a parameter is kept still in its frozen steps; PyTorch's runs did both at once.
enum class Frozen { no_gradient, not_required };

// The largest deviation of any step of `run`, each parameter in a group of its own or, where their options
// agree, in one. options_of(row): what a row of RUN.options says.
template <class O, class OptionsOf>
double follow(const Fixture& fixture, const std::string& run, DType dtype, Frozen how, OptionsOf options_of) {
  const Tensor rows = fixture.at(run + ".options");
  const auto frozen = fixture.at(run + ".frozen_steps").values<std::int64_t>();
  REQUIRE(rows.shape() == Shape{2, 5});
  const double *first = rows.data<double>(), *second = first + 5;
  Variables parameters;
  for (std::size_t i = 0; i < kParameters; ++i)
    parameters.emplace_back(fixture.at(concat("start.param", i)).clone().to(dtype), true);
  std::vector<typename O::Group> groups;
  if (how == Frozen::no_gradient && std::equal(first, second, second))
    groups = {{parameters, options_of(first)}};
  else
    groups = {{{parameters[0]}, options_of(first)}, {{parameters[1]}, options_of(second)}};
  O optimizer(groups);

  double worst = 0;
  for (int step = 1; step <= kSteps; ++step) {
    for (std::size_t i = 0; i < kParameters; ++i) {
      const bool still = step <= frozen[i];
      if (how == Frozen::not_required) parameters[i].requires_grad(!still);
      if (!still || how == Frozen::not_required)
        parameters[i].grad() = fixture.at(concat("grad.param", i, ".step", step)).clone().to(dtype);
    }
    optimizer.step();
    for (std::size_t i = 0; i < kParameters; ++i)
      worst = std::max(worst, deviation(parameters[i].value(),
                                        fixture.at(concat(run, ".param", i, ".step", step)).to(dtype)));
  }
  return worst;
}

// Every run whose name starts with `kind`, in both element types; returns their number.
template <class O, class OptionsOf>
int follow_all(const std::string& kind, OptionsOf options_of) {
  const Fixture fixture("optim");
  int runs = 0;
  for (const auto& run : fixture.cases(kind)) {
    ++runs;
    for (const Frozen how : {Frozen::no_gradient, Frozen::not_required}) {
      CAPTURE(run);
      CHECK(follow<O>(fixture, run, DType::f64, how, options_of) < 1e-13);
      CHECK(follow<O>(fixture, run, DType::f32, how, options_of) < 2e-6);
    }
  }
  return runs;
}

// Parameters of odd sizes, drawn from `seed`.
inline Variables some_parameters(DType dtype, std::uint64_t seed) {
  Generator generator(seed);
  Variables parameters;
  for (const Shape& shape : {Shape{7, 3}, Shape{}, Shape{0, 2}, Shape{1}, Shape{5, 2, 3}}) {
    Tensor value(shape, dtype);
    parameters.emplace_back(fill_normal(value, 0, 1, generator), true);
  }
  return parameters;
}
inline void give_gradients(Variables& parameters, std::uint64_t seed) {
  Generator generator(seed);
  for (auto& parameter : parameters) {
    Tensor gradient = empty_like(parameter.value());
    parameter.grad() = fill_normal(gradient, 0, 1, generator);
  }
}
inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}
inline bool same_bits(const Variables& a, const Variables& b) {
  return std::ranges::equal(
      a, b, [](const Variable& x, const Variable& y) { return same_bits(x.value(), y.value()); });
}
inline bool same_bits(const StateDict& a, const StateDict& b) {
  return std::ranges::equal(a, b, [](const NamedTensor& x, const NamedTensor& y) {
    return x.name == y.name && same_bits(x.tensor, y.tensor);
  });
}

// Nine steps, against four steps, a new optimizer with the first one's state, and five more.
template <class O, class Options>
void check_resumed(const Options& options) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Variables straight = some_parameters(dtype, 1), parted = some_parameters(dtype, 1);
    O one(straight, options), before(parted, options);
    const auto go = [](O& optimizer, Variables& parameters, std::uint64_t from, std::uint64_t to) {
      for (auto step = from; step < to; ++step) {
        give_gradients(parameters, 100 + step);
        optimizer.groups()[0].options.lr *= 0.9;
        optimizer.step();
      }
    };
    go(one, straight, 0, 9);
    go(before, parted, 0, 4);
    StateDict state = before.state();
    O after(parted, {});  // its rate comes with the state
    after.groups()[0].options = options;
    after.groups()[0].options.lr = 77;
    after.restore(state);
    CHECK(same_bits(after.state(), state));
    for (auto& [name, tensor] : state) tensor.fill(-1);  // the optimizer has copies
    go(after, parted, 4, 9);
    CHECK(same_bits(straight, parted));
    CHECK(same_bits(one.state(), after.state()));
  }
}

}  // namespace trajectory
