// tests/op/arithmetic_test.cpp: add, sub, mul with broadcasting; sum, mean
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

Variables added(const Variables& v) { return {v[0] + v[1]}; }
Variables subtracted(const Variables& v) { return {v[0] - v[1]}; }
Variables multiplied(const Variables& v) { return {v[0] * v[1]}; }

// Element `i` of y's shape, of an array that broadcasts to it.
double element(const Tensor& x, const Shape& y, std::int64_t i) {
  std::int64_t offset = 0, stride = 1;
  for (int axis = y.rank() - 1; axis >= 0; --axis) {
    const int own = axis - (y.rank() - x.rank());
    const std::int64_t at = i % y[axis];
    i /= y[axis];
    if (own < 0) continue;
    if (x.size(own) != 1) offset += at * stride;
    stride *= x.size(own);
  }
  return x.data<double>()[offset];
}

}  // namespace

TEST_CASE("arithmetic: broadcasting, values and gradients") {
  struct Pair {
    Shape a, b, y;
  };
  const std::vector<Pair> pairs{{{}, {}, {}},
                                {{1}, {}, {1}},
                                {{7}, {7}, {7}},
                                {{5}, {1}, {5}},
                                {{3, 5}, {5}, {3, 5}},
                                {{3, 5}, {3, 1}, {3, 5}},
                                {{3, 1}, {5}, {3, 5}},
                                {{3, 1}, {1, 5}, {3, 5}},
                                {{2, 3, 5}, {3, 1}, {2, 3, 5}},
                                {{2, 1, 5}, {1, 3, 1}, {2, 3, 5}},
                                {{2, 1, 3, 1}, {4, 1, 5}, {2, 4, 3, 5}},
                                {{1, 1, 1, 1}, {}, {1, 1, 1, 1}}};
  std::uint64_t seed = 0;
  for (const auto& [left, right, both] : pairs)
    for (const bool turned : {false, true}) {
      const Tensor a = random_tensor(turned ? right : left, ++seed),
                   b = random_tensor(turned ? left : right, ++seed);
      const auto name = concat(a.shape(), " and ", b.shape());
      REQUIRE(broadcast_shape("test", a.shape(), b.shape()) == both);
      prove(name + " add", added, {a, b});
      prove(name + " sub", subtracted, {a, b});
      prove(name + " mul", multiplied, {a, b});
      const Tensor s = add(a, b).value(), d = sub(a, b).value(), p = mul(a, b).value();
      for (std::int64_t i = 0; i < both.numel(); ++i) {
        const double x = element(a, both, i), y = element(b, both, i);
        CHECK(s.data<double>()[i] == x + y);
        CHECK(d.data<double>()[i] == x - y);
        CHECK(p.data<double>()[i] == x * y);
      }
    }
}

TEST_CASE("arithmetic: random shapes that broadcast, of no element, of one, of vectors and a rest") {
  Generator generator(17);
  const std::int64_t extents[] = {0, 1, 1, 2, 3, 5, 16, 19};
  for (int i = 0; i < 150; ++i) {
    Shape left, right;
    const auto rank = static_cast<int>(generator.below(5)), shorter = static_cast<int>(generator.below(5));
    for (int axis = 0; axis < rank; ++axis) {
      const std::int64_t extent = extents[generator.below(8)];
      left.append(generator.below(4) ? extent : 1);
      if (axis >= rank - shorter) right.append(generator.below(4) ? extent : 1);
    }
    if (i % 2) std::swap(left, right);
    const auto name = concat(left, " and ", right);
    const Tensor a = random_tensor(left, static_cast<std::uint64_t>(2 * i)),
                 b = random_tensor(right, static_cast<std::uint64_t>(2 * i + 1));
    const Shape both = broadcast_shape("test", left, right);
    const Outcome sum = outcome(added, {a, b}), difference = outcome(subtracted, {a, b}),
                  product = outcome(multiplied, {a, b});
    // The gradient of an operand is the sum over what it was repeated for.
    const auto adjoint = [&](const Shape& shape, const std::function<double(std::int64_t)>& term) {
      Tensor index(shape, DType::f64), total = zeros(shape, DType::f64);
      for (std::int64_t k = 0; k < shape.numel(); ++k) index.data<double>()[k] = static_cast<double>(k);
      for (std::int64_t k = 0; k < both.numel(); ++k)
        total.data<double>()[static_cast<std::int64_t>(element(index, both, k))] += term(k);
      return total;
    };
    const Tensor dy = random_tensor(both, 77, 0.5, 1.5);
    const auto upstream = [&](std::int64_t k) { return dy.data<double>()[k]; };
    check_near(sum.dx, {adjoint(left, upstream), adjoint(right, upstream)}, 1e-13, name + " add");
    check_near(difference.dx,
               {adjoint(left, upstream), adjoint(right, [&](std::int64_t k) { return -upstream(k); })}, 1e-13,
               name + " sub");
    check_near(product.dx,
               {adjoint(left, [&](std::int64_t k) { return upstream(k) * element(b, both, k); }),
                adjoint(right, [&](std::int64_t k) { return upstream(k) * element(a, both, k); })},
               1e-13, name + " mul");
    std::int64_t wrong = 0;
    for (std::int64_t k = 0; k < both.numel(); ++k) {
      const double x = element(a, both, k), y = element(b, both, k);
      wrong += sum.y[0].data<double>()[k] != x + y;
      wrong += difference.y[0].data<double>()[k] != x - y;
      wrong += product.y[0].data<double>()[k] != x * y;
    }
    CHECK_MESSAGE(wrong == 0, name);
    CHECK_MESSAGE(sum.y[0].shape() == both, name);
  }
}

