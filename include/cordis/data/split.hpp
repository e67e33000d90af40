// cordis/data/split.hpp: which records train, validate and test
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/data/dataset.hpp>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// Row numbers; no row is in two parts.
struct Split {
  std::vector<std::int64_t> train, validation, test;
};

// Of train_test_split.
struct TrainTestSplitOptions {
  double test_fraction = 0.33;  // rounded up
  std::uint32_t seed = 1;
};

// scikit-learn's train_test_split(test_size, random_state), row for row: numpy's permutation, test first.
inline Split train_test_split(std::int64_t n, const TrainTestSplitOptions& options = {}) {
  const double fraction = options.test_fraction;
  CORDIS_CHECK(n >= 2 && fraction > 0 && fraction < 1, "[train_test_split] test fraction ", fraction, " of ",
               n, " records: at least 2 and a fraction between 0 and 1 are needed");
  const auto tests = static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(n)));
  CORDIS_CHECK(tests < n, "[train_test_split] test fraction ", fraction, " of ", n,
               " records leaves none to train");
  const auto order = numpy_permutation(options.seed, n);
  return {{order.begin() + tests, order.end()}, {}, {order.begin(), order.begin() + tests}};
}

// Of partition.
struct PartitionOptions {
  std::uint64_t seed = 1;
  Tensor labels = {};                    // (n, K): each class (> 0) keeps its share in each part
  std::vector<std::string> groups = {};  // (n): equal ones, patients, stay together; "" stands for itself
};

namespace detail {

// Records that stay together, and how many of them carry each class.
struct Unit {
  std::vector<std::int64_t> records;
  std::vector<std::int64_t> positives;  // (K)
};

inline std::vector<Unit> units_of(const std::vector<std::int64_t>& order, const PartitionOptions& options) {
  const auto classes = options.labels.defined() ? static_cast<std::size_t>(options.labels.size(1)) : 0;
  std::vector<Unit> units;
  std::map<std::string, std::size_t> unit_of;
  const Tensor labels = options.labels.defined() ? options.labels.to(DType::f64) : Tensor{};
  for (const auto record : order) {
    std::size_t unit = units.size();
    const auto row = static_cast<std::size_t>(record);
    if (!options.groups.empty() && !options.groups[row].empty())
      unit = unit_of.emplace(options.groups[row], unit).first->second;
    if (unit == units.size()) units.push_back({{}, std::vector<std::int64_t>(classes, 0)});
    units[unit].records.push_back(record);
    for (std::size_t k = 0; k < classes; ++k)
      units[unit].positives[k] += labels.data<double>()[row * classes + k] > 0;
  }
  std::ranges::stable_sort(units, std::ranges::greater{},
                           [](const Unit& unit) { return unit.records.size(); });
  return units;
}

}  // namespace detail

