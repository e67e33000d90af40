// tests/op/loss_test.cpp: both cross-entropies against PyTorch, their definitions, and differences
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/loss.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

constexpr Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum};

Op bce_op(const Tensor& y, const Tensor& pos_weight, Reduction reduction) {
  return [=](const Variables& v) -> Variables {
    const DType dtype = v[0].dtype();
    return {bce_with_logits(
        v[0], y.to(dtype),
        {.pos_weight = pos_weight.defined() ? pos_weight.to(dtype) : Tensor{}, .reduction = reduction})};
  };
}
Op ce_op(const Tensor& y, const CrossEntropyOptions& options) {
  return [=](const Variables& v) -> Variables {
    CrossEntropyOptions own = options;
    if (own.weight.defined()) own.weight = own.weight.to(v[0].dtype());
    return {cross_entropy(v[0], y, own)};
  };
}

Tensor classes(std::int64_t n, std::int64_t k, std::uint64_t seed) {
  Generator generator(seed);
  Tensor y({n}, DType::i64);
  for (auto& each : y.values<std::int64_t>())
    each = static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(k)));
  return y;
}

void compare_loss(const StoredCase& stored, const Variable& x, const Variable& loss) {
  stored.compare("loss", loss.value());
  const Tensor dy = stored.tensor("dy");
  backward({loss}, {dy.defined() ? dy : ones({}, stored.dtype)});
  stored.compare("dx", x.grad());
}

}  // namespace

TEST_CASE("loss: every stored case of binary cross-entropy") {
  stored_cases("bce_with_logits.", 10, [](const StoredCase& stored) {
    const Variable x = stored.leaf("x");
    const auto reduction = kReductions[stored.fixture.options(stored.name)[0]];
    compare_loss(stored, x,
                 bce_with_logits(x, stored.tensor("target"),
                                 {.pos_weight = stored.tensor("pos_weight"), .reduction = reduction}));
  });
}

TEST_CASE("loss: every stored case of categorical cross-entropy") {
  stored_cases("cross_entropy.", 22, [](const StoredCase& stored) {
    const Variable x = stored.leaf("x");
    const auto options = stored.fixture.options(stored.name);
    compare_loss(stored, x,
                 cross_entropy(x, stored.tensor("target"),
                               {.weight = stored.tensor("weight"),
                                .ignore_index = options[1],
                                .label_smoothing = stored.fixture.reals(stored.name)[0],
                                .reduction = kReductions[options[0]]}));
  });
}

TEST_CASE("loss: binary, gradients of every option by differences") {
  std::uint64_t seed = 0;
  for (const auto reduction : kReductions)
    for (const Shape& shape : {Shape{1}, Shape{7}, Shape{4, 3}, Shape{2, 3, 5}})
      for (const bool weighted : {false, true}) {
        const Tensor x = random_tensor(shape, ++seed, -4, 4), y = random_tensor(shape, ++seed, 0, 1),
                     p = weighted ? random_tensor({shape[-1]}, ++seed, 0.5, 3) : Tensor{};
        prove(concat(shape, " reduction ", static_cast<int>(reduction), weighted ? " weighted" : ""),
              bce_op(y, p, reduction), {x});
        const Tensor loss = bce_with_logits(x, y, {.pos_weight = p, .reduction = reduction}).value();
        double sum = 0;
        for (std::int64_t i = 0; i < x.numel(); ++i) {
          const double s = 1 / (1 + std::exp(-x.data<double>()[i])), t = y.data<double>()[i];
          const double term =
              -(weighted ? p.data<double>()[i % shape[-1]] : 1) * t * std::log(s) - (1 - t) * std::log(1 - s);
          sum += term;
          if (reduction == Reduction::none)
            CHECK(loss.data<double>()[i] == doctest::Approx(term).epsilon(1e-12));
        }
        if (reduction == Reduction::none) {
          CHECK(loss.shape() == shape);
        } else {
          const double n = reduction == Reduction::mean ? static_cast<double>(x.numel()) : 1;
          CHECK(loss.item() == doctest::Approx(sum / n).epsilon(1e-12));
        }
      }
  prove("scalar", bce_op(full({}, 0.25, DType::f64), {}, Reduction::none), {full({}, 0.5, DType::f64)});
}

