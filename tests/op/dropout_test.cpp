// tests/op/dropout_test.cpp: the mask, its share and its scale
#include <doctest/doctest.h>

#include <algorithm>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/dropout.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {
// The same mask at each call.
Op fixed_dropout(double p) {
  return [p](const Variables& v) -> Variables {
    Generator generator(3, 40);
    return {dropout(v[0], p, true, generator)};
  };
}
}  // namespace

TEST_CASE("dropout: elements are zero or scaled, and backward drops the same ones") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double p : {0.1, 0.5, 0.75}) {
      const std::int64_t n = 40'007;
      const Variable x(random_tensor({n}, 1, 1, 2).to(dtype), true);
      Generator generator(7);
      const Variable y = dropout(x, p, true, generator);
      CHECK(generator.offset() == static_cast<std::uint64_t>(n));
      backward({y}, {full({n}, 4, dtype)});
      const Tensor in = x.value().to(DType::f64), out = y.value().to(DType::f64),
                   back = x.grad().to(DType::f64);
      const double keep = 1 / (1 - p), rounding = dtype == DType::f64 ? 1e-15 : 1e-6;
      std::int64_t dropped = 0, wrong = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const bool gone = out.data<double>()[i] == 0;
        dropped += gone;
        const double scale = gone ? 0 : keep;
        wrong += std::abs(out.data<double>()[i] - scale * in.data<double>()[i]) > 8 * rounding;
        wrong += std::abs(back.data<double>()[i] - 4 * scale) > 16 * rounding;
      }
      CHECK(wrong == 0);
      const double share = static_cast<double>(dropped) / n;
      CHECK(std::abs(share - p) < 5 * std::sqrt(p * (1 - p) / n));
      // Neighbours are dropped independently of each other.
      std::int64_t both = 0;
      for (std::int64_t i = 0; i + 1 < n; ++i)
        both += out.data<double>()[i] == 0 && out.data<double>()[i + 1] == 0;
      CHECK(std::abs(static_cast<double>(both) / n - p * p) < 0.01);
    }
}

TEST_CASE("dropout: gradients by differences, frozen inputs, threads, f32") {
  for (const double p : {0.2, 0.5, 0.9})
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{13}, Shape{3, 5}, Shape{2, 3, 5}})
      prove(concat(shape, " p ", p), fixed_dropout(p), {random_tensor(shape, 9)});
  prove_threads("many", fixed_dropout(0.4), {random_tensor({3, 40'001}, 2)});
  prove("one variable in two places",
        [](const Variables& v) -> Variables {
          Generator generator(5);
          const Variable first = dropout(v[0], 0.5, true, generator);
          return {first + dropout(v[0], 0.5, true, generator)};
        },
        {random_tensor({17}, 1)});
}

TEST_CASE("dropout: the identity where it is off, nothing where p is 1") {
  const Variable x(random_tensor({4, 3}, 1), true);
  Generator generator(1);
  CHECK(dropout(x, 0.5, false, generator).same(x));
  CHECK(dropout(x, 1, false, generator).same(x));
  CHECK(dropout(x, 0, true, generator).same(x));
  CHECK(generator.offset() == 0);  // nothing was drawn
  const Outcome all = outcome(fixed_dropout(1), {x.value()});
  for (const auto* nothing : {&all.y[0], &all.dx[0]})
    CHECK(std::ranges::all_of(nothing->values<double>(), [](double value) { return value == 0; }));
  CHECK(outcome(fixed_dropout(0.5), {zeros({0, 3}, DType::f64)}).dx[0].shape() == Shape{0, 3});
}

TEST_CASE("dropout: NaN and infinities stay, dropped or not") {
  for (const double p : {0.5, 1.0}) {
    const Tensor x = full({50}, std::nan(""), DType::f64);
    const Outcome all = outcome(fixed_dropout(p), {x});
    for (const double value : all.y[0].values<double>()) CHECK(std::isnan(value));
  }
  Generator generator(3);
  const Tensor y = dropout(full({200}, INFINITY), 0.5, true, generator).value();
  const auto kept = std::ranges::count(y.values<float>(), INFINITY);
  CHECK(kept > 60);
  CHECK(std::ranges::count_if(y.values<float>(), [](float v) { return std::isnan(v); }) == 200 - kept);
}

TEST_CASE("dropout: the mask follows from the generator's state, whatever the thread count and type") {
  const Tensor x = ones({50'001}, DType::f64);
  const auto mask = [&](std::uint64_t seed, std::uint64_t offset, const Tensor& on) {
    Generator generator(seed, offset);
    return dropout(on, 0.5, true, generator).value().to(DType::f64);
  };
  const Tensor first = mask(3, 0, x);
  CHECK(identical(first, mask(3, 0, x)));
  CHECK(identical(first, mask(3, 0, x.to(DType::f32))));
  CHECK_FALSE(identical(first, mask(4, 0, x)));
  CHECK_FALSE(identical(first, mask(3, 50'001, x)));
  for (const int threads : {1, 2, 3}) {
    const ThreadGuard guard(threads);
    CHECK(identical(first, mask(3, 0, x)));
  }
  CHECK(identical(first.rows(10, 50'001).clone(), mask(3, 10, ones({49'991}, DType::f64))));

  seed(21);
  const Tensor one = dropout(x, 0.5).value(), two = dropout(x, 0.5).value();
  seed(21);
  CHECK(identical(one, dropout(x, 0.5).value()));
  CHECK_FALSE(identical(one, two));
  CHECK(default_generator().offset() == 50'001);
}

TEST_CASE("dropout: misuse") {
  const Variable x = zeros({2});
  CHECK(refusal([&] { dropout(x, -0.1); }) == "[dropout] p = -0.1 is not in [0, 1]");
  CHECK(refusal([&] { dropout(x, 1.5, false); }) == "[dropout] p = 1.5 is not in [0, 1]");
  CHECK(refusal([&] { dropout(x, std::nan("")); }) == "[dropout] p = nan is not in [0, 1]");
  CHECK(refusal([&] { dropout(zeros({2}, DType::i64), 0.5); }) ==
        "[dropout] i64 is not a floating type, f32 or f64 is needed");
}