// Cuts n = sum of sizes records into parts of those sizes; rows of a part stand in the order of the seed's
// permutation, so that the first few of them are a random few. With labels by iterative stratification
// (Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011): the rarest class first, each of its records to the part
// that lacks it most; and a class with no more records left than parts without it goes to those. With groups
// the sizes are met as nearly as the groups, largest first, allow.
inline std::vector<std::vector<std::int64_t>> partition(const std::vector<std::int64_t>& sizes,
                                                        const PartitionOptions& options = {}) {
  std::int64_t n = 0;
  for (const auto size : sizes) {
    CORDIS_CHECK(size >= 0 && size <= INT32_MAX - n, "[partition] a part of ", size, " records after ", n);
    n += size;
  }
  const Tensor& labels = options.labels;
  CORDIS_CHECK(!labels.defined() || (labels.rank() == 2 && labels.size(0) == n),
               "[partition] labels have shape ", labels.shape(), ", (", n, ", K) is needed");
  CORDIS_CHECK(options.groups.empty() || std::ssize(options.groups) == n, "[partition] ",
               options.groups.size(), " groups for ", n, " records");

  Generator generator(options.seed);
  const auto order = permutation(n, generator);
  const auto units = detail::units_of(order, options);
  const std::size_t parts = sizes.size(), classes = units.empty() ? 0 : units[0].positives.size();
  std::vector<std::int64_t> room = sizes, total(classes, 0), left(classes, 0);  // left: units not yet placed
  std::vector<std::vector<std::int64_t>> has(parts, std::vector<std::int64_t>(classes, 0));
  for (const auto& unit : units)
    for (std::size_t k = 0; k < classes; ++k) total[k] += unit.positives[k], left[k] += unit.positives[k] > 0;

  constexpr std::size_t kNone = SIZE_MAX;
  std::vector<std::size_t> part_of(static_cast<std::size_t>(n), kNone);
  const auto place = [&](const detail::Unit& unit, std::size_t k) {
    const auto size = std::ssize(unit.records);
    std::vector<std::size_t> fit, lacking;
    for (std::size_t j = 0; j < parts; ++j)
      if (room[j] >= size) fit.push_back(j);
    if (fit.empty()) fit.push_back(static_cast<std::size_t>(std::ranges::max_element(room) - room.begin()));
    if (k != kNone) {
      for (const auto j : fit)
        if (has[j][k] == 0) lacking.push_back(j);
      if (!lacking.empty() && left[k] <= std::ssize(lacking)) fit = lacking;
    }
    // n times what part j still wants of class k: whole numbers, so that ties are ties everywhere.
    const auto wants = [&](std::size_t j) { return k == kNone ? 0 : sizes[j] * total[k] - n * has[j][k]; };
    const auto best =
        *std::ranges::max_element(fit, {}, [&](std::size_t j) { return std::pair(wants(j), room[j]); });
    for (const auto record : unit.records) part_of[static_cast<std::size_t>(record)] = best;
    room[best] -= size;
    for (std::size_t c = 0; c < classes; ++c)
      has[best][c] += unit.positives[c], left[c] -= unit.positives[c] > 0;
  };
  const auto placed = [&](const detail::Unit& unit) {
    return part_of[static_cast<std::size_t>(unit.records[0])] != kNone;
  };
  while (true) {
    std::size_t rarest = kNone;
    for (std::size_t k = 0; k < classes; ++k)
      if (left[k] > 0 && (rarest == kNone || left[k] < left[rarest])) rarest = k;
    for (const auto& unit : units)
      if (!placed(unit) && (rarest == kNone || unit.positives[rarest] > 0)) place(unit, rarest);
    if (rarest == kNone) break;
  }

  std::vector<std::vector<std::int64_t>> rows(parts);
  for (const auto record : order) rows[part_of[static_cast<std::size_t>(record)]].push_back(record);
  for (std::size_t j = 0; j < parts; ++j)
    CORDIS_CHECK(sizes[j] == 0 || !rows[j].empty(), "[partition] part ", j, " of ", sizes[j],
                 " records stays empty: the groups are too large");
  return rows;
}

// Of split_records.
struct SplitOptions {
  double test_fraction = 0.33;     // of all, rounded up
  double validation_fraction = 0;  // of what the test leaves, rounded down
  std::uint64_t seed = 1;
  Tensor labels = {};                    // as PartitionOptions
  std::vector<std::string> groups = {};  // as PartitionOptions
};

namespace detail {
inline std::int64_t held_out(const char* op, double fraction, std::int64_t n, bool up) {
  CORDIS_CHECK(fraction >= 0 && fraction < 1, "[", op, "] fraction ", fraction, " is not in [0, 1)");
  // 0.29 * 100 is 28.999...: a whole number missed by rounding is that number.
  const double exact = fraction * static_cast<double>(n);
  const auto held = static_cast<std::int64_t>(up ? std::ceil(exact - 1e-9) : std::floor(exact + 1e-9));
  CORDIS_CHECK(held < n, "[", op, "] ", held, " of ", n, " records held out leave none to train");
  return held;
}
}  // namespace detail

