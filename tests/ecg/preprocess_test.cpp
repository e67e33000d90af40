// tests/ecg/preprocess_test.cpp: the study's steps, the comparison's steps against scipy, and reasons to drop
// a record
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/ecg/preprocess.hpp>
#include <limits>

#include "scratch.hpp"

using namespace cordis;
using ecg::Missing;
using ecg::Resampling;
using ecg::Scaling;
using scratch::message;
using scratch::says;

namespace {

const float kNaN = std::numeric_limits<float>::quiet_NaN();

// One column of samples per lead.
ecg::Record record_of(double fs, const std::vector<std::vector<float>>& leads) {
  ecg::Record record{.name = "r",
                     .source = "r.hea",
                     .fs = fs,
                     .length = std::ssize(leads[0]),
                     .leads = {},
                     .units = {},
                     .samples = {},
                     .comments = {},
                     .warnings = {}};
  for (std::size_t k = 0; k < leads.size(); ++k) {
    record.leads.push_back(concat("L", k));
    record.units.emplace_back("mV");
  }
  for (std::size_t n = 0; n < leads[0].size(); ++n)
    for (const auto& lead : leads) record.samples.push_back(lead[n]);
  return record;
}

std::vector<float> ramp(int n) {
  std::vector<float> x;
  for (int k = 0; k < n; ++k) x.push_back(static_cast<float>(k));
  return x;
}

std::vector<float> every_25th_row(const std::vector<float>& samples) {
  std::vector<float> out;
  for (std::size_t n = 0; n < samples.size(); n += 25 * 12)
    out.insert(out.end(), samples.begin() + static_cast<std::ptrdiff_t>(n),
               samples.begin() + static_cast<std::ptrdiff_t>(n + 12));
  return out;
}

}  // namespace

TEST_CASE(
    "preprocess: real records as scipy prepares them, for every step of the comparison and of the study") {
  const std::filesystem::path data = CORDIS_DATA_DIR;
  const auto check = [&](const std::string& steps, const std::string& name,
                         const ecg::PreprocessOptions& options) {
    CAPTURE(steps);
    CAPTURE(name);
    const auto prepared = ecg::preprocess(ecg::reorder_leads(ecg::read_record(data / name)), options);
    REQUIRE(!prepared.rejected);
    REQUIRE(prepared.samples.size() == 12000);
    CHECK(scratch::deviation(every_25th_row(prepared.samples),
                             scratch::filter_numbers().at(steps + " " + name)) < 2e-6);
  };
  for (const char* name : {"ludb/data/1", "ludb/data/8", "ptb-xl-mini/records100/00000/00001_lr"}) {
    check("band-pass polyphase z-score", name,
          {.band_pass = true, .resampling = Resampling::polyphase, .scaling = Scaling::z_score});
    check("decimate min-max", name, {.scaling = Scaling::min_max});
  }
  check("z-score", "ptb-xl-derived/records100z/00000/00519_z", {.scaling = Scaling::z_score});
}

TEST_CASE("preprocess: decimation, skip, crop, and the leads' order in the result") {
  std::vector<float> minus = ramp(100);
  for (float& v : minus) v = -v;
  const auto prepared = ecg::preprocess(record_of(500, {ramp(100), minus}), {.length = 3, .skip = 2});
  CHECK(prepared.samples == std::vector<float>{10, -10, 15, -15, 20, -20});
  CHECK(prepared.filled == 0);
}

TEST_CASE("preprocess: min-max to [-1, 1], constant leads at -1, missing samples pass through") {
  const auto prepared = ecg::preprocess(record_of(100, {{2, kNaN, 6, 4}, {3, 3, 3, 3}}),
                                        {.length = 4, .scaling = Scaling::min_max, .missing = Missing::keep});
  REQUIRE(prepared.samples.size() == 8);
  CHECK(std::isnan(prepared.samples[2]));
  CHECK(prepared.samples[0] == -1);
  CHECK(prepared.samples[4] == 1);
  CHECK(prepared.samples[6] == 0);
  for (const std::size_t n : {1u, 3u, 5u, 7u}) CHECK(prepared.samples[n] == -1);
  // What lies outside the crop takes no part.
  const auto crop =
      ecg::preprocess(record_of(100, {{1, 2, 3, 900}}), {.length = 3, .scaling = Scaling::min_max});
  CHECK(crop.samples == std::vector<float>{-1, 0, 1});
}

TEST_CASE("preprocess: z-score per lead") {
  const auto prepared = ecg::preprocess(record_of(100, {{1, 3, 1, 3}, {5, 5, 5, 5}}),
                                        {.length = 4, .scaling = Scaling::z_score});
  for (const std::size_t n : {0u, 2u, 4u, 6u}) {
    CHECK(prepared.samples[n] == doctest::Approx(n % 4 ? 1 : -1).epsilon(1e-5));
    CHECK(prepared.samples[n + 1] == 0);
  }
  CHECK(prepared.samples[2] < 1);  // 1 / (1 + 1e-6)
}

