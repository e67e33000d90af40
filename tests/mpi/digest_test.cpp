// tests/mpi/digest_test.cpp: nets that have drifted apart are found out, on every rank
#include <cordis/mpi/data_parallel.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/op/loss.hpp>

#include "refusal.hpp"
#include "support.hpp"

using namespace cordis;

namespace {

struct PairOfLayers {
  Linear first{3, 4}, second{4, 2};
  static void visit(auto& m, auto&& f) { f("first", m.first), f("second", m.second); }
};

Variable loss_of(const PairOfLayers& net) {
  return bce_with_logits(net.second(net.first(Variable(ones({2, 3})))), Variable(zeros({2, 2})));
}
// The weight's last bit on one rank, so far.
void nudge(Variable& v, int rank) {
  if (world().rank() != rank) return;
  float& x = v.value().data<float>()[1];
  x = std::nextafter(x, 10.0F);
}
bool alone() { return world().size() == 1; }

}  // namespace

TEST_CASE("digest: every bit counts, and so does the length") {
  std::vector<unsigned char> bytes(40, 0);
  std::vector<std::uint64_t> seen;
  for (std::size_t n = 0; n <= bytes.size(); ++n) seen.push_back(detail::digest(bytes.data(), n));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    seen.push_back(detail::digest(bytes.data(), bytes.size()));
    bytes[bit / 8] = 0;
  }
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
}

TEST_CASE("digest: one bit of one parameter on one rank is named, with the ranks, on all") {
  PairOfLayers net;
  DataParallel parallel(net, world(), {.check_every = 2});
  parallel.check();
  nudge(net.second.weight, world().size() - 1);
  const std::string text = refusal<RanksDiffer>([&] { parallel.check(); });
  CHECK(text.empty() == alone());
  if (alone()) return;
  CHECK(says(text, {"[DataParallel] after 0 backwards: \"second.weight\" f32 (2, 4) is one thing on rank",
                    ", another on rank ", "1 of 4 parameters"}));
  CHECK(says(text, {world().size() == 2 ? "on rank 0, another on rank 1;" : "on ranks 0"}));
  if (world().size() == 3) CHECK(says(text, {"on ranks 0 and 1, another on rank 2;"}));
  // Steps go unnoticed until the next comparison.
  CHECK(refusal<RanksDiffer>([&] { parallel.backward(loss_of(net), 2); }).empty());
  nudge(net.first.bias, 1);
  CHECK(refusal<RanksDiffer>([&] { parallel.backward(loss_of(net), 2); }).empty());
  CHECK(says(refusal<RanksDiffer>([&] { parallel.backward(loss_of(net), 2); }),
             {"after 2 backwards: \"first.bias\" f32 (4,)", "2 of 4 parameters"}));
}

TEST_CASE("digest: other nets, and other frozen parameters, are refused on every rank") {
  if (alone()) return;
  PairOfLayers net;
  if (world().rank() == 1) net.second = Linear(4, 3);
  CHECK(says(refusal<RanksDiffer>([&] { DataParallel(net, world()); }),
             {"[DataParallel] rank 1 has another net"}));
  PairOfLayers same;
  DataParallel parallel(same, world());
  if (world().rank() == 1) requires_grad(same.first, false);
  CHECK(says(refusal<RanksDiffer>([&] { parallel.backward(loss_of(same), 2); }),
             {"[DataParallel] rank 1 wants gradients of other parameters"}));
}