// Random; with labels stratified, with groups patient-wise, with both both.
inline Split split_records(std::int64_t n, const SplitOptions& options = {}) {
  const auto test = detail::held_out("split_records", options.test_fraction, n, true);
  const auto validation = detail::held_out("split_records", options.validation_fraction, n - test, false);
  auto parts = partition({n - test - validation, validation, test},
                         {.seed = options.seed, .labels = options.labels, .groups = options.groups});
  return {std::move(parts[0]), std::move(parts[1]), std::move(parts[2])};
}

// Of holdout.
struct HoldoutOptions {
  double fraction = 0.1;  // of the training part, rounded down
  std::uint64_t seed = 1;
  Tensor labels = {};                    // of all records, not of the training part
  std::vector<std::string> groups = {};  // likewise
};

// Moves a part of the training records to validation; both keep their order.
inline Split holdout(Split split, const HoldoutOptions& options = {}) {
  CORDIS_CHECK(split.validation.empty(), "[holdout] the split has ", split.validation.size(),
               " validation records already");
  const auto n = std::ssize(split.train);
  const auto held = detail::held_out("holdout", options.fraction, n, false);
  PartitionOptions how{.seed = options.seed};
  if (options.labels.defined()) how.labels = gather_rows(options.labels, split.train);
  if (!options.groups.empty())
    for (const auto row : split.train) {
      CORDIS_CHECK(row >= 0 && row < std::ssize(options.groups), "[holdout] ", options.groups.size(),
                   " groups, but a training row is ", row);
      how.groups.push_back(options.groups[static_cast<std::size_t>(row)]);
    }
  auto kept = partition({n - held, held}, how)[0];
  std::ranges::sort(kept);
  const auto train = std::exchange(split.train, {});
  for (std::int64_t i = 0; i < n; ++i)
    (std::ranges::binary_search(kept, i) ? split.train : split.validation)
        .push_back(train[static_cast<std::size_t>(i)]);
  return split;
}

// Of cross_validation; labels and groups as in PartitionOptions.
struct CrossValidationOptions {
  std::int64_t folds = 5;
  std::uint64_t seed = 1;
  Tensor labels = {};
  std::vector<std::string> groups = {};
};

// Each record is in the test part of one of the splits; sizes differ by one at most, save by groups.
inline std::vector<Split> cross_validation(std::int64_t n, const CrossValidationOptions& options = {}) {
  const auto folds = options.folds;
  CORDIS_CHECK(folds >= 2 && folds <= n, "[cross_validation] ", folds, " folds of ", n, " records");
  std::vector<std::int64_t> sizes;
  for (std::int64_t f = 0; f < folds; ++f) sizes.push_back(n * (f + 1) / folds - n * f / folds);
  const PartitionOptions how{.seed = options.seed, .labels = options.labels, .groups = options.groups};
  const auto parts = partition(sizes, how);
  Generator generator(options.seed);
  std::vector<std::int64_t> fold_of(static_cast<std::size_t>(n));
  for (std::int64_t f = 0; f < folds; ++f)
    for (const auto row : parts[static_cast<std::size_t>(f)]) fold_of[static_cast<std::size_t>(row)] = f;
  std::vector<Split> splits(parts.size());
  for (const auto row : permutation(n, generator))
    for (std::int64_t f = 0; f < folds; ++f) {
      auto& split = splits[static_cast<std::size_t>(f)];
      (fold_of[static_cast<std::size_t>(row)] == f ? split.test : split.train).push_back(row);
    }
  return splits;
}

// Folds that the publishers of a data set made, by record: in PTB-XL 10 tests and 9 validates.
inline Split split_by_fold(const std::vector<int>& folds, int test = 10, int validation = 9) {
  Split split;
  for (std::size_t i = 0; i < folds.size(); ++i)
    (folds[i] == test         ? split.test
     : folds[i] == validation ? split.validation
                              : split.train)
        .push_back(static_cast<std::int64_t>(i));
  return split;
}

}  // namespace cordis::inline CORDIS_ABI
