// tests/nn/conv1d_test.cpp: the Conv1d layer
#include <doctest/doctest.h>

#include <cordis/nn/conv1d.hpp>
#include <nn/stored_layer.hpp>

using namespace cordis;

TEST_CASE("Conv1d: parameters as PyTorch draws them") {
  seed(1);
  const Conv1d layer(12, 256, {.kernel = 7});
  CHECK(keys(layer) == Keys{"weight", "bias"});
  CHECK(layer.weight.shape() == Shape{256, 12, 7});
  CHECK(layer.bias.shape() == Shape{256});
  CHECK((layer.weight.requires_grad() && layer.bias.requires_grad()));
  check_uniform(layer.weight.value(), 1 / std::sqrt(84.0));
  CHECK(moments(layer.bias.value()).largest <= 1 / std::sqrt(84.0));
  CHECK(moments(layer.bias.value()).largest > 0.9 / std::sqrt(84.0));
  // Of groups, each output sees its own channels alone.
  const Conv1d grouped(32, 1024, {.kernel = 5, .groups = 16});
  CHECK(grouped.weight.shape() == Shape{1024, 2, 5});
  check_uniform(grouped.weight.value(), 1 / std::sqrt(10.0));
  CHECK(moments(grouped.bias.value()).largest > 0.9 / std::sqrt(10.0));
}

TEST_CASE("Conv1d: every stored case") {
  stored_cases("conv1d.", 18, [](const StoredCase& stored) {
    const auto o = stored.fixture.options(stored.name);
    const Tensor w = stored.tensor("w"), b = stored.tensor("b");
    Conv1d layer(w.size(1) * o[3], w.size(0),
                 {.kernel = w.size(2),
                  .stride = o[0],
                  .padding = o[1],
                  .dilation = o[2],
                  .groups = o[3],
                  .bias = b.defined()});
    compare_layer(layer, stored);
  });
}

TEST_CASE("Conv1d: without bias, and misuse") {
  CHECK(keys(Conv1d(2, 3, {.kernel = 3, .bias = false})) == Keys{"weight"});
  CHECK(refusal([] { Conv1d(0, 2, {}); }) == "[Conv1d] 0 channels to 2, kernel 1, 1 groups");
  CHECK(refusal([] { Conv1d(2, 0, {}); }) == "[Conv1d] 2 channels to 0, kernel 1, 1 groups");
  CHECK(refusal([] { Conv1d(2, 2, {.kernel = 0}); }) == "[Conv1d] 2 channels to 2, kernel 0, 1 groups");
  CHECK(refusal([] { Conv1d(2, 2, {.groups = 0}); }) == "[Conv1d] 2 channels to 2, kernel 1, 0 groups");
  CHECK(refusal([] { Conv1d(4, 6, {.groups = 4}); }) == "[Conv1d] 4 channels to 6, kernel 1, 4 groups");
  CHECK(refusal([] { Conv1d(6, 4, {.groups = 4}); }) == "[Conv1d] 6 channels to 4, kernel 1, 4 groups");
  CHECK(refusal([] {
          Conv1d(2, 2, {.kernel = 3})(zeros({1, 5, 3}));
        }) == "[conv1d] x has shape (1, 5, 3), but w (2, 2, 3) expects 2 channels");
  CHECK(refusal([] { Conv1d{}(zeros({1, 5, 3})); }) == "[variable] used before it was given a value");
}
