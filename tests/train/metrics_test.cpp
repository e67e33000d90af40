// tests/train/metrics_test.cpp: F1, AUROC and average precision against their definitions
#include <doctest/doctest.h>

#include <cordis/core/random.hpp>
#include <cordis/train/metrics.hpp>
#include <set>

#include "refusal.hpp"

using namespace cordis;
using Scores = std::vector<float>;
using Truth = std::vector<std::uint8_t>;
using Times = std::vector<int>;

namespace {

// Scores on `levels` levels in [0, 1), so that few levels make many ties.
Scores some_scores(std::size_t n, std::uint64_t levels, std::uint64_t seed) {
  Generator generator(seed);
  Scores scores(n);
  for (float& p : scores) p = static_cast<float>(generator.below(levels)) / static_cast<float>(levels);
  return scores;
}
Truth some_truth(std::size_t n, double chance, std::uint64_t seed) {
  Generator generator(seed, 1000000);
  Truth truth(n);
  for (auto& y : truth) y = generator.uniform() < chance;
  return truth;
}

// Of all pairs of a positive and a negative, the share in which the positive scores higher; ties count half.
double pair_count(const Scores& p, const Truth& y, const Times& times) {
  double good = 0, pairs = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    for (std::size_t j = 0; j < p.size(); ++j) {
      if (!y[i] || y[j]) continue;
      const double weight = times[i] * times[j];
      pairs += weight;
      good += weight * (p[i] > p[j] ? 1 : p[i] == p[j] ? 0.5 : 0);
    }
  return good / pairs;
}

// Sum over the thresholds, from the highest score down, of (recall - recall before) * precision.
double precision_recall_area(const Scores& p, const Truth& y) {
  const double positives = static_cast<double>(std::ranges::count(y, 1));
  double area = 0, before = 0;
  for (const float threshold : std::set<float, std::greater<>>(p.begin(), p.end())) {
    double hits = 0, called = 0;
    for (std::size_t i = 0; i < p.size(); ++i)
      if (p[i] >= threshold) ++called, hits += y[i];
    area += (hits / positives - before) * hits / called;
    before = hits / positives;
  }
  return area;
}

// Labels in which class k has round(share_k * n) positives.
Truth of_frequencies(const std::vector<double>& shares, std::size_t n) {
  Truth truth(n * shares.size());
  for (std::size_t k = 0; k < shares.size(); ++k)
    for (std::size_t i = 0; i < n; ++i)
      truth[i * shares.size() + k] = static_cast<double>(i) < std::round(shares[k] * static_cast<double>(n));
  return truth;
}

}  // namespace

TEST_CASE("metrics: AUROC is the share of pairs in order, ties half, however often a record counts") {
  for (const std::size_t n : {2U, 3U, 17U, 100U})
    for (const std::uint64_t levels : {1U, 2U, 5U, 1000000U})
      for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const Scores p = some_scores(n, levels, seed);
        Truth y = some_truth(n, 0.3, seed);
        y[0] = 0, y[n - 1] = 1;
        const Scorer scorer(p, y, 1);
        CHECK(scorer.auroc(0) == doctest::Approx(pair_count(p, y, scorer.once())).epsilon(1e-12));
        Generator generator(seed);
        Times times(n);
        for (int& count : times) count = static_cast<int>(generator.below(4));
        times[0] = 1, times[n - 1] = 2;
        CHECK(scorer.auroc(0, times) == doctest::Approx(pair_count(p, y, times)).epsilon(1e-12));
      }
}

TEST_CASE("metrics: AUROC by hand") {
  CHECK(Scorer(Scores{0.1F, 0.4F, 0.35F, 0.8F}, {0, 0, 1, 1}, 1).auroc(0) == 0.75);
  CHECK(Scorer(Scores{1, 2, 3}, {0, 1, 1}, 1).auroc(0) == 1);
  CHECK(Scorer(Scores{3, 2, 1}, {0, 1, 1}, 1).auroc(0) == 0);
  CHECK(Scorer(Scores{5, 5, 5}, {0, 1, 1}, 1).auroc(0) == 0.5);
}

TEST_CASE("metrics: average precision is the sum over recall's steps") {
  for (const std::size_t n : {1U, 2U, 3U, 17U, 100U})
    for (const std::uint64_t levels : {1U, 2U, 5U, 1000000U})
      for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const Scores p = some_scores(n, levels, seed);
        Truth y = some_truth(n, 0.3, seed);
        y[n - 1] = 1;
        CHECK(Scorer(p, y, 1).average_precision(0) ==
              doctest::Approx(precision_recall_area(p, y)).epsilon(1e-12));
      }
  // scikit-learn's own example.
  CHECK(Scorer(Scores{0.1F, 0.4F, 0.35F, 0.8F}, {0, 0, 1, 1}, 1).average_precision(0) ==
        doctest::Approx(5.0 / 6));
}