TEST_CASE("loss: categorical, gradients of every option by differences") {
  std::uint64_t seed = 100;
  for (const auto reduction : kReductions)
    for (const auto& [n, k] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {1, 3}, {5, 2}, {7, 11}})
      for (const double smoothing : {0.0, 0.25, 1.0})
        for (const bool weighted : {false, true})
          for (const std::int64_t ignore : {std::int64_t{-100}, std::int64_t{1}}) {
            Tensor y = classes(n, k, ++seed);
            y.data<std::int64_t>()[0] = 0;
            if (n > 2 && ignore < 0) y.data<std::int64_t>()[2] = ignore;
            const Tensor w = weighted ? random_tensor({k}, ++seed, 0.5, 2) : Tensor{},
                         x = random_tensor({n, k}, ++seed, -3, 3);
            prove(concat("(", n, ", ", k, ") reduction ", static_cast<int>(reduction), " smoothing ",
                         smoothing, " ignore ", ignore, weighted ? " weighted" : ""),
                  ce_op(y, {.weight = w,
                            .ignore_index = ignore,
                            .label_smoothing = smoothing,
                            .reduction = reduction}),
                  {x}, 1e-4);
          }
}

TEST_CASE("loss: from another loss's gradient, and twice from the same logits") {
  const Tensor y = random_tensor({3, 4}, 1, 0, 1), t = classes(3, 4, 2);
  prove("both",
        [&](const Variables& v) -> Variables {
          return {bce_with_logits(v[0], y.to(v[0].dtype())) * cross_entropy(v[0], t) * (-3.0 * sum(v[0]))};
        },
        {random_tensor({3, 4}, 3)});
}

TEST_CASE("loss: nothing is nothing, and its mean NaN") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Variable x(zeros({0, 3}, dtype), true);
    const Variable y = zeros({0, 3}, dtype), t = zeros({0}, DType::i64);
    CHECK(std::isnan(bce_with_logits(x, y).value().item()));
    CHECK(std::isnan(cross_entropy(x, t).value().item()));
    CHECK(bce_with_logits(x, y, {.reduction = Reduction::sum}).value().item() == 0);
    CHECK(cross_entropy(x, t, {.reduction = Reduction::sum}).value().item() == 0);
    CHECK(bce_with_logits(x, y, {.reduction = Reduction::none}).shape() == Shape{0, 3});
    CHECK(cross_entropy(x, t, {.reduction = Reduction::none}).shape() == Shape{0});
    bce_with_logits(x, y).backward();
    cross_entropy(x, t).backward();
    CHECK(x.grad().shape() == Shape{0, 3});
  }
}

TEST_CASE("loss: NaN and infinite logits as PyTorch has them") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Variable x = Tensor::of<double>({6}, {nan, nan, inf, -inf, inf, -inf}).to(dtype),
                   y = Tensor::of<double>({6}, {0, 1, 0, 0, 1, 1}).to(dtype);
    // (1 - y) x is 0 * inf where y is 1, and inf - inf where x is -inf
    CHECK(deviation(bce_with_logits(x, y, {.reduction = Reduction::none}).value(),
                    Tensor::of<double>({6}, {nan, nan, inf, nan, nan, nan})) == 0);
    const Tensor rows = Tensor::of<double>({5, 3}, {nan, 0, 0, 0, 0, nan, 0, -inf, 0, -inf, 0, 0, inf, 0, 0});
    const Variable t = Tensor::of<std::int64_t>({5}, {1, 1, 0, 0, 0});
    CHECK(deviation(cross_entropy(rows.to(dtype), t, {.reduction = Reduction::none}).value().to(DType::f64),
                    Tensor::of<double>({5}, {nan, nan, std::log(2.0), inf, nan})) < 1e-6);
    CHECK(std::isnan(cross_entropy(rows.to(dtype), t).value().item()));
  }
}

