// tests/nn/linear_test.cpp: the Linear layer
#include <doctest/doctest.h>

#include <cordis/nn/linear.hpp>
#include <nn/stored_layer.hpp>

using namespace cordis;

TEST_CASE("Linear: parameters as PyTorch draws them") {
  seed(1);
  const Linear layer(100, 200);
  CHECK(keys(layer) == Keys{"weight", "bias"});
  CHECK(layer.weight.shape() == Shape{200, 100});
  CHECK(layer.bias.shape() == Shape{200});
  CHECK(layer.weight.dtype() == DType::f32);
  CHECK((layer.weight.requires_grad() && layer.bias.requires_grad()));
  check_uniform(layer.weight.value(), 0.1);
  CHECK(moments(layer.bias.value()).largest <= 0.1F);
  CHECK(moments(layer.bias.value()).largest > 0.09);
  const Linear other(100, 200);
  CHECK_FALSE(identical(layer.weight.value(), other.weight.value()));
}

TEST_CASE("Linear: every stored case") {
  stored_cases("linear.", 6, [](const StoredCase& stored) {
    const Tensor w = stored.tensor("w"), b = stored.tensor("b");
    Linear layer(w.size(1), w.size(0), {.bias = b.defined()});
    compare_layer(layer, stored);
  });
}

TEST_CASE("Linear: without bias, of no features, not made yet") {
  const Linear bare(3, 2, {.bias = false});
  CHECK(keys(bare) == Keys{"weight"});
  CHECK(bare(zeros({4, 3})).shape() == Shape{4, 2});
  const Linear empty(0, 3);
  CHECK(identical(empty.bias.value(), zeros({3})));
  CHECK(identical(empty(zeros({2, 0})).value(), zeros({2, 3})));
  CHECK(refusal([] { Linear(-1, 2); }) == "[Linear] -1 features to 2");
  CHECK(refusal([] { Linear(1, -2); }) == "[Linear] 1 features to -2");
  CHECK(refusal([] { Linear{}(zeros({2, 3})); }) == "[variable] used before it was given a value");
}