TEST_CASE("metrics: F1 from counts by hand, weighted and macro") {
  // Class 0: 2 hits, 1 miss, 1 false alarm; class 1: 1 hit, 1 false alarm; class 2: never said.
  const Truth y{1, 0, 0,  //
                1, 1, 1,  //
                1, 0, 0,  //
                0, 0, 1};
  const Scores p{0.9F, 0.1F, 0.2F,  //
                 0.8F, 0.7F, 0.5F,  // 0.5 itself is a no
                 0.3F, 0.6F, 0.0F,  //
                 0.6F, 0.2F, 0.4F};
  const Scorer scorer(p, y, 3);
  CHECK(scorer.records() == 4);
  CHECK(scorer.classes() == 3);
  const double first = 4.0 / 6, second = 2.0 / 3, third = 0;
  CHECK(scorer.f1(0) == doctest::Approx(first));
  CHECK(scorer.f1(1) == doctest::Approx(second));
  CHECK(scorer.f1(2) == third);
  CHECK(scorer(Metric::f1_macro) == doctest::Approx((first + second + third) / 3));
  CHECK(scorer(Metric::f1_weighted) == doctest::Approx((3 * first + 1 * second + 2 * third) / 6));
  CHECK(scorer.positives(0, scorer.once()) == 3);
  CHECK(scorer.positives(2, {0, 5, 0, 2}) == 7);
  CHECK(Scorer(p, y, 3, 0.65F).f1(0) == doctest::Approx(4.0 / 5));
  CHECK(Scorer(p, y, 3, -1).f1(2) == doctest::Approx(4.0 / 6));

  // Records counted 2, 0, 1, 3 times, against the records written out.
  const Times times{2, 0, 1, 3};
  Scores drawn_p;
  Truth drawn_y;
  for (std::size_t i = 0; i < 4; ++i)
    for (int t = 0; t < times[i]; ++t)
      for (std::size_t k = 0; k < 3; ++k) drawn_p.push_back(p[3 * i + k]), drawn_y.push_back(y[3 * i + k]);
  const Scorer drawn(drawn_p, drawn_y, 3);
  for (const Metric metric : kMetrics)
    CHECK(scorer(metric, times) == doctest::Approx(drawn(metric)).epsilon(1e-12));
  CHECK(std::isnan(scorer.f1(1, times)));  // its only positive is not drawn
}

TEST_CASE("metrics: over classes AUROC is the plain mean") {
  const Scorer scorer(Scores{0.1F, 0.9F, 0.2F, 0.1F, 0.3F, 0.5F}, {0, 0, 1, 1, 1, 1}, 2);
  CHECK(scorer.auroc(0) == 1);
  CHECK(scorer.auroc(1) == 0);
  CHECK(scorer(Metric::auroc) == 0.5);
}

TEST_CASE("metrics: a class without positives has no score and no weight; one without negatives no AUROC") {
  // Class 0 as above, class 1 without positives, class 2 without negatives.
  const Scorer scorer(Scores{0.9F, 0.9F, 0.9F, 0.1F, 0.2F, 0.2F}, {1, 0, 1, 0, 0, 1}, 3);
  CHECK(std::isnan(scorer.f1(1)));
  CHECK(std::isnan(scorer.auroc(1)));
  CHECK(std::isnan(scorer.average_precision(1)));
  CHECK(std::isnan(scorer.auroc(2)));
  CHECK(scorer.average_precision(2) == 1);
  CHECK(scorer.f1(2) == doctest::Approx(2.0 / 3));
  CHECK(scorer(Metric::auroc) == 1);
  CHECK(scorer(Metric::f1_macro) == doctest::Approx((1 + 2.0 / 3) / 2));
  CHECK(scorer(Metric::f1_weighted) == doctest::Approx((1 * 1 + 2 * 2.0 / 3) / 3));
  const Scorer none(Scores{0.5F, 0.6F}, {0, 0}, 1);
  for (const Metric metric : kMetrics) CHECK(std::isnan(none(metric)));
}