TEST_CASE(
    "preprocess: missing samples become the mean of their neighbours, or are kept, or drop the record") {
  const std::vector<float> x = {kNaN, 2, kNaN, 4, kNaN, kNaN, 8, kNaN};
  const auto filled = ecg::preprocess(record_of(100, {x}), {.length = 8});
  CHECK(filled.samples == std::vector<float>{2, 2, 3, 4, 6, 6, 8, 8});
  CHECK(filled.filled == 5);
  const auto dropped = ecg::preprocess(record_of(100, {ramp(8), x}), {.length = 8, .missing = Missing::drop});
  REQUIRE(dropped.rejected);
  CHECK(dropped.rejected->key == "missing samples");
  CHECK(says(dropped.rejected->text, {"r.hea", "lead L1", "5 of 8"}));
  CHECK(dropped.samples.empty());
  // Missing samples behind the crop are no reason.
  CHECK(!ecg::preprocess(record_of(100, {{1, 2, kNaN}}), {.length = 2, .missing = Missing::drop}).rejected);
}

TEST_CASE("preprocess: a filter never sees a missing sample") {
  std::vector<float> x = ramp(2000);
  x[700] = kNaN;
  x[1999] = kNaN;
  for (const bool band_pass : {false, true}) {
    const auto got = ecg::preprocess(
        record_of(500, {x}), {.length = 400, .band_pass = band_pass, .resampling = Resampling::polyphase});
    REQUIRE(!got.rejected);
    CHECK(got.filled == 2);
    x[1999] = 1998;  // what filling gives
    x[700] = 700;
    CHECK(got.samples ==
          ecg::preprocess(record_of(500, {x}),
                          {.length = 400, .band_pass = band_pass, .resampling = Resampling::polyphase})
              .samples);
    x[700] = kNaN;
    x[1999] = kNaN;
  }
}

TEST_CASE(
    "preprocess: records too short, leads without a sample and rates that do not fit are rejected with a "
    "reason") {
  const auto reason = [](const ecg::Record& record, const ecg::PreprocessOptions& options) {
    const auto prepared = ecg::preprocess(record, options);
    CHECK(prepared.samples.empty());
    return prepared.rejected.value_or(ecg::Rejection{});
  };
  const auto is_short = reason(record_of(500, {ramp(4995)}), {});
  CHECK(is_short.key == "too short");
  CHECK(says(is_short.text, {"r.hea", "999 samples at 100 Hz", "needs 1000"}));
  CHECK(!ecg::preprocess(record_of(500, {ramp(4996)}), {}).rejected);
  CHECK(reason(record_of(500, {ramp(4996)}), {.skip = 1}).key == "too short");
  CHECK(reason(record_of(100, {{}}), {.length = 1}).key == "too short");
  CHECK(!ecg::preprocess(record_of(100, {{7}}), {.length = 1}).rejected);

  const std::vector<float> none(10, kNaN);
  auto late = none;
  late[9] = 1;
  for (const auto& lead : {none, late}) {
    const auto empty = reason(record_of(100, {ramp(10), lead}), {.length = 9});
    CHECK(empty.key == "empty lead");
    CHECK(says(empty.text, {"r.hea", "lead L1", "all 9"}));
  }
  auto behind = ramp(3000);  // samples only behind the crop, which a filter would smear into it
  std::fill(behind.begin(), behind.begin() + 500, kNaN);
  CHECK(reason(record_of(500, {behind}), {.length = 100, .band_pass = true}).key == "empty lead");
  auto between = none;  // its only sample falls between those that decimation keeps
  between[1] = 1;
  CHECK(reason(record_of(500, {between}), {.length = 2}).key == "empty lead");

  const auto rate = reason(record_of(257, {ramp(5000)}), {});
  CHECK(rate.key == "rate");
  CHECK(says(rate.text, {"r.hea", "257 Hz", "multiple of 100"}));
  CHECK(!ecg::preprocess(record_of(257, {ramp(5000)}), {.resampling = Resampling::polyphase}).rejected);
  CHECK(reason(record_of(33.3333, {ramp(5000)}), {.resampling = Resampling::polyphase}).key == "rate");
  CHECK(says(reason(record_of(80, {ramp(5000)}), {.rate = 80, .band_pass = true}).text, {"80 Hz", "40 Hz"}));
  const auto padding = reason(record_of(100, {ramp(27)}), {.length = 5, .band_pass = true});
  CHECK(padding.key == "too short");
  CHECK(says(padding.text, {"27 samples", "more than 27"}));
}

TEST_CASE("preprocess: options that make no sense are refused") {
  const auto refusal = [](const ecg::PreprocessOptions& options) {
    return message<std::invalid_argument>([&] { ecg::preprocess(record_of(100, {ramp(10)}), options); });
  };
  CHECK(says(refusal({.rate = 0}), {"[preprocess]", "rate is 0"}));
  CHECK(says(refusal({.rate = -100}), {"[preprocess]", "rate is -100"}));
  CHECK(says(refusal({.rate = std::nan("")}), {"[preprocess]", "rate is nan"}));
  CHECK(says(refusal({.length = 0}), {"[preprocess]", "length is 0"}));
  CHECK(says(refusal({.length = std::int64_t{1} << 60}), {"[preprocess]", "length is 1152921504606846976"}));
  CHECK(says(refusal({.skip = -1}), {"[preprocess]", "skip is -1"}));
  CHECK(refusal({.skip = std::int64_t{1} << 30}).empty());  // the record is too short, the option is one
  CHECK(says(refusal({.skip = (std::int64_t{1} << 30) + 1}), {"[preprocess]", "skip is 1073741825"}));
  CHECK(says(refusal({.band_pass = true, .low = 40, .high = 0.5}), {"[preprocess]", "40 to 0.5"}));
  CHECK(says(refusal({.band_pass = true, .missing = Missing::keep}), {"[preprocess]", "kept"}));
}
