// tests/op/linear_test.cpp: x wᵀ + b against PyTorch, a direct sum, and differences
#include <doctest/doctest.h>

#include <cordis/op/linear.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {
Variables run(const Variables& v) { return {linear(v[0], v[1], v.size() > 2 ? v[2] : Variable{})}; }
}  // namespace

TEST_CASE("linear: every stored case") {
  stored_cases("linear.", 6, [](const StoredCase& stored) {
    const Variable x = stored.leaf("x"), w = stored.leaf("w"), b = stored.leaf("b");
    CHECK(b.defined() == (stored.fixture.options(stored.name)[0] == 1));
    const Variable y = linear(x, w, b);
    stored.compare("y", y.value());
    backward({y}, {stored.tensor("dy")});
    stored.compare("dx", x.grad());
    stored.compare("dw", w.grad());
    stored.compare_gradient("db", b);
  });
}

TEST_CASE("linear: any leading axes, with and without bias") {
  std::uint64_t seed = 1;
  for (const Shape& shape :
       {Shape{1}, Shape{7}, Shape{1, 1}, Shape{4, 3}, Shape{13, 5}, Shape{2, 3, 5}, Shape{2, 1, 3, 4}})
    for (const std::int64_t out : {1, 2, 11}) {
      const Tensor x = random_tensor(shape, ++seed), w = random_tensor({out, shape[-1]}, ++seed),
                   b = random_tensor({out}, ++seed);
      const auto name = concat("x ", shape, ", ", out, " outputs");
      prove(name, run, {x, w});
      prove(name + " and bias", run, {x, w, b});
      const Tensor y = linear(x, w, b).value();
      REQUIRE(y.rank() == shape.rank());
      for (std::int64_t i = 0; i < y.numel(); ++i) {
        double sum = b.data<double>()[i % out];
        for (std::int64_t k = 0; k < shape[-1]; ++k)
          sum += x.data<double>()[i / out * shape[-1] + k] * w.data<double>()[i % out * shape[-1] + k];
        CHECK(y.data<double>()[i] == doctest::Approx(sum).epsilon(1e-12));
      }
    }
  prove_threads("rows in threads", run,
                {random_tensor({101, 37}, 1), random_tensor({23, 37}, 2), random_tensor({23}, 3)});
}

TEST_CASE("linear: few rows and many, rows longer than a block, widths that end within a vector") {
  for (const std::int64_t M : {1, 3, 37, 100})
    for (const std::int64_t in : {5, 64, 1030, 2100})
      for (const std::int64_t out : {1, 5, 9, 70}) {
        const Tensor x = random_tensor({M, in}, 1), w = random_tensor({out, in}, 2),
                     b = random_tensor({out}, 3);
        const auto name = concat(M, " rows, ", in, " to ", out);
        const Outcome wide = outcome(run, {x, w, b}),
                      single = outcome(run, {x.to(DType::f32), w.to(DType::f32), b.to(DType::f32)});
        Tensor y({M, out}, DType::f64), dx = zeros({M, in}, DType::f64), dw = zeros({out, in}, DType::f64);
        const Tensor dy = random_tensor(y.shape(), 77, 0.5, 1.5);  // as outcome's
        for (std::int64_t m = 0; m < M; ++m)
          for (std::int64_t o = 0; o < out; ++o) {
            double sum = b.data<double>()[o];
            const double slope = dy.data<double>()[m * out + o];
            for (std::int64_t i = 0; i < in; ++i) {
              sum += x.data<double>()[m * in + i] * w.data<double>()[o * in + i];
              dx.data<double>()[m * in + i] += slope * w.data<double>()[o * in + i];
              dw.data<double>()[o * in + i] += slope * x.data<double>()[m * in + i];
            }
            y.data<double>()[m * out + o] = sum;
          }
        check_near(wide.y, {y}, 1e-12, name);
        check_near({wide.dx[0], wide.dx[1]}, {dx, dw}, 1e-12, name + ", gradient");
        check_near(single.y, wide.y, 1e-5, name + ", f32");
        check_near(single.dx, wide.dx, 1e-5, name + ", f32, gradient");
      }
  prove_threads("rows in threads", run, {random_tensor({150, 70}, 1), random_tensor({130, 70}, 2)});
  prove_threads("outputs in threads", run, {random_tensor({2, 1500}, 1), random_tensor({130, 1500}, 2)});
}

