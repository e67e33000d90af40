// tests/ecg/oracles_test.cpp: label lists made to the published counts agree with them; one record off is
// named
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/ecg/oracles.hpp>
#include <cordis/ecg/sources.hpp>
#include <numeric>
#include <random>

#include "scratch.hpp"

using namespace cordis;
using scratch::says;
using Names = std::vector<std::string>;

namespace {

ecg::Cohort cohort_of(const std::string& kind, const Names& classes, std::int64_t records,
                      const std::string& stem) {
  ecg::Cohort cohort{.kind = kind,
                     .folder = "set",
                     .classes = classes,
                     .records = {},
                     .dropped = {},
                     .steps = {},
                     .unused_codes = {},
                     .digest = {}};
  for (std::int64_t n = 0; n < records; ++n)
    cohort.records.push_back({.name = concat(stem, n),
                              .path = concat("set/", stem, n),
                              .labels = std::vector<float>(classes.size(), 0),
                              .patient = {}});
  return cohort;
}

// Gives class k to `count` of the rows, at random.
void label(ecg::Cohort& cohort, std::size_t k, std::int64_t count, std::vector<std::int64_t> rows,
           std::mt19937& draw) {
  std::ranges::shuffle(rows, draw);
  for (std::int64_t n = 0; n < count; ++n)
    cohort.records[static_cast<std::size_t>(rows[static_cast<std::size_t>(n)])].labels[k] = 1;
}

std::vector<std::int64_t> all_rows(const ecg::Cohort& cohort) {
  std::vector<std::int64_t> rows(cohort.records.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

// Takes class k from the first record that carries it.
std::size_t take_one(ecg::Cohort& cohort, std::size_t k, const std::vector<std::int64_t>& rows) {
  for (const auto row : rows)
    if (auto& label = cohort.records[static_cast<std::size_t>(row)].labels[k]; label > 0) {
      label = 0;
      return static_cast<std::size_t>(row);
    }
  return 0;
}

}  // namespace

TEST_CASE("oracles: Georgia's counts over all records") {
  std::mt19937 draw(1);
  auto cohort = cohort_of("challenge", ecg::kGeorgiaClasses, 10344, "E0");
  const std::vector<std::int64_t> counts = {1752, 570, 769, 1677, 940, 1261, 2306, 812, 1391, 639};
  for (std::size_t k = 0; k < counts.size(); ++k) label(cohort, k, counts[k], all_rows(cohort), draw);
  auto agreement = ecg::check_published(cohort);
  REQUIRE(agreement);
  CHECK(agreement->set == "Georgia");
  CHECK(says(agreement->text(),
             {"Georgia: agrees with the published counts", "10344 records", "TAb 2306", "PAC 639"}));
  ecg::check_kept(*agreement, 10292, {});
  CHECK(agreement->differs.empty());
  CHECK(agreement->agrees.size() == 12);
  ecg::check_kept(*agreement, 10000, {.length = 500});
  ecg::check_kept(*agreement, 10000, {.skip = 1});
  CHECK(agreement->differs.empty());
  ecg::check_kept(*agreement, 10291, {.rate = 500, .length = 5000});
  CHECK(agreement->differs == Names{"10291 of 10 s, published 10292"});

  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto row = take_one(cohort, k, all_rows(cohort));
    const auto off = ecg::check_published(cohort);
    CHECK(off->differs == Names{concat(cohort.classes[k], ' ', counts[k] - 1, ", published ", counts[k])});
    cohort.records[row].labels[k] = 1;
  }
  // Classes of one's own are not compared, nor is another set of that size.
  cohort.classes[2] = "999";
  cohort.records[5].labels[2] = 1 - cohort.records[5].labels[2];
  CHECK(ecg::check_published(cohort)->differs.empty());
  cohort.records[0].path = "set/A1";
  CHECK(!ecg::check_published(cohort));
}

TEST_CASE("oracles: CPSC2018's shares, to what a stratified part can tell") {
  std::mt19937 draw(2);
  auto cohort = cohort_of("challenge", ecg::kCpscClasses, 6877, "A");
  const std::vector<double> shares = {.13360, .17769, .10494, .03395, .27028, .08907, .10229, .12654, .03219};
  for (std::size_t k = 0; k < shares.size(); ++k)
    label(cohort, k, std::llround(shares[k] * 6877), all_rows(cohort), draw);
  CHECK(says(ecg::check_published(cohort)->text(), {"CPSC2018: agrees", "6877 records", "RBBB 0.2703"}));
  for (int n = 0; n < 20; ++n) take_one(cohort, 3, all_rows(cohort));
  CHECK(says(ecg::check_published(cohort)->text(),
             {"differs from the published counts: LBBB 0.03", "published 0.03395"}));
}

TEST_CASE("oracles: PTB: how many have a diagnosis, and the labels of the test third") {
  std::mt19937 draw(3);
  auto cohort = cohort_of("ptb", ecg::kPtbClasses, 522, "patient");
  for (int n = 0; n < 27; ++n) cohort.dropped.push_back({concat("x", n), "no diagnosis", "x"});
  const Split split = train_test_split(522);
  REQUIRE(split.test.size() == 173);
  CHECK(std::vector<std::int64_t>(split.test.begin(), split.test.begin() + 4) ==
        std::vector<std::int64_t>{187, 335, 392, 306});
  label(cohort, 0, 29, {split.test.begin(), split.test.begin() + 50}, draw);
  label(cohort, 1, 120, {split.test.begin() + 50, split.test.end()}, draw);
  label(cohort, 1, 200, split.train, draw);
  const auto agreement = ecg::check_published(cohort);
  REQUIRE(agreement);
  CHECK(says(agreement->text(), {"PTB 1.0.0: agrees", "549 records", "522 with a diagnosis",
                                 "NORM 0.16763 of the test records", "MI 0.69364 of the test records"}));
  take_one(cohort, 1, split.train);
  CHECK(ecg::check_published(cohort)->differs.empty());
  take_one(cohort, 1, split.test);
  CHECK(ecg::check_published(cohort)->differs == Names{"MI 0.68786 of the test records, published 0.69364"});

  cohort.dropped.push_back({cohort.records.back().name, "no diagnosis", "x"});
  cohort.records.pop_back();
  CHECK(ecg::check_published(cohort)->differs == Names{"521 with a diagnosis, published 522"});
  cohort.dropped.pop_back();
  CHECK(!ecg::check_published(cohort));
}

TEST_CASE("oracles: CODE-test's shares are those of its 827 records") {
  std::mt19937 draw(4);
  auto cohort = cohort_of("code-test", ecg::kCodeTestClasses, 827, "");
  const std::vector<std::int64_t> counts = {681, 28, 34, 30, 16, 13, 37};
  for (std::size_t k = 0; k < counts.size(); ++k) label(cohort, k, counts[k], all_rows(cohort), draw);
  CHECK(says(ecg::check_published(cohort)->text(),
             {"CODE-test: agrees", "827 records", "NORM 0.82346", "AF 0.01572"}));
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto row = take_one(cohort, k, all_rows(cohort));
    const auto off = ecg::check_published(cohort);
    REQUIRE(off->differs.size() == 1);
    CHECK(off->differs[0].starts_with(cohort.classes[k] + " "));
    cohort.records[row].labels[k] = 1;
  }
  // What is dropped for want of a label leaves nothing to compare.
  ecg::detail::drop_unlabelled(cohort);
  CHECK(!ecg::check_published(cohort));
}

TEST_CASE("oracles: PTB-XL by its versions; 407 without a superclass") {
  for (const std::int64_t size : {21837, 21799}) {
    auto cohort = cohort_of("ptb-xl", ecg::kPtbXlClasses, size, "records100/");
    for (std::size_t n = 407; n < cohort.records.size(); ++n) cohort.records[n].labels[n % 5] = 1;
    const auto agreement = ecg::check_published(cohort);
    REQUIRE(agreement);
    CHECK(agreement->set == (size == 21837 ? "PTB-XL 1.0.1" : "PTB-XL 1.0.3"));
    CHECK(agreement->differs.empty());
    cohort.records[0].labels[2] = 1;
    CHECK(ecg::check_published(cohort)->differs ==
          (size == 21837 ? Names{"406 without a superclass, published 407"} : Names{}));
    cohort.kind = "labels.csv";
    CHECK(!ecg::check_published(cohort));
  }
}
