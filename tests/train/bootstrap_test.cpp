// tests/train/bootstrap_test.cpp: differences of many pairs under the same draws, p-values and Holm's
// adjustment
#include <doctest/doctest.h>

#include <cordis/train/statistics.hpp>
#include <set>

#include "noisy.hpp"
#include "refusal.hpp"

using namespace cordis;

namespace {

PairGroup group(const std::string& set, double lift, std::uint64_t seed, std::vector<int> cluster = {}) {
  PairGroup out{set, {}};
  for (int s = 0; s < 3; ++s) {
    const auto at = seed + static_cast<std::uint64_t>(10 * s);
    out.pairs.push_back({0, s, noisy(90, 1 + lift, at), noisy(90, 1, at + 1000), cluster});
  }
  return out;
}

double first(const std::vector<double>& groups) { return groups[0]; }

}  // namespace

TEST_CASE("bootstrap: groups of one set are drawn together, so that equal ones stay equal") {
  const auto d = group_differences({group("a", 0.5, 1), group("a", 0.5, 1)}, Metric::auroc, 200, 7);
  REQUIRE(d.draws.size() == 200);
  CHECK(d.observed[0] == d.observed[1]);
  for (const auto& draw : d.draws) CHECK(draw[0] == draw[1]);
  const auto apart = group_differences({group("a", 0.5, 1), group("b", 0.5, 1)}, Metric::auroc, 200, 7);
  CHECK(apart.observed[0] == apart.observed[1]);
  int equal = 0;
  for (const auto& draw : apart.draws) equal += draw[0] == draw[1];
  CHECK(equal < 20);
}

TEST_CASE("bootstrap: of one group it is the paired difference") {
  const auto pairs = group("", 0.4, 3).pairs;
  const auto whole = paired_difference(pairs, Metric::auroc, 300, 11);
  const auto d = interval_of(group_differences({{"x", pairs}}, Metric::auroc, 300, 11), first);
  CHECK(whole.mean == d.mean);
  CHECK(whole.low == d.low);
  CHECK(whole.high == d.high);
  CHECK(d.low < d.mean);
  CHECK(d.mean < d.high);
}

TEST_CASE("bootstrap: both sides are drawn as their difference is") {
  const auto d = group_differences({group("a", 0.5, 1), group("b", 0.1, 4)}, Metric::auroc, 100, 7);
  REQUIRE(d.first.draws.size() == 100);
  REQUIRE(d.second.draws.size() == 100);
  for (std::size_t g = 0; g < 2; ++g) {
    CHECK(d.observed[g] == doctest::Approx(d.first.observed[g] - d.second.observed[g]));
    for (std::size_t b = 0; b < 100; ++b)
      CHECK(d.draws[b][g] == doctest::Approx(d.first.draws[b][g] - d.second.draws[b][g]));
  }
  const auto pairs = group("a", 0.5, 1).pairs;
  double sum = 0;
  for (const auto& pair : pairs) sum += pair.first(Metric::auroc) / 3;
  CHECK(d.first.observed[0] == doctest::Approx(sum));
  const Interval side = interval_of(d.first, first), difference = interval_of(d, first);
  CHECK(side.low < sum);
  CHECK(sum < side.high);
  CHECK(side.mean != difference.mean);
}

TEST_CASE("bootstrap: records of a patient are drawn together") {
  // Each record its own patient: as if none were told. Thirty records to a patient: a wider interval.
  std::vector<int> own(90), thirty(90);
  for (int i = 0; i < 90; ++i)
    own[static_cast<std::size_t>(i)] = i, thirty[static_cast<std::size_t>(i)] = i / 30;
  const auto interval = [](const std::vector<int>& cluster) {
    return interval_of(group_differences({group("a", 1, 5, cluster)}, Metric::f1_macro, 400, 3), first);
  };
  const Interval none = interval({}), each = interval(own), many = interval(thirty);
  CHECK(none.low == each.low);
  CHECK(none.high == each.high);
  CHECK(many.mean == none.mean);
  CHECK(many.low != none.low);
  CHECK(says(refusal([&] {
               group_differences({group("a", 1, 5, {1, 2})}, Metric::auroc, 10, 1);
             }),
             {"2 clusters named for 90 records"}));
}