TEST_CASE("linear: one variable in two places") {
  prove("rows and weight", [](const Variables& v) -> Variables { return {linear(v[0], v[0])}; },
        {random_tensor({3, 4}, 1)});
  prove("weight twice", [](const Variables& v) -> Variables { return {linear(linear(v[0], v[1]), v[1])}; },
        {random_tensor({2, 3}, 1), random_tensor({3, 3}, 2)});
}

TEST_CASE("linear: sizes of zero") {
  const auto check = [](const Shape& x, std::int64_t out) {
    const std::int64_t in = x[-1];
    const Tensors inputs{random_tensor(x, 1), random_tensor({out, in}, 2), random_tensor({out}, 3)};
    INFO(concat(x), " to ", out);
    const Outcome got = outcome(run, inputs);
    for (std::int64_t i = 0; i < got.y[0].numel(); ++i)
      CHECK(got.y[0].data<double>()[i] == inputs[2].data<double>()[i % out]);
    CHECK(identical(got.dx[0], zeros(x, DType::f64)));
    CHECK(identical(got.dx[1], zeros({out, in}, DType::f64)));
    if (got.y[0].numel() == 0) CHECK(identical(got.dx[2], zeros({out}, DType::f64)));
    CHECK(outcome(run, {inputs[0], inputs[1]}).y[0].numel() == got.y[0].numel());
  };
  check({0, 3}, 4);
  check({0, 2, 3}, 4);
  check({4, 3}, 0);  // the gradient of x is a sum of nothing
  check({2, 5, 3}, 0);
  check({5, 0}, 4);  // the bias alone
  check({0, 0}, 0);
  const Outcome bare = outcome(run, {random_tensor({5, 0}, 1), random_tensor({4, 0}, 2)});
  CHECK(identical(bare.y[0], zeros({5, 4}, DType::f64)));
}

TEST_CASE("linear: NaN stays in its row, a view is read from where it begins") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Tensor x = random_tensor({7, 9}, 1);
    x.data<double>()[3 * 9 + 4] = std::nan("");
    const Tensor w = random_tensor({5, 9}, 2);
    const Tensor y = linear(x.to(dtype), w.to(dtype)).value().to(DType::f64);
    for (std::int64_t i = 0; i < y.numel(); ++i) CHECK(std::isnan(y.data<double>()[i]) == (i / 5 == 3));
    const Tensor part = linear(x.to(dtype).rows(4, 6), w.to(dtype).rows(2, 4)).value().to(DType::f64);
    for (std::int64_t i = 0; i < 4; ++i)
      CHECK(part.data<double>()[i] ==
            doctest::Approx(y.data<double>()[(4 + i / 2) * 5 + 2 + i % 2]).epsilon(1e-5));
  }
}

TEST_CASE("linear: misuse") {
  const Variable x = zeros({2, 3}), w = zeros({4, 3});
  CHECK(refusal([&] {
          linear(x, zeros({4, 5}));
        }) == "[linear] x has shape (2, 3), but w (4, 5) expects 5 features");
  CHECK(refusal([&] { linear(zeros({}), w); }) == "[linear] x has shape (), but w (4, 3) expects 3 features");
  CHECK(refusal([&] { linear(x, zeros({3})); }) == "[linear] w has shape (3,), (O, I) is needed");
  CHECK(refusal([&] { linear(x, w, zeros({3})); }) == "[linear] b has shape (3,) for w (4, 3)");
  CHECK(refusal([&] { linear(x, zeros({4, 3}, DType::f64)); }) == "[linear] x is f32, w f64");
  CHECK(refusal([&] { linear(x, w, zeros({4}, DType::f64)); }) == "[linear] x is f32, w f32, b f64");
  CHECK(refusal([&] {
          linear(zeros({2, 3}, DType::i64), zeros({4, 3}, DType::i64));
        }) == "[linear] i64 is not a floating type, f32 or f64 is needed");
}
