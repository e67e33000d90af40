// tests/data/dataset_test.cpp: rows gathered and datasets joined, for every element type and shape
#include <doctest/doctest.h>

#include <cordis/data/dataset.hpp>

#include "refusal.hpp"

using namespace cordis;
using Indices = std::vector<std::int64_t>;

namespace {

// Element i is i, plus `first`.
Tensor numbered(const Shape& shape, DType dtype, int first = 0) {
  Tensor x(shape, dtype);
  dispatch_all(dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < x.numel(); ++i) x.data<T>()[i] = static_cast<T>(first + i);
  });
  return x;
}

std::vector<double> numbers(const Tensor& x) {
  const Tensor wide = x.to(DType::f64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

}  // namespace

TEST_CASE("dataset: gathered rows stand in the order asked for, whatever the type and shape") {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64})
    for (const Shape& shape : {Shape{5}, Shape{5, 1}, Shape{5, 3}, Shape{5, 7, 2}, Shape{5, 2, 3, 4}}) {
      CAPTURE(shape);
      const Tensor x = numbered(shape, dtype, 100);
      const std::int64_t row = x.numel() / 5;
      const Indices indices{4, 0, 4, 2, 2, 2, 1};  // 3 is left out
      const Tensor rows = gather_rows(x, indices);
      REQUIRE(rows.rank() == x.rank());
      REQUIRE(rows.size(0) == 7);
      REQUIRE(rows.numel() == 7 * row);
      REQUIRE(rows.dtype() == dtype);
      const auto got = numbers(rows);
      for (std::int64_t i = 0; i < rows.numel(); ++i) {
        const auto wanted = 100 + indices[static_cast<std::size_t>(i / row)] * row + i % row;
        CHECK(got[static_cast<std::size_t>(i)] == static_cast<double>(wanted));
      }
      CHECK(gather_rows(x, Indices{}).numel() == 0);
    }
  // Rows without elements, and none of none.
  CHECK(gather_rows(Tensor({3, 0}), Indices{2, 0}).shape() == Shape{2, 0});
  CHECK(gather_rows(Tensor({0, 4}), Indices{}).shape() == Shape{0, 4});
}

TEST_CASE("dataset: gathered rows are copies, a copied dataset shares its elements") {
  const TensorDataset data{numbered({4, 2}, DType::f32), numbered({4}, DType::i64)};
  const TensorDataset part = data.subset({3, 1}), same = data;
  data.x.data<float>()[2] = -1;
  CHECK(numbers(part.x) == std::vector<double>{6, 7, 2, 3});
  CHECK(numbers(part.y) == std::vector<double>{3, 1});
  CHECK(same.x.data<float>()[2] == -1);
  const auto [x, y] = data.gather(Indices{1});
  CHECK(numbers(x) == std::vector<double>{-1, 3});
  CHECK(numbers(y) == std::vector<double>{1});
}

TEST_CASE("dataset: empty ones") {
  const TensorDataset nothing, no_rows{Tensor({0, 5, 2}), Tensor({0, 3})};
  CHECK(nothing.size() == 0);
  CHECK(no_rows.size() == 0);
  CHECK(!nothing.gather(Indices{}).x.defined());
  CHECK(nothing.subset({}).size() == 0);
  CHECK(no_rows.gather(Indices{}).x.shape() == Shape{0, 5, 2});
  CHECK(says(refusal([&] { nothing.subset({0}); }), {"[dataset]", "record 0 of 0"}));
}

TEST_CASE("dataset: joined, the records of the second follow those of the first") {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64}) {
    TensorDataset a{numbered({2, 3}, dtype), numbered({2}, DType::i64)},
        b{numbered({3, 3}, dtype, 6), numbered({3}, DType::i64, 2)};
    const TensorDataset both = concatenate(a, b);
    CHECK(both.size() == 5);
    CHECK(both.x.dtype() == dtype);
    CHECK(numbers(both.x) == numbers(numbered({15}, dtype)));
    CHECK(numbers(both.y) == std::vector<double>{0, 1, 2, 3, 4});
    a.x.fill(0);
    CHECK(numbers(both.x)[1] == 1);
  }
  const TensorDataset some{numbered({2, 3}, DType::f32), numbered({2, 1}, DType::f32)};
  for (const auto& joined :
       {concatenate(some, {}), concatenate({}, some), concatenate(some, {Tensor({0, 3}), Tensor({0, 1})}),
        concatenate({Tensor({0, 3}), Tensor({0, 1})}, some)}) {
    CHECK(numbers(joined.x) == numbers(some.x));
    CHECK(joined.y.shape() == Shape{2, 1});
  }
  CHECK(concatenate({}, {}).size() == 0);
}

TEST_CASE("dataset: misuse is refused") {
  const TensorDataset uneven{Tensor({3, 2}), Tensor({2})}, unlabelled{Tensor({3, 2}), {}},
      scalar{Tensor(Shape{}), Tensor(Shape{})};
  CHECK(says(refusal([&] { (void)uneven.size(); }), {"[dataset]", "x has shape (3, 2), y (2,)"}));
  CHECK(says(refusal([&] { (void)unlabelled.size(); }), {"[dataset]", "(3, 2)"}));
  CHECK(says(refusal([&] { (void)scalar.size(); }), {"[dataset]", "()"}));

  const TensorDataset data{ones({3, 2}), ones({3})};
  for (const std::int64_t index : {-1, 3})
    CHECK(says(refusal([&] { data.subset({0, index}); }), {"[dataset]", concat("record ", index, " of 3")}));
  for (const std::int64_t index : {-1, 3})
    CHECK(says(refusal([&] {
                 gather_rows(data.x, Indices{0, index});
               }),
               {"[gather_rows]", concat("row ", index), "(3, 2)"}));
  CHECK(says(refusal([] { gather_rows(Tensor{}, Indices{}); }), {"[gather_rows]", "()"}));
  CHECK(says(refusal([] { gather_rows(Tensor(Shape{}), Indices{}); }), {"[gather_rows]", "()"}));

  const TensorDataset wider{ones({3, 4}), ones({3})}, doubles{ones({3, 2}, DType::f64), ones({3})},
      labels{ones({3, 2}), ones({3, 1})};
  CHECK(says(refusal([&] { concatenate(data, wider); }), {"[concatenate] x", "f32 (3, 2)", "f32 (3, 4)"}));
  CHECK(says(refusal([&] { concatenate(data, doubles); }), {"[concatenate] x", "f32 (3, 2)", "f64 (3, 2)"}));
  CHECK(says(refusal([&] { concatenate(data, labels); }), {"[concatenate] y", "(3,)", "(3, 1)"}));
}
