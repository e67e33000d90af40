// tests/ecg/experiment_compare_test.cpp: means, differences and convergence, by hand
#include <doctest/doctest.h>

#include <cordis/ecg/experiment_compare.hpp>

#include "scratch.hpp"

using namespace cordis;
using doctest::Approx;
using ecg::CellResult;
using ecg::Moment;
using scratch::message;
using scratch::says;

namespace {

const std::vector<std::uint8_t> kTruth = {1, 0,  // class A is right twice of four, class B once
                                          1, 0, 0, 1, 0, 0};

// Epoch i + 1 has test AUROC and weighted F1 aurocs[i]; every moment's predictions are `p`.
CellResult cell(int seed, bool pretrained, std::vector<float> p, std::vector<double> aurocs) {
  CellResult out{.key = {.model = "gru", .size = 8, .fold = 0, .seed = seed, .pretrained = pretrained},
                 .epochs = {},
                 .predictions = {},
                 .test = {{"r0", "r1", "r2", "r3"}, {"A", "B"}, kTruth}};
  for (std::size_t i = 0; i < aurocs.size(); ++i) {
    ecg::EpochRow row{.epoch = static_cast<int>(i) + 1};
    row.test.auroc = row.test.f1_weighted = row.test.f1_macro = aurocs[i];
    out.epochs.push_back(row);
  }
  for (const char* at : ecg::kMoments) out.predictions.push_back({at, 1, p});
  return out;
}

// All right: AUROC 1, F1 1. Half: class A by chance, class B right but below the threshold.
const std::vector<float> kRight = {0.9F, 0.1F, 0.8F, 0.2F, 0.3F, 0.7F, 0.1F, 0.0F};
const std::vector<float> kHalf = {0.9F, 0.1F, 0.1F, 0.2F, 0.8F, 0.4F, 0.2F, 0.0F};

}  // namespace

TEST_CASE("compare: one perfect pair: scores, floors and their difference by hand") {
  const auto result = ecg::compare({cell(0, true, kRight, {1}), cell(0, false, kHalf, {1})}, 100, 1);
  REQUIRE(result.contrasts.size() == 4 * 3);
  for (const Moment moment : ecg::kContrastMoments) {
    const auto* auroc = ecg::find(result, "gru", 8, moment, Metric::auroc);
    REQUIRE(auroc);
    CHECK(auroc->pretrained.mean == 1);
    // A: 0.9 beats both negatives, 0.1 none: 1/2. B: 0.4 beats all three: 1.
    CHECK(auroc->random.mean == Approx(0.75));
    CHECK(auroc->difference.mean == Approx(0.25));
    CHECK(auroc->floor == 0.5);
    CHECK(auroc->class_random[0].mean == Approx(0.5));
    CHECK(auroc->class_random[1].mean == 1);
    CHECK(std::isnan(auroc->pretrained.deviation));
    CHECK(auroc->pretrained.count == 1);

    const auto* weighted = ecg::find(result, "gru", 8, moment, Metric::f1_weighted);
    // A: yes to r0, r2, of which r0 is right: F1 1/2, weight 2. B: never yes: F1 0, weight 1.
    CHECK(weighted->random.mean == Approx(1.0 / 3));
    CHECK(weighted->pretrained.mean == 1);
    // Yes to all: A 2 2 / (4 + 2) = 2/3, B 2 / (4 + 1) = 2/5.
    CHECK(weighted->floor == Approx((2 * 2.0 / 3 + 2.0 / 5) / 3));
    CHECK(weighted->class_random[0].mean == Approx(0.5));
    CHECK(weighted->class_random[1].mean == 0);
    const auto* macro = ecg::find(result, "gru", 8, moment, Metric::f1_macro);
    CHECK(macro->random.mean == Approx(0.25));
    CHECK(macro->floor == Approx((2.0 / 3 + 2.0 / 5) / 2));
  }
}

TEST_CASE("compare: seeds are paired whatever their order; spreads are over them") {
  // Differences in AUROC: seed 0: 1 - 0.75, seed 7: 0.75 - 1.
  const auto result = ecg::compare({cell(7, false, kRight, {1}), cell(0, true, kRight, {1}),
                                    cell(7, true, kHalf, {1}), cell(0, false, kHalf, {1})},
                                   200, 1);
  const auto* auroc = ecg::find(result, "gru", 8, Moment::last, Metric::auroc);
  REQUIRE(auroc);
  CHECK(auroc->pretrained.mean == Approx(0.875));
  CHECK(auroc->pretrained.deviation == Approx(0.25 / std::sqrt(2.0)));
  CHECK(auroc->pretrained.count == 2);
  CHECK(auroc->difference.mean == Approx(0));
  CHECK(auroc->difference.low < 0);
  CHECK(auroc->difference.high > 0);
  CHECK(auroc->decided() == 0);
  CHECK(auroc->class_pretrained[0].deviation == Approx(0.5 / std::sqrt(2.0)));
}

TEST_CASE("compare: an interval beside zero decides, by its side; none or one around zero does not") {
  ecg::Contrast c;
  CHECK(c.decided() == 0);
  c.difference = {.mean = 0.1, .low = 0.05, .high = 0.2};
  CHECK(c.decided() == 1);
  c.difference = {.mean = -0.1, .low = -0.2, .high = -0.05};
  CHECK(c.decided() == -1);
  c.difference = {.mean = 0.1, .low = 0, .high = 0.2};
  CHECK(c.decided() == 0);
  c.difference = {.mean = 0.1, .low = -0.1, .high = 0.2};
  CHECK(c.decided() == 0);
}

