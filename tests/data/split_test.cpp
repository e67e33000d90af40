// tests/data/split_test.cpp: scikit-learn's split row for row; parts by class, by patient, and by fold
#include <doctest/doctest.h>

#include <cordis/data/split.hpp>
#include <set>

#include "fixture.hpp"
#include "refusal.hpp"
#include "rows.hpp"

using namespace cordis;

namespace {

Rows sorted(Rows rows) {
  std::ranges::sort(rows);
  return rows;
}
Rows rows_of(const Split& split) { return joined({split.train, split.validation, split.test}); }
Rows first(const Rows& rows, std::size_t n) {
  return {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n)};
}

// Labels (n, K): one class each, class k with odds k + 1; or several, class k with chance `chances[k]`.
Tensor one_class(std::int64_t n, std::int64_t classes, std::uint64_t seed) {
  Generator generator(seed);
  Tensor labels = zeros({n, classes});
  for (std::int64_t i = 0; i < n; ++i) {
    auto odds =
        static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(classes * (classes + 1) / 2)));
    std::int64_t k = 0;
    while (odds > k) odds -= ++k;
    labels.data<float>()[i * classes + k] = 1;
  }
  return labels;
}
Tensor several_classes(std::int64_t n, const std::vector<double>& chances, std::uint64_t seed) {
  Generator generator(seed);
  Tensor labels({n, std::ssize(chances)});
  for (std::int64_t i = 0; i < labels.numel(); ++i)
    labels.data<float>()[i] = generator.uniform() < chances[static_cast<std::size_t>(i) % chances.size()];
  return labels;
}

std::int64_t positives(const Tensor& labels, const Rows& rows, std::int64_t k) {
  std::int64_t count = 0;
  for (const auto row : rows) count += labels.data<float>()[row * labels.size(1) + k] > 0;
  return count;
}
// How far the count of class k in `part` is from its share of all n.
double off_share(const Tensor& labels, const Rows& part, std::int64_t k) {
  const auto n = labels.size(0);
  const auto wanted = static_cast<double>(positives(labels, counting(n), k)) *
                      static_cast<double>(part.size()) / static_cast<double>(n);
  return std::abs(static_cast<double>(positives(labels, part, k)) - wanted);
}

// Patients of 1 to `most` records, in shuffled rows.
std::vector<std::string> patients(std::int64_t n, std::uint64_t most, std::uint64_t seed) {
  Generator generator(seed);
  std::vector<std::string> groups(static_cast<std::size_t>(n));
  const auto order = permutation(n, generator);
  std::size_t at = 0;
  for (int patient = 0; at < order.size(); ++patient)
    for (auto records = 1 + generator.below(most); records > 0 && at < order.size(); --records)
      groups[static_cast<std::size_t>(order[at++])] = concat("p", patient);
  return groups;
}
bool together(const std::vector<Rows>& parts, const std::vector<std::string>& groups) {
  std::map<std::string, std::size_t> part_of;
  for (std::size_t j = 0; j < parts.size(); ++j)
    for (const auto row : parts[j]) {
      const auto& group = groups[static_cast<std::size_t>(row)];
      if (!group.empty() && part_of.emplace(group, j).first->second != j) return false;
    }
  return true;
}

}  // namespace

TEST_CASE("split: train_test_split is scikit-learn's, row for row") {
  const auto ptb = train_test_split(522), ribeiro = train_test_split(827);
  CHECK(ptb.test.size() == 173);
  CHECK(ptb.train.size() == 349);
  CHECK(ribeiro.test.size() == 273);
  CHECK(ribeiro.train.size() == 554);
  CHECK(first(ptb.test, 8) == Rows{187, 335, 392, 306, 355, 289, 233, 173});
  CHECK(first(ribeiro.test, 8) == Rows{370, 449, 808, 576, 570, 8, 782, 641});
  CHECK(first(ptb.train, 5) == Rows{328, 218, 272, 127, 82});
  CHECK(first(ribeiro.train, 5) == Rows{779, 45, 305, 286, 608});

  const Fixture fixture("numpy_permutation");
  int cases = 0;
  for (const auto& key : fixture.keys("permutation.seed")) {
    const auto order = fixture.at(key).values<std::int64_t>();
    const auto n = std::ssize(order);
    const auto seed = static_cast<std::uint32_t>(std::stoul(key.substr(16)));
    if (n < 2) continue;
    ++cases;
    CAPTURE(key);
    for (const double fraction : {0.01, 0.2, 0.33, 0.5}) {
      const auto split = train_test_split(n, {.test_fraction = fraction, .seed = seed});
      CHECK(std::ssize(split.test) ==
            static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(n))));
      CHECK(split.validation.empty());
      CHECK(joined({split.test, split.train}) == Rows(order.begin(), order.end()));
    }
  }
  CHECK(cases == 24);
}

