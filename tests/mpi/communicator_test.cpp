// tests/mpi/communicator_test.cpp: collectives of every element type, several at once, and what they refuse
#include <cordis/mpi/communicator.hpp>

#include "refusal.hpp"
#include "support.hpp"

using namespace cordis;

TEST_CASE("communicator: sums of every element type and size are the same bits on all ranks") {
  const int R = world().size(), r = world().rank();
  for (const DType dtype : {DType::f32, DType::f64, DType::i64})
    for (const std::int64_t n : {0, 1, 3, 1000, 100'000}) {
      CAPTURE(name_of(dtype));
      CAPTURE(n);
      Tensor x({n}, DType::f64);
      for (std::int64_t i = 0; i < n; ++i) x.data<double>()[i] = static_cast<double>(i % 97 * (r + 1));
      x = x.to(dtype);
      world().all_reduce_sum(x);
      bool right = true;
      const Tensor wide = x.to(DType::f64);
      for (std::int64_t i = 0; i < n; ++i)
        right = right && wide.data<double>()[i] == static_cast<double>(i % 97 * (R * (R + 1) / 2));
      CHECK(right);
    }
  Generator generator(3, static_cast<std::uint64_t>(r));
  Tensor rough({4099}, DType::f32);
  fill_uniform(rough, -1, 1, generator);
  const Tensor again = rough.clone();
  world().all_reduce_sum(rough);
  world().all_reduce_sum(again);
  CHECK(std::memcmp(rough.raw(), again.raw(), rough.bytes()) == 0);
  const Tensor all = world().all_gather(rough);
  for (int other = 0; other < R; ++other)
    CHECK(std::memcmp(all.rows(other, other + 1).raw(), rough.raw(), rough.bytes()) == 0);
}

TEST_CASE("communicator: broadcasts come from any rank, gathers in the ranks' order") {
  const int R = world().size(), r = world().rank();
  for (int root = 0; root < R; ++root) {
    const Tensor x = full({2, 3}, r, DType::f64);
    world().broadcast(x, root);
    CHECK(apart(x, full({2, 3}, root, DType::f64)) == 0);
  }
  const Tensor all = world().all_gather(full({2, 3}, r, DType::f32));
  REQUIRE(all.shape() == Shape{R, 2, 3});
  for (int other = 0; other < R; ++other)
    CHECK(apart(all.rows(other, other + 1), full({1, 2, 3}, other)) == 0);
  CHECK(world().all_gather(Tensor::scalar<std::int64_t>(r)).shape() == Shape{R});
}

TEST_CASE("communicator: several at once, ended in another order; groups do not meet") {
  const int R = world().size();
  const Communicator other = world().duplicate();
  const Tensor a = ones({50'000}, DType::f64), b = ones({7}, DType::f32), c = ones({3}, DType::i64);
  Pending first = world().start_all_reduce_sum(a), second = other.start_all_reduce_sum(b),
          third = world().start_broadcast(c);
  third.wait();
  while (!second.done()) {
  }
  first.wait();
  first.wait();  // is through
  CHECK(apart(a, full({50'000}, R, DType::f64)) == 0);
  CHECK(apart(b, full({7}, R)) == 0);
  CHECK(Pending().done());
  world().barrier();
}

TEST_CASE("communicator: misuse is refused") {
  CHECK(says(refusal([] { world().all_reduce_sum({}, "loss"); }), {"[Communicator] loss", "undefined"}));
  CHECK(
      says(refusal([] { world().broadcast(ones({1}), 99); }), {"[Communicator] broadcast from rank 99 of "}));
  CHECK(says(refusal([] { Communicator(MPI_COMM_SELF, {.deadline = std::chrono::seconds(0)}); }),
             {"[Communicator] a deadline of 0 ms"}));
}

TEST_CASE("communicator: what MPI refuses names the call and has MPI's text") {
  if (world().rank() == 0)
    CHECK(says(refusal<MpiError>([] { detail::mpi_check(MPI_ERR_TRUNCATE, "MPI_Recv", "x"); }),
               {"[MPI_Recv] x: ", "MPI_ERR_TRUNCATE"}));
  detail::mpi_broken() = false;
}