TEST_CASE("compare: equal predictions differ by nothing, with an interval of no width; runs repeat") {
  const std::vector<CellResult> cells = {cell(0, true, kHalf, {1}), cell(0, false, kHalf, {1})};
  const auto result = ecg::compare(cells, 100, 3);
  const auto* c = ecg::find(result, "gru", 8, Moment::first, Metric::auroc);
  REQUIRE(c);
  CHECK(c->difference.mean == 0);
  CHECK(c->difference.low == 0);
  CHECK(c->difference.high == 0);
  CHECK(c->decided() == 0);
  const auto again = ecg::compare({cell(0, true, kRight, {1}), cell(0, false, kHalf, {1})}, 100, 3);
  const auto twice = ecg::compare({cell(0, true, kRight, {1}), cell(0, false, kHalf, {1})}, 100, 3);
  CHECK(again.contrasts[0].difference.low == twice.contrasts[0].difference.low);
}

TEST_CASE("compare: epochs until the random run's best are reached") {
  struct Case {
    std::vector<double> pretrained, random;
    double target;
    int random_epochs, pretrained_epochs;
  };
  const double none = kUndefined;
  for (const Case& each : std::vector<Case>{
           {{0.6, 0.8, 0.9}, {0.5, 0.7, 0.8}, 0.8, 3, 2},
           {{0.8, 0.1, 0.1}, {0.5, 0.8, 0.8}, 0.8, 2, 1},   // the first of equal epochs; equal is reached
           {{0.6, 0.7, 0.79}, {0.8, 0.7, 0.6}, 0.8, 1, 0},  // never
           {{none, 0.9, none}, {none, 0.8, none}, 0.8, 2, 2},
           {{0.9, 0.9, 0.9}, {none, none, none}, none, 0, 0},
           {{none, none, none}, {0.5, 0.6, 0.5}, 0.6, 2, 0},
       }) {
    const auto result =
        ecg::compare({cell(4, true, kRight, each.pretrained), cell(4, false, kRight, each.random)}, 100, 1);
    REQUIRE(result.convergence.size() == 3);
    for (const auto& c : result.convergence) {
      CHECK(c.model == "gru");
      CHECK(c.seed == 4);
      CHECK((std::isnan(each.target) ? std::isnan(c.target) : c.target == each.target));
      CHECK(c.random_epochs == each.random_epochs);
      CHECK(c.pretrained_epochs == each.pretrained_epochs);
    }
  }
}

TEST_CASE("compare: a moment that one run lacks gives no contrast; the best has its own for F1 and AUROC") {
  auto a = cell(0, true, kRight, {1}), b = cell(0, false, kHalf, {1});
  std::erase_if(a.predictions, [](const auto& p) { return p.at == "selected"; });
  const auto result = ecg::compare({a, b}, 100, 1);
  CHECK(result.contrasts.size() == 3 * 3);
  CHECK(!ecg::find(result, "gru", 8, Moment::selected, Metric::auroc));
  CHECK(!ecg::find(result, "lstm", 8, Moment::last, Metric::auroc));
  CHECK(!ecg::find(result, "gru", 9, Moment::last, Metric::auroc));

  auto c = cell(0, true, kHalf, {1});
  for (auto& p : c.predictions)
    if (p.at == "best_auroc") p.probability = kRight, p.epoch = 9;
  CHECK(ecg::prediction_at(c, Moment::best, Metric::auroc)->epoch == 9);
  CHECK(ecg::prediction_at(c, Moment::best, Metric::f1_weighted)->epoch == 1);
  CHECK(ecg::prediction_at(c, Moment::best, Metric::f1_macro)->epoch == 1);
  const auto best = ecg::compare({c, cell(0, false, kHalf, {1})}, 100, 1);
  CHECK(ecg::find(best, "gru", 8, Moment::best, Metric::auroc)->difference.mean == Approx(0.25));
  CHECK(ecg::find(best, "gru", 8, Moment::best, Metric::f1_weighted)->difference.mean == 0);
}

TEST_CASE("compare: sizes and models are groups of their own, in the order met") {
  std::vector<CellResult> cells;
  for (const auto& [model, size] : {std::pair("z", 4), std::pair("a", 4), std::pair("z", 2)})
    for (const bool pretrained : {true, false}) {
      cells.push_back(cell(0, pretrained, kRight, {1}));
      cells.back().key.model = model;
      cells.back().key.size = size;
    }
  const auto result = ecg::compare(cells, 100, 1);
  REQUIRE(result.contrasts.size() == 3 * 12);
  CHECK(result.contrasts[0].model == "z");
  CHECK(result.contrasts[0].size == 4);
  CHECK(result.contrasts[12].model == "a");
  CHECK(result.contrasts[24].size == 2);
}

TEST_CASE("compare: a run without its partner on the same records is refused") {
  using Error = std::invalid_argument;
  const auto a = cell(3, true, kRight, {1});
  CHECK(says(message<Error>([&] { ecg::compare({a}, 100, 1); }), {"[compare]", "gru seed 3", "partner"}));
  for (int k = 0; k < 4; ++k) {
    auto b = cell(k == 0 ? 4 : 3, false, kRight, {1});
    if (k == 1) b.key.size = 9;
    if (k == 2) b.key.fold = 1;
    if (k == 3) b.test.records[0] = "other";
    CHECK(says(message<Error>([&] { ecg::compare({a, b}, 100, 1); }), {"[compare]", "partner"}));
  }
  CHECK(ecg::compare({}, 100, 1).contrasts.empty());
}