TEST_CASE("split: train_test_split refuses what leaves a part empty") {
  CHECK(train_test_split(2).test.size() == 1);
  for (const std::int64_t n : {-1, 0, 1})
    CHECK(says(refusal([n] { train_test_split(n); }), {"[train_test_split]", concat("of ", n, " records")}));
  for (const double fraction : {0.0, 1.0, -0.1, 1.5, std::nan("")})
    CHECK(says(refusal([=] { train_test_split(10, {.test_fraction = fraction}); }),
               {"[train_test_split]", concat("test fraction ", fraction)}));
  CHECK(says(refusal([] { train_test_split(3, {.test_fraction = 0.9}); }), {"leaves none to train"}));
}

TEST_CASE("split: a partition has the sizes asked for, each row once, in the permutation's order") {
  const std::vector<Rows> cases{{0},     {1},          {7, 0, 3},         {0, 0}, {13, 17, 1, 1}, {1, 1, 1},
                                {97, 3}, {50, 25, 25}, {0, 5, 0, 6, 0, 7}};
  for (const auto& wanted : cases)
    for (const std::uint64_t seed : {1u, 2u}) {
      std::int64_t n = 0;
      for (const auto size : wanted) n += size;
      CAPTURE(n);
      for (const bool stratified : {false, true}) {
        PartitionOptions options{.seed = seed};
        if (stratified) options.labels = several_classes(n, {0.5, 0.1, 0.9, 0}, seed);
        const auto parts = partition(wanted, options);
        CHECK(sizes(parts) == wanted);
        CHECK(sorted(joined(parts)) == counting(n));
        CHECK(partition(wanted, options) == parts);
        Generator generator(seed);
        const auto order = permutation(n, generator);
        const auto place = [&](std::int64_t row) { return std::ranges::find(order, row); };
        for (const auto& part : parts) CHECK(std::ranges::is_sorted(part, {}, place));
      }
    }
  CHECK(partition({}).empty());
  CHECK(partition({20, 20}, {.seed = 1}) != partition({20, 20}, {.seed = 2}));
  CHECK(sorted(partition({20, 20})[0]) != counting(20));
}

TEST_CASE("split: stratified, each class keeps its share in each part") {
  for (const std::uint64_t seed : {1u, 2u, 3u})
    for (const auto& wanted : {Rows{70, 10, 20}, Rows{333, 1, 101}, Rows{23, 23, 23, 22}}) {
      std::int64_t n = 0;
      for (const auto size : wanted) n += size;
      CAPTURE(n);
      const Tensor single = one_class(n, 4, seed);
      const auto by_class = partition(wanted, {.seed = seed, .labels = single});
      CHECK(sizes(by_class) == wanted);
      for (const auto& part : by_class)
        for (std::int64_t k = 0; k < 4; ++k) CHECK(off_share(single, part, k) < 2);

      const Tensor several = several_classes(n, {0.6, 0.05, 0.3, 0.15, 0.02}, seed);
      const auto parts = partition(wanted, {.seed = seed, .labels = several});
      CHECK(sizes(parts) == wanted);
      double worst = 0, worst_at_random = 0;
      const auto random = partition(wanted, {.seed = seed});
      for (std::size_t j = 0; j < parts.size(); ++j)
        for (std::int64_t k = 0; k < 5; ++k) {
          worst = std::max(worst, off_share(several, parts[j], k));
          worst_at_random = std::max(worst_at_random, off_share(several, random[j], k));
        }
      CHECK(worst < 3);
      CHECK(worst < worst_at_random);
      for (const DType dtype : {DType::f64, DType::i64})
        CHECK(partition(wanted, {.seed = seed, .labels = several.to(dtype)}) == parts);
    }
}

TEST_CASE("split: a class with as many records as parts is in each of them, whatever their sizes") {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u}) {
    Tensor labels = zeros({200, 2});
    for (const int row : {17, 101, 160}) labels.data<float>()[2 * row] = 1;
    for (int row = 0; row < 200; row += 2) labels.data<float>()[2 * row + 1] = 1;
    for (const auto& part : partition({180, 5, 15}, {.seed = seed, .labels = labels}))
      CHECK(positives(labels, part, 0) == 1);
  }
}

TEST_CASE("split: the rarest class comes first, so that its share is exact inside a common one") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Tensor labels = zeros({60, 2});
    for (int row = 0; row < 45; ++row) labels.data<float>()[2 * row + 1] = 1;
    for (int row = 0; row < 45; row += 8) labels.data<float>()[2 * row] = 1;  // 6 of them
    const auto parts = partition({40, 20}, {.seed = seed, .labels = labels});
    for (std::int64_t k = 0; k < 2; ++k) {
      CHECK(off_share(labels, parts[0], k) == 0);
      CHECK(off_share(labels, parts[1], k) == 0);
    }
  }
}