TEST_CASE("arithmetic: elements in several threads") {
  const Tensor a = random_tensor({50'003, 2}, 1), b = random_tensor({50'003, 2}, 2),
               c = random_tensor({2}, 3);
  prove_threads("mul", multiplied, {a, b});
  prove_threads("mul broadcast", multiplied, {a, c});
  prove_threads("add broadcast", added, {c, a});
  prove_threads("sum",
                [](const Variables& v) -> Variables {
                  return {sum(v[0]), mean(v[0]), 3 * v[0]};
                },
                {a});
}

TEST_CASE("arithmetic: one variable in two places") {
  const Tensor x = random_tensor({3, 4}, 1);
  const auto twice = [&](const char* name, Variables (*f)(const Variables&)) {
    prove(name, [f](const Variables& v) -> Variables { return f({v[0], v[0]}); }, {x});
  };
  twice("add", added);
  twice("sub", subtracted);
  twice("mul", multiplied);
  const Variable v(Tensor::of<double>({2}, {3, -4}), true);
  sum(v + v).backward();
  CHECK(identical(v.grad(), Tensor::of<double>({2}, {2, 2})));
  sum(v * v).backward();  // gradients add up
  CHECK(identical(v.grad(), Tensor::of<double>({2}, {8, -6})));
  sum(v - v).backward();
  CHECK(identical(v.grad(), Tensor::of<double>({2}, {8, -6})));
}

TEST_CASE("arithmetic: the operands of add do not come to share one gradient") {
  const Variable a(Tensor::of<double>({2}, {1, 2}), true), b(Tensor::of<double>({2}, {3, 4}), true);
  sum(a + b).backward();
  sum(5 * a).backward();
  CHECK(identical(a.grad(), Tensor::of<double>({2}, {6, 6})));
  CHECK(identical(b.grad(), Tensor::of<double>({2}, {1, 1})));
}

TEST_CASE("arithmetic: scaling and negation") {
  const Tensor x = random_tensor({3, 5}, 6);
  prove("factor",
        [](const Variables& v) -> Variables {
          return {-2.5 * v[0], mul(v[0], 0.125), -v[0]};
        },
        {x});
  const Tensor y = (-Variable(x)).value(), z = (-2.5 * Variable(x)).value();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    CHECK(y.data<double>()[i] == -x.data<double>()[i]);
    CHECK(z.data<double>()[i] == -2.5 * x.data<double>()[i]);
  }
}

