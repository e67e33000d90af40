// tests/ecg/cohort_test.cpp: counting classes and reasons, and what a class list has to be
#include <doctest/doctest.h>

#include <cordis/ecg/cohort.hpp>

#include "scratch.hpp"

using namespace cordis::ecg;
using scratch::message;
using scratch::says;
using Counts = std::vector<std::int64_t>;

namespace {

CohortRecord record(const std::string& name, std::vector<float> labels) {
  return {.name = name, .path = name, .labels = std::move(labels), .patient = {}};
}

}  // namespace

TEST_CASE("cohort: class counts, several labels a record, and none") {
  const std::vector<CohortRecord> records = {record("a", {1, 0, 1}), record("b", {0, 0, 0}),
                                             record("c", {1, 0, 0})};
  CHECK(class_counts(records, 3) == Counts{2, 0, 1});
  CHECK(class_counts({}, 2) == Counts{0, 0});
  CHECK(class_counts(records, 0).empty());
}

TEST_CASE("cohort: a class without records is refused with every class's count") {
  const std::vector<CohortRecord> records = {record("a", {1, 0, 1}), record("c", {1, 0, 0})};
  CHECK(says(message([&] {
               require_every_class(records, {"X", "Y", "Z"}, "set");
             }),
             {"set: ", "no record of class Y;", "X 2, Y 0, Z 1"}));
  CHECK(says(message([&] { require_every_class({}, {"X", "Y"}, "set"); }), {"no record of class X, Y"}));
  CHECK_NOTHROW(require_every_class({record("a", {1})}, {"X"}, "set"));
}

TEST_CASE("cohort: reasons are counted by key") {
  const auto counts =
      count_by_reason({{"a", "no file", "t"}, {"b", "too short", "t"}, {"c", "no file", "u"}});
  CHECK(counts == std::map<std::string, std::int64_t>{{"no file", 2}, {"too short", 1}});
  CHECK(count_by_reason({}).empty());
}

TEST_CASE("cohort: a class list has names, and each once") {
  using Error = std::invalid_argument;
  CHECK(says(message<Error>([] { cordis::ecg::detail::check_classes({}, "open_x"); }),
             {"[open_x]", "no classes"}));
  CHECK(says(message<Error>([] {
               cordis::ecg::detail::check_classes({"A", "B", "A"}, "open_x");
             }),
             {"[open_x]", "class A", "twice"}));
  CHECK_NOTHROW(cordis::ecg::detail::check_classes({"A", "a"}, "open_x"));
}

TEST_CASE("cohort: dropping the unlabelled keeps the order and tells the step") {
  Cohort cohort{.kind = "made",
                .folder = {},
                .classes = {"X"},
                .records = {},
                .dropped = {},
                .steps = {},
                .unused_codes = {},
                .digest = {}};
  cohort.records = {record("a", {0}), record("b", {1}), record("c", {0}), record("d", {1})};
  cordis::ecg::detail::drop_unlabelled(cohort);
  REQUIRE(cohort.records.size() == 2);
  CHECK(cohort.records[0].name == "b");
  CHECK(cohort.records[1].name == "d");
  REQUIRE(cohort.dropped.size() == 2);
  CHECK(cohort.dropped[1].name == "c");
  CHECK(cohort.dropped[1].key == "no labels");
  CHECK(says(cohort.dropped[1].text, {"c: ", "none of the classes"}));
  REQUIRE(cohort.steps.size() == 1);
  CHECK(cohort.steps[0].before == 4);
  CHECK(cohort.steps[0].after == 2);
}