TEST_CASE("metrics: one record, and none") {
  const Scorer hit(Scores{0.7F}, {1}, 1), miss(Scores{0.3F}, {1}, 1), empty(Scores{}, Truth{}, 2);
  CHECK(hit(Metric::f1_weighted) == 1);
  CHECK(miss(Metric::f1_weighted) == 0);
  CHECK(std::isnan(hit(Metric::auroc)));
  CHECK(hit.average_precision(0) == 1);
  CHECK(empty.records() == 0);
  for (const Metric metric : kMetrics) CHECK(std::isnan(empty(metric)));
}

TEST_CASE("metrics: from tensors of any type, labels above nil are positive") {
  const Scores p{0.9F, 0.2F, 0.4F, 0.6F};
  const Scorer wanted(p, {1, 0, 0, 1}, 2);
  const Tensor probability = Tensor::of({2, 2}, p), labels = Tensor::of({2, 2}, Scores{1, 0, -1, 0.5F});
  for (const DType dtype : {DType::f32, DType::f64})
    for (const Metric metric : kMetrics) {
      const double score = Scorer(probability.to(dtype), labels.to(dtype))(metric);
      CHECK(score == doctest::Approx(wanted(metric)));
    }
  CHECK(Scorer(probability, Tensor::of({2, 2}, std::vector<std::int64_t>{1, 0, 0, 1}))(Metric::auroc) == 1);
}

TEST_CASE(
    "metrics: the floor is what yes to everything scores, and the study's comes out of its frequencies") {
  struct Set {
    const char* name;
    double floor;
    std::size_t records;
    std::vector<double> shares;
  };
  const std::vector<Set> sets{
      {"PTB", 0.716, 173, {.16763, .69364}},
      {"Ribeiro", 0.746, 273, {.82346, .03386, .04111, .03628, .01935, .01572, .04474}},
      {"CPSC", 0.267, 2268, {.13360, .17769, .10494, .03395, .27028, .08907, .10229, .12654, .03219}},
      {"Georgia",
       0.241,
       3397,
       {.16220, .04916, .07565, .16397, .09185, .12923, .22049, .07359, .13100, .06152}}};
  for (const auto& set : sets) {
    const std::string name = set.name;
    CAPTURE(name);
    double sum = 0, weight = 0;  // a class of share s has the F1 2 s / (1 + s)
    for (const double s : set.shares) sum += s * 2 * s / (1 + s), weight += s;
    const auto score = [&](std::size_t records) {
      return score_floor(Metric::f1_weighted, of_frequencies(set.shares, records), set.shares.size());
    };
    CHECK(score(20000) == doctest::Approx(sum / weight).epsilon(1e-3));
    CHECK(std::abs(score(100000) - set.floor) < 6e-4);
  }
  const Truth y{1, 0, 0, 1, 0, 1};
  CHECK(score_floor(Metric::auroc, y, 2) == 0.5);
  CHECK(score_floor(Metric::f1_macro, y, 2) == doctest::Approx((0.5 + 0.8) / 2));
  CHECK(score_floor(Metric::f1_weighted, y, 2) == doctest::Approx((1 * 0.5 + 2 * 0.8) / 3));
  CHECK(std::isnan(score_floor(Metric::f1_weighted, Truth{0, 0}, 1)));
}

TEST_CASE("metrics: names") {
  CHECK(std::string(name_of(Metric::f1_weighted)) == "f1_weighted");
  CHECK(std::string(name_of(Metric::f1_macro)) == "f1_macro");
  CHECK(std::string(name_of(Metric::auroc)) == "auroc");
}

TEST_CASE("metrics: misuse is refused") {
  CHECK(says(refusal([] { Scorer(Scores{0.5F}, {1}, 0); }), {"[Scorer]", "of 0 classes"}));
  CHECK(says(refusal([] { Scorer(Scores{0.5F}, {1, 0}, 1); }), {"[Scorer] 1 probabilities and 2 labels"}));
  CHECK(says(refusal([] { Scorer(Scores{1, 0, 1}, {1, 0, 1}, 2); }), {"3 labels of 2 classes"}));
  CHECK(says(refusal([] { Scorer(Scores{0.5F, std::nanf("")}, {1, 0}, 1); }), {"[Scorer]", "NaN"}));
  CHECK(says(refusal([] { Scorer(ones({3, 2}), ones({3, 3})); }), {"[Scorer]", "(3, 2)", "(3, 3)"}));
  CHECK(says(refusal([] { Scorer(ones({3}), ones({3})); }), {"[Scorer]", "(3,)", "(records, classes)"}));
  CHECK(says(refusal([] { Scorer(Tensor{}, ones({3, 1})); }), {"[Scorer]"}));
  CHECK(says(refusal([] { Scorer(ones({3, 1}), Tensor{}); }), {"[Scorer]"}));
}
