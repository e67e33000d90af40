// tests/op/activation_test.cpp: relu, sigmoid, tanh against PyTorch and differences
#include <doctest/doctest.h>

#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

struct Named {
  const char* name;
  Variable (*function)(const Variable&);
};
const std::vector<Named> kAll{
    {"relu", &cordis::relu}, {"sigmoid", &cordis::sigmoid}, {"tanh", &cordis::tanh}};

Op op(const Named& each) {
  return [each](const Variables& v) -> Variables { return {each.function(v[0])}; };
}

}  // namespace

TEST_CASE("activation: every stored case") {
  for (const auto& each : kAll)
    stored_cases(std::string(each.name) + '.', 3, [&](const StoredCase& stored) {
      const Variable x = stored.leaf("x");
      const Variable y = each.function(x);
      stored.compare("y", y.value());
      backward({y}, {stored.tensor("dy")});
      stored.compare("dx", x.grad());
    });
}

TEST_CASE("activation: any shape, gradients by differences") {
  std::uint64_t seed = 0;
  for (const auto& each : kAll)
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{13}, Shape{3, 5}, Shape{2, 3, 5}, Shape{2, 1, 3, 2}})
      prove(concat(each.name, ' ', shape), op(each), {random_tensor(shape, ++seed, -3, 3)});
}

TEST_CASE("activation: elements in several threads") {
  for (const auto& each : kAll) prove_threads(each.name, op(each), {random_tensor({3, 50'003}, 8, -5, 5)});
}

TEST_CASE("activation: every element against the C library") {
  const Tensor x = random_tensor({40'001}, 4, -20, 20);
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double bound = dtype == DType::f64 ? 1e-15 : 3e-7;
    const Tensor a = relu(x.to(dtype)).value().to(DType::f64),
                 b = sigmoid(x.to(dtype)).value().to(DType::f64),
                 c = cordis::tanh(x.to(dtype)).value().to(DType::f64);
    double worst = 0;
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      const double value = x.data<double>()[i];
      worst = std::max(worst, std::abs(a.data<double>()[i] - std::max(value, 0.0)));
      worst = std::max(worst, std::abs(b.data<double>()[i] - 1 / (1 + std::exp(-value))));
      worst = std::max(worst, std::abs(c.data<double>()[i] - std::tanh(value)));
    }
    CHECK(worst <= bound);
  }
}

TEST_CASE("activation: at zero relu's slope is 0") {
  for (const double zero : {0.0, -0.0}) {
    const Variable x(Tensor::scalar(zero), true);
    relu(x).backward();
    CHECK(x.grad().item() == 0);
  }
}

TEST_CASE("activation: NaN, infinities and -0 as PyTorch has them, forward and backward") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const Tensor x = Tensor::of<double>({5}, {nan, inf, -inf, -0.0, 0.0});
  const std::vector<Tensor> values{Tensor::of<double>({5}, {nan, inf, 0, -0.0, 0.0}),
                                   Tensor::of<double>({5}, {nan, 1, 0, 0.5, 0.5}),
                                   Tensor::of<double>({5}, {nan, 1, -1, -0.0, 0.0})},
      slopes{Tensor::of<double>({5}, {1, 1, 0, 0, 0}), Tensor::of<double>({5}, {nan, 0, 0, 0.25, 0.25}),
             Tensor::of<double>({5}, {nan, 0, 0, 1, 1})};
  for (std::size_t k = 0; k < kAll.size(); ++k)
    for (const DType dtype : {DType::f32, DType::f64}) {
      const Variable leaf(x.to(dtype), true), y = kAll[k].function(leaf);
      CHECK_MESSAGE(deviation(y.value(), values[k]) == 0, kAll[k].name);
      const Tensor wide = y.value().to(DType::f64);
      for (std::int64_t i = 3; i < 5; ++i)
        CHECK_MESSAGE(std::signbit(wide.data<double>()[i]) == std::signbit(values[k].data<double>()[i]),
                      kAll[k].name);
      backward({y}, {ones({5}, dtype)}, {.retain_graph = true});
      CHECK_MESSAGE(deviation(leaf.grad(), slopes[k]) == 0, kAll[k].name);
      // A NaN that comes from behind stops where relu stops the rest.
      const Variable other(x.to(dtype), true);
      backward({kAll[k].function(other)}, {full({5}, nan, dtype)});
      const Tensor dx = other.grad().to(DType::f64);
      for (std::int64_t i = 0; i < 5; ++i)
        CHECK_MESSAGE(std::isnan(dx.data<double>()[i]) == (k > 0 || i < 2), kAll[k].name);
    }
}

TEST_CASE("activation: one variable in two places, no elements, misuse") {
  for (const auto& each : kAll) {
    prove(each.name,
          [&](const Variables& v) -> Variables { return {each.function(v[0]) * each.function(v[0]) + v[0]}; },
          {random_tensor({3, 5}, 2)});
    const Outcome none = outcome(op(each), {zeros({0, 3}, DType::f64)});
    CHECK(none.y[0].shape() == Shape{0, 3});
    CHECK(none.dx[0].shape() == Shape{0, 3});
    CHECK(refusal([&] { each.function(zeros({2}, DType::i64)); }) ==
          "[activation] i64 is not a floating type, f32 or f64 is needed");
    CHECK(refusal([&] { each.function({}); }) == "[variable] used before it was given a value");
  }
}
