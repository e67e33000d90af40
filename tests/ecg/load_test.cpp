// tests/ecg/load_test.cpp: a cohort into one array: order of leads, missing samples, options, nothing to load
// What becomes of dropped records, checksums and digests stands in sources_test.cpp.
#include <doctest/doctest.h>

#include <cordis/ecg/load.hpp>

#include "scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;

namespace {

// Sample n of lead k is 100 n + k in millivolts, but for one missing; leads are written in the order given.
void write_two_leads(const scratch::Folder& folder, const std::string& name, int samples, bool backwards,
                     int missing = -1) {
  std::vector<std::int16_t> x;
  std::string header = concat(name, " 12 100 ", samples, "\n");
  for (int k = 0; k < 12; ++k) {
    const auto lead = static_cast<std::size_t>(backwards ? 11 - k : k);
    header += concat(name, ".dat 16 1(0)/mV 16 0 ", ecg::kStandardLeads[lead], "\n");
  }
  for (int n = 0; n < samples; ++n)
    for (int k = 0; k < 12; ++k)
      x.push_back(n == missing ? std::int16_t{-32768}
                               : static_cast<std::int16_t>(100 * n + (backwards ? 11 - k : k)));
  folder.write(name + ".dat", scratch::bytes_of(x));
  folder.write(name + ".hea", header);
}

ecg::Cohort cohort_of(const scratch::Folder& folder, const std::vector<std::string>& names) {
  ecg::Cohort cohort{.kind = "made",
                     .folder = folder.path,
                     .classes = {"X"},
                     .records = {},
                     .dropped = {},
                     .steps = {},
                     .unused_codes = {{"z", 3}},
                     .digest = {}};
  for (const auto& name : names)
    cohort.records.push_back({.name = name,
                              .path = folder.path / name,
                              .labels = {static_cast<float>(name == "b")},
                              .patient = {}});
  return cohort;
}

}  // namespace

TEST_CASE("load: rows are records, then samples, then leads in standard order, whatever the file's") {
  const scratch::Folder folder;
  write_two_leads(folder, "a", 5, false);
  write_two_leads(folder, "b", 6, true);
  const auto data = ecg::load(cohort_of(folder, {"b", "a"}), {.preprocess = {.length = 4, .skip = 1}});
  CHECK(data.size == 2);
  CHECK(data.length == 4);
  CHECK(data.leads == 12);
  CHECK(data.labels == std::vector<float>{1, 0});
  CHECK(data.unused_codes.at("z") == 3);
  REQUIRE(data.samples.size() == 2 * 4 * 12);
  int wrong = 0;
  for (std::size_t i = 0; i < data.samples.size(); ++i)
    wrong += data.samples[i] != static_cast<float>(100 * (i / 12 % 4 + 1) + i % 12);
  CHECK(wrong == 0);
}

TEST_CASE("load: missing samples are filled and counted, kept, or cost the record") {
  const scratch::Folder folder;
  write_two_leads(folder, "a", 5, false, 2);
  const auto load = [&](ecg::Missing missing) {
    return ecg::load(cohort_of(folder, {"a"}), {.preprocess = {.length = 5, .missing = missing}});
  };
  const auto filled = load(ecg::Missing::fill);
  CHECK(filled.filled == 12);
  CHECK(filled.samples[2 * 12 + 3] == 203);
  const auto kept = load(ecg::Missing::keep);
  CHECK(kept.filled == 0);
  CHECK(std::isnan(kept.samples[2 * 12 + 3]));
  const auto dropped = load(ecg::Missing::drop);
  CHECK(dropped.size == 0);
  CHECK(dropped.samples.empty());
  REQUIRE(dropped.dropped.size() == 1);
  CHECK(dropped.dropped[0].name == "a");
  CHECK(dropped.filled == 0);
}

TEST_CASE("load: an empty cohort gives no rows; bad options are refused before anything is read") {
  const scratch::Folder folder;
  const auto data = ecg::load(cohort_of(folder, {}), {.preprocess = {.length = 5}});
  CHECK(data.size == 0);
  CHECK(data.samples.empty());
  CHECK(data.classes == std::vector<std::string>{"X"});
  const auto refused = [&](const ecg::PreprocessOptions& o) {
    return message<std::invalid_argument>(
        [&] { ecg::load(cohort_of(folder, {"nowhere"}), {.preprocess = o}); });
  };
  CHECK(says(refused({.length = 0}), {"length is 0"}));
  CHECK(says(refused({.rate = 0}), {"rate is 0"}));
  CHECK(says(refused({.skip = -1}), {"skip is -1"}));
  CHECK(says(refused({.band_pass = true, .low = 40, .high = 1}), {"band is 40 to 1"}));
  CHECK(says(message([&] { ecg::load(cohort_of(folder, {"nowhere"})); }), {"nowhere.hea", "no such file"}));
}

TEST_CASE("load: each reason is a step of its own, and they add up") {
  const scratch::Folder folder;
  write_two_leads(folder, "a", 9, false);
  write_two_leads(folder, "short", 3, false);
  write_two_leads(folder, "gap", 9, false, 4);
  const auto data =
      ecg::load(cohort_of(folder, {"short", "a", "none", "gap"}),
                {.preprocess = {.length = 8, .missing = ecg::Missing::drop}, .drop_unreadable = true});
  CHECK(data.size == 1);
  CHECK(ecg::count_by_reason(data.dropped).size() == 3);
  REQUIRE(data.steps.size() == 3);
  std::int64_t left = 4;
  for (const auto& step : data.steps) {
    CHECK(step.before == left);
    CHECK(step.after == left - 1);
    CHECK(step.what.starts_with("not dropped as "));
    left = step.after;
  }
}