TEST_CASE("split: groups stay together, sizes are met as nearly as they allow") {
  for (const std::uint64_t seed : {1u, 2u, 3u})
    for (const bool stratified : {false, true}) {
      auto groups = patients(300, 4, seed);
      const auto named = groups;
      for (std::size_t row = 0; row < 300; row += 7) groups[row].clear();  // stand for themselves
      PartitionOptions options{.seed = seed, .labels = {}, .groups = groups};
      if (stratified) options.labels = several_classes(300, {0.5, 0.2}, seed);
      const auto parts = partition({200, 40, 60}, options);
      CHECK(sorted(joined(parts)) == counting(300));
      CHECK(together(parts, groups));
      CHECK(!together(parts, named));
      CHECK(sizes(parts) == Rows{200, 40, 60});  // small groups and single records fill every gap
      if (stratified)
        for (const auto& part : parts)
          for (std::int64_t k = 0; k < 2; ++k) CHECK(off_share(options.labels, part, k) < 5);
    }
  // Without single records: never more than one group off.
  const auto groups = patients(101, 5, 9);
  const auto parts = partition({61, 40}, {.labels = {}, .groups = groups});
  CHECK(together(parts, groups));
  CHECK(std::abs(std::ssize(parts[1]) - 40) < 5);
  // One group for all is a part of its own, and two parts cannot be filled from it.
  const std::vector<std::string> one(6, "p");
  CHECK(sizes(partition({6, 0}, {.labels = {}, .groups = one})) == Rows{6, 0});
  CHECK(says(refusal([&] {
               partition({3, 3}, {.labels = {}, .groups = one});
             }),
             {"[partition] part", "of 3 records stays empty", "groups are too large"}));
}

TEST_CASE("split: a partition's misuse is refused") {
  CHECK(says(refusal([] { partition({3, -1}); }), {"[partition] a part of -1 records"}));
  CHECK(says(refusal([] { partition({INT32_MAX, 1}); }), {"[partition] a part of 1", "2147483647"}));
  for (const Tensor& labels : {ones({4, 2}), ones({5}), ones({5, 1, 1})})
    CHECK(says(refusal([&] {
                 partition({3, 2}, {.labels = labels});
               }),
               {"[partition] labels have shape", concat(labels.shape()), "(5, K) is needed"}));
  CHECK(says(refusal([] {
               partition({3, 2}, {.labels = {}, .groups = {"a"}});
             }),
             {"[partition] 1 groups for 5 records"}));
}

TEST_CASE("split: split_records holds out test, then validation") {
  const auto lengths = [](std::int64_t n, double test, double validation) {
    const auto split = split_records(n, {.test_fraction = test, .validation_fraction = validation});
    CHECK(sorted(rows_of(split)) == counting(n));
    return sizes({split.train, split.validation, split.test});
  };
  CHECK(lengths(522, 0.33, 0) == Rows{349, 0, 173});
  CHECK(lengths(101, 0.2, 0.1) == Rows{72, 8, 21});
  CHECK(lengths(100, 0.29, 0) == Rows{71, 0, 29});
  CHECK(lengths(100, 0, 0.29) == Rows{71, 29, 0});  // 0.29 * 100 is 28.999...
  CHECK(lengths(100, 0.07, 0) == Rows{93, 0, 7});   // 0.07 * 100 is 7.000...1
  CHECK(lengths(1, 0, 0) == Rows{1, 0, 0});
  CHECK(lengths(10, 0, 0.99) == Rows{1, 9, 0});

  const Tensor labels = several_classes(200, {0.5, 0.04}, 3);
  const auto groups = patients(200, 3, 4);
  const auto split = split_records(
      200,
      {.test_fraction = 0.2, .validation_fraction = 0.25, .seed = 5, .labels = labels, .groups = groups});
  CHECK(together({split.train, split.validation, split.test}, groups));
  for (const auto& part : {split.train, split.validation, split.test}) {
    CHECK(off_share(labels, part, 0) < 5);
    CHECK(positives(labels, part, 1) > 0);
  }
  CHECK(split_records(50, {.seed = 1}).test != split_records(50, {.seed = 2}).test);
  CHECK(says(refusal([] { split_records(10, {.test_fraction = 1}); }),
             {"[split_records] fraction 1", "[0, 1)"}));
  CHECK(says(refusal([] { split_records(10, {.validation_fraction = -0.5}); }),
             {"[split_records] fraction -0.5"}));
  CHECK(says(refusal([] { split_records(0); }), {"[split_records] 0 of 0"}));
  CHECK(says(refusal([] { split_records(10, {.test_fraction = 0.95}); }), {"10 of 10", "none to train"}));
}

