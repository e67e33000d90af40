// tests/nn/dropout_test.cpp: the Dropout layer
#include <doctest/doctest.h>

#include <cordis/nn/dropout.hpp>
#include <nn/support.hpp>

using namespace cordis;

TEST_CASE("Dropout: draws in training, passes on in evaluation") {
  Dropout layer{.p = 0.25};
  CHECK(keys(layer).empty());
  CHECK(layer.training);
  const Variable x(ones({40'000}), true);
  seed(3);
  const Variable y = layer(x);
  CHECK(default_generator().offset() == 40'000);
  seed(3);
  CHECK(identical(y.value(), dropout(x, 0.25).value()));
  std::int64_t kept = 0;
  for (const float value : y.value().values<float>()) kept += value != 0;
  CHECK(std::abs(static_cast<double>(kept) / 40'000 - 0.75) < 0.011);
  backward({y}, {ones({40'000})});
  CHECK(identical(x.grad(), y.value()));

  eval(layer);
  CHECK_FALSE(layer.training);
  CHECK(layer(x).same(x));
  train(layer);
  CHECK(layer.training);
  CHECK_FALSE(layer(x).same(x));
}

TEST_CASE("Dropout: p of 0, of 1, and none") {
  const Variable x = ones({5});
  CHECK(Dropout{.p = 0}(x).same(x));
  CHECK(identical(Dropout{.p = 1}(x).value(), zeros({5})));
  CHECK(Dropout{}.p == 0.5);
  CHECK(refusal([&] { Dropout{.p = 1.5}(x); }) == "[dropout] p = 1.5 is not in [0, 1]");
}
