// tests/op/sequence_test.cpp: the final state of each direction
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/sequence.hpp>
#include <op/support.hpp>

using namespace cordis;

TEST_CASE("sequence: the last sample of the first direction, the first of the second") {
  std::uint64_t seed = 0;
  for (const std::int64_t directions : {1, 2})
    for (const Shape& shape : {Shape{1, 1, 2}, Shape{3, 5, 4}, Shape{2, 7, 10}, Shape{5, 1, 6}}) {
      const Tensor x = random_tensor(shape, ++seed);
      prove(concat(shape, ", ", directions, " directions"),
            [=](const Variables& v) -> Variables { return {last_state(v[0], directions)}; }, {x});
      const Tensor y = last_state(x, directions).value();
      const std::int64_t L = shape[1], C = shape[2], H = C / directions;
      REQUIRE(y.shape() == Shape{shape[0], C});
      for (std::int64_t i = 0; i < y.numel(); ++i) {
        const std::int64_t n = i / C, c = i % C, t = c < H ? L - 1 : 0;
        CHECK(y.data<double>()[i] == x.data<double>()[(n * L + t) * C + c]);
      }
    }
  CHECK(identical(last_state(random_tensor({2, 3, 5}, 1)).value(),
                  last_state(random_tensor({2, 3, 5}, 1), 1).value()));
}

TEST_CASE("sequence: one variable in two places, no records") {
  prove("both ways",
        [](const Variables& v) -> Variables { return {last_state(v[0], 2) * last_state(v[0], 1)}; },
        {random_tensor({3, 4, 2}, 1)});
  const Outcome none = outcome([](const Variables& v) -> Variables { return {last_state(v[0], 2)}; },
                               {zeros({0, 4, 6}, DType::f64)});
  CHECK(none.y[0].shape() == Shape{0, 6});
  CHECK(none.dx[0].shape() == Shape{0, 4, 6});
}

TEST_CASE("sequence: misuse") {
  CHECK(refusal([] { last_state(zeros({2, 3, 4}), 3); }) == "[last_state] 3 directions, 1 or 2 are possible");
  CHECK(refusal([] { last_state(zeros({2, 3, 4}), 0); }) == "[last_state] 0 directions, 1 or 2 are possible");
  CHECK(refusal([] {
          last_state(zeros({2, 3, 5}), 2);
        }) == "[last_state] x has shape (2, 3, 5), (N, L, 2 H) with L > 0 is needed");
  CHECK(refusal([] {
          last_state(zeros({2, 0, 4}));
        }) == "[last_state] x has shape (2, 0, 4), (N, L, 1 H) with L > 0 is needed");
  CHECK(refusal([] {
          last_state(zeros({2, 4}));
        }) == "[last_state] x has shape (2, 4), (N, L, 1 H) with L > 0 is needed");
}
