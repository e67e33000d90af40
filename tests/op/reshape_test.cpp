// tests/op/reshape_test.cpp: another shape over the same elements
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/reshape.hpp>
#include <op/support.hpp>

using namespace cordis;

TEST_CASE("reshape: same elements, gradient in the old shape") {
  const Tensor x = random_tensor({2, 3, 5}, 1);
  for (const Shape& shape : {Shape{30}, Shape{6, 5}, Shape{5, 3, 2}, Shape{1, 30, 1, 1}, Shape{2, 3, 5}}) {
    prove(concat(shape), [&](const Variables& v) -> Variables { return {reshape(v[0], shape)}; }, {x});
    const Variable y = reshape(x, shape);
    CHECK(y.shape() == shape);
    CHECK(y.value().raw() == x.raw());
  }
  prove("scalar", [](const Variables& v) -> Variables { return {reshape(v[0], {})}; },
        {random_tensor({1, 1}, 2)});
  CHECK(reshape(zeros({0, 3}), {5, 0}).shape() == Shape{5, 0});
  CHECK(reshape(zeros({2, 3}, DType::i64), {3, 2}).dtype() == DType::i64);
}

TEST_CASE("reshape: flatten keeps the batch axis") {
  struct Pair {
    Shape from, to;
  };
  for (const auto& [from, to] : std::vector<Pair>{{{2, 3, 5}, {2, 15}},
                                                  {{7}, {7, 1}},
                                                  {{3, 4}, {3, 4}},
                                                  {{1, 2, 3, 4}, {1, 24}},
                                                  {{3, 1, 1}, {3, 1}}}) {
    CHECK(flatten(zeros(from)).shape() == to);
    prove(concat(from), [](const Variables& v) -> Variables { return {flatten(v[0])}; },
          {random_tensor(from, 3)});
  }
  CHECK(flatten(zeros({0, 3, 4})).shape() == Shape{0, 12});
  CHECK(flatten(zeros({3, 0, 4})).shape() == Shape{3, 0});
}

TEST_CASE("reshape: one variable in two places") {
  prove("outer product of a vector with itself",
        [](const Variables& v) -> Variables {
          return {reshape(v[0], {5, 1}) * reshape(v[0], {1, 5}) + v[0]};
        },
        {random_tensor({5}, 4)});
}

TEST_CASE("reshape: misuse") {
  CHECK(refusal([] { reshape(zeros({2, 3}), {4, 2}); }) == "[reshape] (2, 3) has 6 elements, (4, 2) has 8");
  CHECK(refusal([] { reshape(zeros({2, 3}), {}); }) == "[reshape] (2, 3) has 6 elements, () has 1");
  CHECK(refusal([] { flatten(zeros({})); }) == "[flatten] a scalar has no batch axis");
}