TEST_CASE("split: holdout takes validation from the training part, both keep their order") {
  const Split whole = train_test_split(200, {.test_fraction = 0.25});
  const Tensor labels = several_classes(200, {0.3, 0.1}, 6);
  const auto groups = patients(200, 3, 7);
  for (const bool stratified : {false, true})
    for (const bool grouped : {false, true}) {
      HoldoutOptions options{.fraction = 0.2, .seed = 4};
      if (stratified) options.labels = labels;
      if (grouped) options.groups = groups;
      const Split split = holdout(whole, options);
      CHECK(split.test == whole.test);
      CHECK(std::abs(std::ssize(split.validation) - 30) <= (grouped ? 2 : 0));
      CHECK(sorted(joined({split.train, split.validation})) == sorted(whole.train));
      const auto place = [&](std::int64_t row) { return std::ranges::find(whole.train, row); };
      CHECK(std::ranges::is_sorted(split.train, {}, place));
      CHECK(std::ranges::is_sorted(split.validation, {}, place));
      CHECK(split.validation != first(whole.train, split.validation.size()));
      if (grouped) CHECK(together({split.train, split.validation}, groups));
      if (stratified)
        for (std::int64_t k = 0; k < 2; ++k) {
          const auto share = 0.2 * static_cast<double>(positives(labels, whole.train, k));
          CHECK(std::abs(static_cast<double>(positives(labels, split.validation, k)) - share) < 3);
        }
    }
  CHECK(holdout(whole, {.fraction = 0}).train == whole.train);
  CHECK(holdout(whole, {.seed = 1}).validation != holdout(whole, {.seed = 2}).validation);
  CHECK(says(refusal([&] { holdout(holdout(whole)); }), {"[holdout]", "15 validation records already"}));
  CHECK(says(refusal([&] { holdout(whole, {.fraction = 1}); }), {"[holdout] fraction 1"}));
  CHECK(says(refusal([] { holdout({}); }), {"[holdout]", "0 of 0"}));
  CHECK(says(refusal([&] { holdout(whole, {.labels = ones({10, 2})}); }), {"row", "(10, 2)"}));
  CHECK(says(refusal([&] {
               holdout(whole, {.labels = {}, .groups = {"a", "b"}});
             }),
             {"[holdout]", "2 groups"}));
}

TEST_CASE("split: cross validation tests each record once") {
  for (const std::int64_t folds : {2, 3, 7, 10})
    for (const std::int64_t n : {10, 97}) {
      const Tensor labels = one_class(n, 3, 2);
      const auto splits = cross_validation(n, {.folds = folds, .seed = 3, .labels = labels});
      REQUIRE(std::ssize(splits) == folds);
      std::vector<Rows> tests;
      for (const auto& split : splits) {
        CHECK(split.validation.empty());
        CHECK(sorted(rows_of(split)) == counting(n));
        CHECK((std::ssize(split.test) == n / folds || std::ssize(split.test) == (n + folds - 1) / folds));
        for (std::int64_t k = 0; k < 3; ++k) CHECK(off_share(labels, split.test, k) < 2);
        tests.push_back(split.test);
      }
      CHECK(sorted(joined(tests)) == counting(n));
    }
  const auto groups = patients(90, 4, 5);
  for (const auto& split : cross_validation(90, {.labels = {}, .groups = groups}))
    CHECK(together({split.train, split.test}, groups));
  const auto rows = [](std::uint64_t seed) { return cross_validation(40, {.seed = seed})[0].test; };
  CHECK(rows(1) == rows(1));
  CHECK(rows(1) != rows(2));
  CHECK(cross_validation(3, {.folds = 3})[2].test.size() == 1);  // leave one out
  for (const std::int64_t folds : {1, 0, -3, 11})
    CHECK(says(refusal([&] { cross_validation(10, {.folds = folds}); }),
               {"[cross_validation]", concat(folds, " folds of 10 records")}));
}

TEST_CASE("split: by the publishers' folds") {
  const std::vector<int> folds{10, 1, 9, 8, 10, 2, 9};
  const auto split = split_by_fold(folds);
  CHECK(split.test == Rows{0, 4});
  CHECK(split.validation == Rows{2, 6});
  CHECK(split.train == Rows{1, 3, 5});
  CHECK(split_by_fold(folds, 2, 3).test == Rows{5});
  CHECK(split_by_fold(folds, 2, 3).validation.empty());
  CHECK(rows_of(split_by_fold({})).empty());
}
