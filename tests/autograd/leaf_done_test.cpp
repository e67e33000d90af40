// tests/autograd/leaf_done_test.cpp: each leaf is told of once, and not before its gradient is complete
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/autograd/leaf_done.hpp>

#include "ops.hpp"
#include "refusal.hpp"

using namespace cordis;
using namespace ops;

namespace {

Variable leaf(double value, bool requires_grad = true) {
  return Variable(Tensor::of<double>({1}, {value}), requires_grad);
}
const Tensor kOne = Tensor::of<double>({1}, {1});

struct Told {
  Variables leaves;
  std::vector<double> gradients;  // as they were then; NaN: none

  LeafDone listener() {
    return [this](const Variable& v) {
      leaves.push_back(v);
      gradients.push_back(v.grad().defined() ? at(v.grad(), 0) : NAN);
    };
  }
};

}  // namespace

TEST_CASE("leaf_done: the last layer's leaves come first, each with its whole gradient") {
  const Variable a = leaf(2), b = leaf(3), c = leaf(5), frozen = leaf(7, false);
  const Variable y = product(product(product(a, b), c), frozen);
  Told told;
  backward_telling({y}, {kOne}, told.listener());
  REQUIRE(told.leaves.size() == 3);
  CHECK(told.leaves[0].same(c));
  CHECK(told.leaves[1].same(a));
  CHECK(told.leaves[2].same(b));
  CHECK(told.gradients == std::vector<double>{42, 105, 70});
}

TEST_CASE("leaf_done: a leaf used at both ends is complete at the end") {
  const Variable a = leaf(2), b = leaf(3);
  const Variable y = plus(product(product(a, a), b), a);  // a² b + a
  Told told;
  backward_telling({y, y}, {kOne, kOne}, told.listener());
  REQUIRE(told.leaves.size() == 2);
  CHECK(told.leaves[0].same(b));
  CHECK(told.leaves[1].same(a));
  CHECK(told.gradients == std::vector<double>{8, 26});
}

TEST_CASE("leaf_done: leaves whose ops got no gradient, and outputs that are leaves, come too") {
  const Variable a = leaf(2), b = leaf(3), c = leaf(5);
  const auto stop = record("stop", kOne, {times(a, 2), b}, [](const Tensor& dy) { return Tensors{{}, dy}; });
  Told told;
  backward_telling({stop, c}, {kOne, kOne}, told.listener());
  REQUIRE(told.leaves.size() == 3);
  CHECK(told.leaves[0].same(b));
  CHECK(told.leaves[1].same(c));
  CHECK(told.leaves[2].same(a));
  CHECK(told.gradients[0] == 1);
  CHECK(told.gradients[1] == 1);
  CHECK(std::isnan(told.gradients[2]));
}

TEST_CASE("leaf_done: a kept tape tells again, and what the listener throws ends backward") {
  const Variable a = leaf(2);
  const Variable y = product(a, a);
  Told told;
  backward_telling({y}, {kOne}, told.listener(), {.retain_graph = true});
  CHECK(refusal([&] {
          backward_telling({y}, {kOne}, [](const Variable&) { fail("enough"); }, {.retain_graph = true});
        }) == "enough");
  backward_telling({y}, {kOne}, told.listener());
  CHECK(told.leaves.size() == 2);
  CHECK(told.gradients == std::vector<double>{4, 12});
}
