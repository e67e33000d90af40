// tests/ecg/claims_test.cpp: verdicts on the study's claims, of made-up grids whose answer is known
#include <doctest/doctest.h>

#include <cordis/ecg/claims.hpp>

using namespace cordis;
using namespace cordis::ecg;

namespace {

GridGroup group(const std::string& model, double records, int size = 0, const std::string& data = "ludb") {
  return {.data = data,
          .upstream = "ptb-xl",
          .model = model,
          .head = "flatten",
          .size = size,
          .records = records,
          .transferred = model == "gru" ? 0.1 : 0.9,
          .recurrent = model == "gru",
          .convergence = {}};
}

// Draws around the observed differences, each off by at most `noise`.
GroupDraws around(const std::vector<double>& observed, double noise) {
  GroupDraws out{observed, {}};
  Generator generator(5);
  for (int b = 0; b < 400; ++b) {
    out.draws.push_back(observed);
    for (double& d : out.draws.back()) d += noise * (2 * generator.uniform() - 1);
  }
  return out;
}

Convergence pair(int random, int pretrained, int seed = 0, Metric metric = Metric::f1_weighted) {
  Convergence out;
  out.seed = seed;
  out.metric = metric;
  out.target = 0.5;
  out.random_epochs = random;
  out.pretrained_epochs = pretrained;
  return out;
}

const ClaimOptions kClaimOptions{.small = 1000, .resamples = 300};

}  // namespace

TEST_CASE("claims: nothing is said of what was not asked") {
  const auto claims = claims_of({}, around({}, 0), 20, kClaimOptions);
  REQUIRE(claims.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(claims[i].number == static_cast<int>(i + 1));
    CHECK(claims[i].verdict == ClaimVerdict::unasked);
    CHECK(!claims[i].reason.empty());
  }
}

TEST_CASE("claims: 1, small sets, by the groups that are small alone") {
  const std::vector<GridGroup> groups{group("resnet1d18", 120), group("resnet1d18", 5000, 0, "georgia")};
  CHECK(claims_of(groups, around({0.2, -0.5}, 0.1), 20, kClaimOptions)[0].verdict == ClaimVerdict::supported);
  CHECK(claims_of(groups, around({-0.2, 0.5}, 0.1), 20, kClaimOptions)[0].verdict ==
        ClaimVerdict::contradicted);
  CHECK(claims_of(groups, around({0.05, 0.5}, 0.1), 20, kClaimOptions)[0].verdict == ClaimVerdict::undecided);
  CHECK(claims_of(groups, around({0.2, -0.5}, 0.1), 20, kClaimOptions)[0].value.mean == doctest::Approx(0.2));
  const std::vector<GridGroup> border{group("resnet1d18", 1000), group("resnet1d18", 1001, 0, "georgia")};
  CHECK(claims_of(border, around({0.2, 0.6}, 0.1), 20, kClaimOptions)[0].value.mean == doctest::Approx(0.2));
}

TEST_CASE("claims: 2, the lead lost with each doubling, in a straight line over three sizes") {
  const std::vector<GridGroup> groups{group("resnet1d18", 400, 400), group("resnet1d18", 100, 100),
                                      group("resnet1d18", 200, 200), group("gru", 300)};
  const auto claim = claims_of(groups, around({0.1, 0.5, 0.3, 9}, 0.01), 20, kClaimOptions)[1];
  CHECK(claim.value.mean == doctest::Approx(0.2));
  CHECK(claim.verdict == ClaimVerdict::supported);
  CHECK(claim.reason.find("at the largest sizes (up to 400 records) the lead is +0.100") == 0);
  CHECK(claims_of(groups, around({0.5, 0.1, 0.3, 9}, 0.01), 20, kClaimOptions)[1].verdict ==
        ClaimVerdict::contradicted);
  CHECK(claims_of({groups[3]}, around({9}, 0.01), 20, kClaimOptions)[1].verdict == ClaimVerdict::unasked);
  // Sizes from different upstream sets are no series.
  auto other = groups[0];
  other.upstream = "china";
  CHECK(claims_of({other, groups[1]}, around({0.1, 0.5}, 0.01), 20, kClaimOptions)[1].verdict ==
        ClaimVerdict::unasked);
}