TEST_CASE("arithmetic: with a number on either side") {
  const Tensor x = random_tensor({3, 5}, 7);
  prove("a number",
        [](const Variables& v) -> Variables {
          return {v[0] + 1.5, 1.5 + v[0], v[0] - 2, 2 - v[0], v[0] * 3, v[0] / 8};
        },
        {x});
  const Variable v = x;
  for (const auto& [y, expected] : std::vector<std::pair<Variable, std::function<double(double)>>>{
           {v + 1.5, [](double e) { return e + 1.5; }},
           {1.5 + v, [](double e) { return e + 1.5; }},
           {v - 2, [](double e) { return e - 2; }},
           {2 - v, [](double e) { return 2 - e; }},
           {v * 3, [](double e) { return e * 3; }},
           {v / 8, [](double e) { return e / 8; }}})
    for (std::int64_t i = 0; i < x.numel(); ++i)
      CHECK(y.value().data<double>()[i] == expected(x.data<double>()[i]));
  CHECK((Variable(ones({2})) + 1).dtype() == DType::f32);
  CHECK((zeros({0, 3}) + 1).shape() == Shape{0, 3});
  CHECK(refusal([&] { Variable(zeros({2}, DType::i64)) + 1; }) ==
        "[arithmetic] i64 is not a floating type, f32 or f64 is needed");
}

TEST_CASE("arithmetic: sum and mean") {
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{13}, Shape{3, 5}, Shape{2, 3, 5, 2}}) {
    const Tensor x = random_tensor(shape, 3);
    prove(concat("sum of ", shape), [](const Variables& v) -> Variables { return {sum(v[0])}; }, {x});
    prove(concat("mean of ", shape), [](const Variables& v) -> Variables { return {mean(v[0])}; }, {x});
    double total = 0;
    for (const double value : x.values<double>()) total += value;
    CHECK(sum(x).value().item() == doctest::Approx(total));
    CHECK(mean(x).value().item() == doctest::Approx(total / static_cast<double>(x.numel())));
    CHECK(sum(x).shape() == Shape{});
  }
  // In f32 a running sum would stop at 2^24.
  CHECK(sum(ones({20'000'000})).value().item() == 20'000'000);
}

TEST_CASE("arithmetic: no elements") {
  const Variable none(zeros({0, 3}, DType::f64), true), row(ones({3}, DType::f64), true),
      column(ones({1, 3}, DType::f64), true);
  for (const Variable& other : {row, column}) {
    const Variable y = none * other;
    CHECK(y.shape() == Shape{0, 3});
    sum(y).backward();
    CHECK(identical(other.grad(), zeros(other.shape(), DType::f64)));
  }
  CHECK(none.grad().shape() == Shape{0, 3});
  CHECK(sum(none).value().item() == 0);
  CHECK(std::isnan(mean(none).value().item()));
}

TEST_CASE("arithmetic: NaN and infinity") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor a = Tensor::of<double>({4}, {nan, inf, -inf, 0}).to(dtype),
                 b = Tensor::of<double>({4}, {1, -inf, -inf, inf}).to(dtype);
    CHECK(deviation(add(a, b).value(), Tensor::of<double>({4}, {nan, nan, -inf, inf})) == 0);
    CHECK(deviation(sub(a, b).value(), Tensor::of<double>({4}, {nan, inf, nan, -inf})) == 0);
    CHECK(deviation(mul(a, b).value(), Tensor::of<double>({4}, {nan, -inf, inf, nan})) == 0);
    CHECK(std::isnan(sum(a).value().item()));
    CHECK(sum(a.rows(1, 2)).value().item() == inf);
  }
}

TEST_CASE("arithmetic: misuse") {
  const Variable a = zeros({2, 3});
  CHECK(refusal([&] { add(a, zeros({2})); }) == "[add] shapes (2, 3) and (2,) do not broadcast");
  CHECK(refusal([&] { sub(zeros({4}), a); }) == "[sub] shapes (4,) and (2, 3) do not broadcast");
  CHECK(refusal([&] { mul(a, zeros({0})); }) == "[mul] shapes (2, 3) and (0,) do not broadcast");
  CHECK(refusal([&] { add(a, zeros({2, 3}, DType::f64)); }) == "[add] operands are f32 and f64");
  CHECK(refusal([&] { add(zeros({2}, DType::i64), zeros({2}, DType::i64)); }) ==
        "[arithmetic] i64 is not a floating type, f32 or f64 is needed");
  CHECK(refusal([&] { sum(zeros({2}, DType::i64)); }) ==
        "[arithmetic] i64 is not a floating type, f32 or f64 is needed");
  CHECK(refusal([&] { mul(zeros({2}, DType::i64), 2.0); }) ==
        "[scale] i64 is not a floating type, f32 or f64 is needed");
  CHECK(refusal([&] { add(a, {}); }) == "[variable] used before it was given a value");
}