TEST_CASE("loss: rows that are ignored, all of them too; a NaN among them stays out of the gradient") {
  // PyTorch gives the ignored row of NaN a gradient of NaN.
  const double nan = std::nan("");
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Variable x(Tensor::of<double>({2, 3}, {nan, 0, 0, 0, 0, 0}).to(dtype), true);
    const Variable some = cross_entropy(x, Tensor::of<std::int64_t>({2}, {-100, 0}));
    CHECK(some.value().item() == doctest::Approx(std::log(3.0)));
    some.backward();
    CHECK(deviation(x.grad(), Tensor::of<double>({2, 3}, {0, 0, 0, -2.0 / 3, 1.0 / 3, 1.0 / 3})) < 1e-6);
    const Variable y(zeros({2, 3}, dtype), true);
    const Variable none = cross_entropy(y, full({2}, -100, DType::i64));
    CHECK(std::isnan(none.value().item()));
    none.backward();
    CHECK(identical(y.grad(), zeros({2, 3}, dtype)));
  }
}

TEST_CASE("loss: misuse of the binary one") {
  const Variable x = zeros({2, 3}), y = zeros({2, 3});
  CHECK(refusal([&] {
          bce_with_logits(x, zeros({3, 2}));
        }) == "[bce_with_logits] logits have shape (2, 3), targets (3, 2)");
  CHECK(refusal([&] {
          bce_with_logits(x, zeros({2, 3}, DType::i64));
        }) == "[bce_with_logits] logits are f32, targets i64");
  CHECK(refusal([&] {
          bce_with_logits(x, Variable(zeros({2, 3}), true));
        }) == "[bce_with_logits] targets require a gradient, which this loss does not give");
  CHECK(refusal([&] { bce_with_logits(x, y, {.pos_weight = ones({2})}); }) ==
        "[bce_with_logits] pos_weight is f32 (2,) for f32 logits (2, 3)");
  CHECK(refusal([&] { bce_with_logits(x, y, {.pos_weight = ones({3}, DType::f64)}); }) ==
        "[bce_with_logits] pos_weight is f64 (3,) for f32 logits (2, 3)");
  CHECK(refusal([&] { bce_with_logits(zeros({}), zeros({}), {.pos_weight = ones({1})}); }) ==
        "[bce_with_logits] pos_weight is f32 (1,) for f32 logits ()");
  CHECK(refusal([&] { bce_with_logits(zeros({2}, DType::i64), zeros({2}, DType::i64)); }) ==
        "[bce_with_logits] i64 is not a floating type, f32 or f64 is needed");
}

TEST_CASE("loss: misuse of the categorical one") {
  const Variable x = zeros({2, 3}), y = zeros({2}, DType::i64);
  CHECK(refusal([&] { cross_entropy(zeros({3}), y); }) ==
        "[cross_entropy] logits have shape (3,), (N, K) is needed");
  CHECK(refusal([&] { cross_entropy(x, zeros({2})); }) ==
        "[cross_entropy] targets are f32 (2,), i64 (2,) is needed");
  CHECK(refusal([&] { cross_entropy(x, zeros({3}, DType::i64)); }) ==
        "[cross_entropy] targets are i64 (3,), i64 (2,) is needed");
  for (const double smoothing : {-0.1, 1.5})
    CHECK(refusal([&] { cross_entropy(x, y, {.label_smoothing = smoothing}); }) ==
          concat("[cross_entropy] label_smoothing ", smoothing, " is not in [0, 1]"));
  CHECK(refusal([&] { cross_entropy(x, y, {.weight = ones({2})}); }) ==
        "[cross_entropy] weight is f32 (2,) for f32 logits (2, 3)");
  CHECK(refusal([&] { cross_entropy(x, y, {.weight = ones({3}, DType::f64)}); }) ==
        "[cross_entropy] weight is f64 (3,) for f32 logits (2, 3)");
  for (const std::int64_t target : {3, -1, -100})
    CHECK(refusal([&] {
            cross_entropy(x, full({2}, static_cast<double>(target), DType::i64), {.ignore_index = 7});
          }) == concat("[cross_entropy] target ", target, " of row 0 is not in 0 .. 2"));
  CHECK(refusal([&] {
          cross_entropy(zeros({2, 3}, DType::i64), y);
        }) == "[cross_entropy] i64 is not a floating type, f32 or f64 is needed");
}