TEST_CASE("bootstrap: p is small where the draws keep away from zero, and at most 1") {
  const auto far = group_differences({group("a", 3, 2)}, Metric::auroc, 500, 1);
  CHECK(p_value_of(far, first) == doctest::Approx(2.0 / 501));
  const auto none = group_differences({group("a", 0, 2)}, Metric::auroc, 500, 1);
  CHECK(p_value_of(none, first) > 0.05);
  CHECK(p_value_of(none, [](const std::vector<double>&) { return 0.0; }) == 1);
  CHECK(std::isnan(p_value_of({}, first)));
}

TEST_CASE("bootstrap: quantiles lie between the values, as numpy's do") {
  const std::vector<double> values{0, 1, 2, 3, 10};
  CHECK(quantile(values, 0) == 0);
  CHECK(quantile(values, 1) == 10);
  CHECK(quantile(values, 0.5) == 2);
  CHECK(quantile(values, 0.875) == doctest::Approx(6.5));
  CHECK(quantile({4}, 0.3) == 4);
}

TEST_CASE("bootstrap: an interval leaves out a fortieth on each side") {
  GroupDraws draws{{500}, {}};
  for (int i = 1000; i >= 0; --i) draws.draws.push_back({static_cast<double>(i)});
  draws.draws.push_back({kUndefined});
  const Interval interval = interval_of(draws, first);
  CHECK(interval.mean == 500);
  CHECK(interval.low == doctest::Approx(25));
  CHECK(interval.high == doctest::Approx(975));
  CHECK(interval.resamples == 1001);
}

TEST_CASE("bootstrap: a patient's records come and go together") {
  // All records of a patient are alike, so that a draw of three patients from three has ten outcomes at most.
  const auto of = [](const std::vector<float>& by_patient) {
    std::vector<float> p;
    std::vector<std::uint8_t> y;
    for (std::size_t patient = 0; patient < 3; ++patient)
      for (std::size_t i = 0; i < 30; ++i) {
        p.push_back(by_patient[patient]);
        y.push_back(patient != 1);
      }
    return Scorer(p, y, 1);
  };
  std::vector<int> cluster(90);
  for (std::size_t i = 0; i < 90; ++i) cluster[i] = static_cast<int>(i / 30);
  const PairGroup one{"a", {{0, 0, of({0.9F, 0.2F, 0.3F}), of({0.4F, 0.6F, 0.7F}), cluster}}};
  const auto d = group_differences({one}, Metric::f1_weighted, 300, 5);
  std::set<double> outcomes;
  for (const auto& draw : d.draws)
    if (!std::isnan(draw[0])) outcomes.insert(draw[0]);
  CHECK(outcomes.size() > 3);
  CHECK(outcomes.size() <= 10);
}

TEST_CASE("bootstrap: Holm's adjustment never falls where p rises") {
  const auto adjusted = holm({0.02, 0.01, 0.021});
  CHECK(adjusted[1] == doctest::Approx(0.03));
  CHECK(adjusted[0] == doctest::Approx(0.04));
  CHECK(adjusted[2] == doctest::Approx(0.04));
}

TEST_CASE("bootstrap: a seed drawn twice counts twice") {
  // All records alike: one seed's pair differs by 1, the other's by 0, whatever records are drawn.
  const std::vector<std::uint8_t> y(8, 1);
  const Scorer right(std::vector<float>(8, 1), y, 1), wrong(std::vector<float>(8, 0), y, 1);
  const PairGroup one{"a", {{0, 0, right, wrong}, {0, 1, right, right}}};
  const auto d = group_differences({one}, Metric::f1_weighted, 100, 5);
  std::set<double> outcomes;
  for (const auto& draw : d.draws) outcomes.insert(draw[0]);
  CHECK(outcomes == std::set<double>{0, 0.5, 1});
}

TEST_CASE("bootstrap: Holm's adjustment, by hand") {
  // 4 x 0.01; 3 x 0.02 = 0.06; 2 x 0.03 = 0.06; 1 x 0.5
  const auto adjusted = holm({0.03, 0.01, kUndefined, 0.5, 0.02});
  CHECK(adjusted[0] == doctest::Approx(0.06));
  CHECK(adjusted[1] == doctest::Approx(0.04));
  CHECK(std::isnan(adjusted[2]));
  CHECK(adjusted[3] == doctest::Approx(0.5));
  CHECK(adjusted[4] == doctest::Approx(0.06));
  CHECK(holm({0.9, 0.8})[1] == 1);
  CHECK(holm({}).empty());
}
