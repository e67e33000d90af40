// tests/op/rows_test.cpp: ranges of the first axis, taken and put together
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/rows.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {
Variables joined(const Variables& v) { return {concatenate_rows(v)}; }
}  // namespace

TEST_CASE("rows: any range of any shape") {
  for (const Shape& shape : {Shape{5}, Shape{4, 3}, Shape{3, 2, 5}, Shape{3, 1, 2, 2}})
    for (std::int64_t begin = 0; begin <= shape[0]; ++begin)
      for (std::int64_t end = begin; end <= shape[0]; ++end) {
        const Tensor x = random_tensor(shape, 1);
        const Op op = [=](const Variables& v) -> Variables { return {rows(v[0], begin, end)}; };
        if (begin < end) prove(concat(shape, ' ', begin, " to ", end), op, {x});
        const std::int64_t row = shape.numel() / shape[0];
        const Outcome got = outcome(op, {x});
        REQUIRE(got.y[0].numel() == (end - begin) * row);
        REQUIRE(got.y[0].rank() == shape.rank());
        for (std::int64_t i = 0; i < got.y[0].numel(); ++i)
          CHECK(got.y[0].data<double>()[i] == x.data<double>()[begin * row + i]);
        for (std::int64_t i = 0; i < x.numel(); ++i)
          CHECK((got.dx[0].data<double>()[i] != 0) == (i >= begin * row && i < end * row));
        CHECK(rows(x, begin, end).value().raw() == x.data<double>() + begin * row);  // no copy
      }
}

TEST_CASE("rows: put together") {
  const Tensor a = random_tensor({2, 3}, 1), b = random_tensor({1, 3}, 2), c = random_tensor({4, 3}, 3);
  prove("three", joined, {a, b, c});
  prove("one", joined, {a});
  prove("no other axis", joined, {random_tensor({2}, 4), random_tensor({5}, 5)});
  const Tensor y = concatenate_rows({a, b, c}).value();
  CHECK(y.shape() == Shape{7, 3});
  CHECK(identical(y.rows(0, 2).clone(), a));
  CHECK(identical(y.rows(2, 3).clone(), b));
  CHECK(identical(y.rows(3, 7).clone(), c));
  const Outcome empty = outcome(joined, {a, zeros({0, 3}, DType::f64), b});
  CHECK(empty.y[0].shape() == Shape{3, 3});
  CHECK(empty.dx[1].shape() == Shape{0, 3});
  CHECK(concatenate_rows({zeros({2}, DType::i64), ones({1}, DType::i64)}).value().values<std::int64_t>()[2] ==
        1);
}

TEST_CASE("rows: one variable in two places, ranges that overlap") {
  const Tensor x = random_tensor({5, 2}, 1);
  prove("itself below itself",
        [](const Variables& v) -> Variables {
          return {concatenate_rows({v[0], v[0]})};
        },
        {x});
  prove("overlap", [](const Variables& v) -> Variables { return {rows(v[0], 0, 3) * rows(v[0], 2, 5)}; },
        {x});
  prove("turned round",
        [](const Variables& v) -> Variables {
          return {concatenate_rows({rows(v[0], 3, 5), rows(v[0], 0, 3)}) * v[0]};
        },
        {x});
}

TEST_CASE("rows: gradients of parts do not come to share memory") {
  const Variable a(zeros({2}, DType::f64), true), b(zeros({2}, DType::f64), true);
  for (int pass = 0; pass < 2; ++pass)
    backward({concatenate_rows({a, b})}, {Tensor::of<double>({4}, {1, 2, 3, 4})});
  CHECK(identical(a.grad(), Tensor::of<double>({2}, {2, 4})));
  CHECK(identical(b.grad().clone(), Tensor::of<double>({2}, {6, 8})));
}

TEST_CASE("rows: misuse") {
  const Variable x = zeros({3, 2});
  CHECK(says(refusal([] {
               concatenate_rows(Variables(20, Variable(zeros({INT64_MAX / 8, 0}))));
             }),
             {"[shape]", "overflow"}));
  CHECK(refusal([&] { rows(x, 2, 1); }) == "[rows] range 2 to 1 of shape (3, 2)");
  CHECK(refusal([&] { rows(x, -1, 1); }) == "[rows] range -1 to 1 of shape (3, 2)");
  CHECK(refusal([&] { rows(x, 0, 4); }) == "[rows] range 0 to 4 of shape (3, 2)");
  CHECK(refusal([&] { rows(zeros({}), 0, 0); }) == "[rows] range 0 to 0 of shape ()");
  CHECK(refusal([&] { concatenate_rows({}); }) == "[concatenate_rows] nothing to put together");
  CHECK(refusal([&] { concatenate_rows({zeros({})}); }) == "[concatenate_rows] nothing to put together");
  CHECK(refusal([&] { concatenate_rows({x, zeros({3, 4})}); }) == "[concatenate_rows] (3, 4) beside (3, 2)");
  CHECK(refusal([&] {
          concatenate_rows({x, zeros({3})});
        }) == "[concatenate_rows] f32 (3,) beside f32 (3, 2)");
  CHECK(refusal([&] {
          concatenate_rows({x, zeros({3, 2}, DType::f64)});
        }) == "[concatenate_rows] f64 (3, 2) beside f32 (3, 2)");
}