TEST_CASE("claims: 3, epochs to the level of random weights, in the metric asked for") {
  GridGroup one = group("resnet1d18", 100), other = group("gru", 100);
  one.convergence = {pair(16, 4), pair(16, 4, 1), pair(1, 20, 0, Metric::auroc)};
  other.convergence = {pair(8, 8), pair(8, 8, 1)};
  const auto claim = claims_of({one, other}, around({0, 0}, 1), 20, kClaimOptions)[2];
  CHECK(claim.value.mean == doctest::Approx(1));  // the mean of log2(4) and log2(1)
  CHECK(claim.verdict == ClaimVerdict::supported);
  CHECK(claim.reason == "the pretrained one reached it in 4 of 4 pairs");
  // One that never reaches it counts as one epoch after the last.
  one.convergence = {pair(7, 0), pair(7, 0, 1)};
  const auto late = claims_of({one}, around({0}, 1), 13, kClaimOptions)[2];
  CHECK(late.value.mean == doctest::Approx(-1));
  CHECK(late.verdict == ClaimVerdict::contradicted);
  CHECK(late.reason == "the pretrained one reached it in 0 of 2 pairs");
}

TEST_CASE("claims: 3, pairs of one seed are drawn together") {
  // Whole seeds agree: 4 pairs are no better than the 2 seeds that they come from.
  GridGroup one = group("resnet1d18", 100), other = group("gru", 100);
  for (int fold = 0; fold < 4; ++fold)
    for (auto* each : {&one, &other})
      for (const auto& [seed, pretrained] : {std::pair(0, 2), std::pair(1, 16)}) {
        each->convergence.push_back(pair(8, pretrained, seed));
        each->convergence.back().fold = fold;
      }
  const auto claim = claims_of({one, other}, around({0, 0}, 1), 20, kClaimOptions)[2];
  CHECK(claim.value.mean == doctest::Approx(0.5));  // of 2 and -1
  CHECK(claim.value.low == doctest::Approx(-1));
  CHECK(claim.value.high == doctest::Approx(2));
  CHECK(claim.verdict == ClaimVerdict::undecided);
}

TEST_CASE("claims: 3, one seed and one fold have no spread to decide by") {
  GridGroup one = group("resnet1d18", 100);
  one.convergence = {pair(16, 1)};
  const auto claim = claims_of({one}, around({0}, 1), 20, kClaimOptions)[2];
  CHECK(claim.value.mean == doctest::Approx(4));
  CHECK(std::isnan(claim.value.low));
  CHECK(claim.verdict == ClaimVerdict::undecided);
  CHECK(claim.reason.find("one seed") != std::string::npos);
}

TEST_CASE("claims: 4, convolutional against recurrent, on sets that both were trained on") {
  const std::vector<GridGroup> groups{group("resnet1d18", 100), group("gru", 100),
                                      group("resnet1d18", 100, 0, "georgia")};
  const auto claim = claims_of(groups, around({0.3, 0.1, -7}, 0.05), 20, kClaimOptions)[3];
  CHECK(claim.value.mean == doctest::Approx(0.2));
  CHECK(claim.verdict == ClaimVerdict::supported);
  CHECK(claim.reason.find("90.0 %") != std::string::npos);
  CHECK(claim.reason.find("10.0 %") != std::string::npos);
  CHECK(claims_of({groups[0], groups[2]}, around({0.3, -7}, 0.05), 20, kClaimOptions)[3].verdict ==
        ClaimVerdict::unasked);
  auto elsewhere = groups[1];  // from another upstream set: no partner
  elsewhere.upstream = "china";
  CHECK(claims_of({groups[0], elsewhere}, around({0.3, 0.1}, 0.05), 20, kClaimOptions)[3].verdict ==
        ClaimVerdict::unasked);
}
