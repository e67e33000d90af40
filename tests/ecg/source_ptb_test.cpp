// tests/ecg/source_ptb_test.cpp: PTB: records that PyPI's wfdb wrote, its labels, and folders that are not
// whole
#include <doctest/doctest.h>

#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <random>

#include "scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;
using Names = std::vector<std::string>;

namespace {

const std::filesystem::path kFixtures = std::filesystem::path(CORDIS_FIXTURES_DIR) / "sources";

const std::map<std::string, std::vector<double>>& expected() {
  static const auto numbers = scratch::read_numbers(kFixtures / "expected.csv");
  return numbers;
}

// One lead of one sample, which is enough for its labels.
void write_record(const scratch::Folder& folder, const std::string& name, const std::string& comments) {
  const auto file = std::filesystem::path(name).filename().string();
  folder.write(name + ".dat", scratch::bytes_of({1}));
  folder.write(name + ".hea", concat(file, " 1 1000 1\n", file, ".dat 16 2000 16 0 1 1 0 i\n", comments));
}

void copy_fixture(const scratch::Folder& folder) {
  std::filesystem::copy(kFixtures / "ptb", folder.path, std::filesystem::copy_options::recursive);
}

}  // namespace

TEST_CASE("source_ptb: labels from the reasons for admission, patients from the folders") {
  const auto cohort = ecg::open_source(kFixtures / "ptb");
  CHECK(cohort.kind == "ptb");
  CHECK(cohort.classes == Names{"NORM", "MI"});
  REQUIRE(cohort.records.size() == 4);
  CHECK(cohort.records[0].name == "patient001/s0010_re");
  CHECK(cohort.records[0].patient == "patient001");
  CHECK(cohort.records[1].patient == "patient001");
  CHECK(cohort.records[2].patient == "patient104");
  CHECK(cohort.records[0].labels == std::vector<float>{0, 1});
  CHECK(cohort.records[2].labels == std::vector<float>{1, 0});
  CHECK(cohort.records[3].labels == std::vector<float>{0, 0});
  CHECK(cohort.unused_codes == std::map<std::string, std::int64_t>{{"Bundle branch block", 1}});
  REQUIRE(cohort.dropped.size() == 1);
  CHECK(cohort.dropped[0].name == "patient285/s0544_re");
  CHECK(cohort.dropped[0].key == "no diagnosis");
  CHECK(says(cohort.dropped[0].text, {"patient285/s0544_re", "no reason for admission"}));
  REQUIRE(cohort.steps.size() == 1);
  CHECK(cohort.steps[0].before == 5);
  CHECK(cohort.steps[0].after == 4);
  CHECK(ecg::open_source(kFixtures / "ptb", {.drop_unlabelled = true}).records.size() == 3);
  CHECK(ecg::open_ptb(kFixtures / "ptb", {.classes = {"bundle branch block"}}).records[3].labels ==
        std::vector<float>{1});
}

TEST_CASE("source_ptb: both signal files of a record hold what wfdb reads, and no checksum is off") {
  for (const auto& record : ecg::open_source(kFixtures / "ptb").records) {
    CAPTURE(record.name);
    const auto read = ecg::read_record(record.path, {.strict = true});
    CHECK(read.fs == 1000);
    CHECK(read.length == 600);
    REQUIRE(read.leads == Names{"i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6",
                                "vx", "vy", "vz"});
    std::vector<float> some;
    for (std::size_t n = 0; n < 600; n += 30)
      some.insert(some.end(), read.samples.begin() + static_cast<std::ptrdiff_t>(n * 15),
                  read.samples.begin() + static_cast<std::ptrdiff_t>(n * 15 + 15));
    CHECK(scratch::deviation(some, expected().at("ptb." + record.name + ".raw")) < 1e-7);
  }
}

TEST_CASE("source_ptb: twelve leads by name, every 10th sample in millivolts, as numpy has them") {
  const auto data = ecg::load(ecg::open_source(kFixtures / "ptb"), {.preprocess = {.length = 50}});
  REQUIRE(data.size == 4);
  CHECK(data.warnings.empty());
  for (std::size_t r = 0; r < 4; ++r) {
    const auto first = data.samples.begin() + static_cast<std::ptrdiff_t>(r * 600);
    CHECK(scratch::deviation(std::vector<float>(first, first + 600),
                             expected().at("ptb." + data.records[r].name + ".prepared")) < 1e-7);
  }
}

TEST_CASE("source_ptb: any list of reasons gives the labels that a plain count gives") {
  std::mt19937 draw(7);
  const Names reasons = {"Healthy control",
                         "Myocardial infarction",
                         "myocardial Infarction",
                         "Dysrhythmia",
                         "Valvular heart disease",
                         "n/a",
                         "N/A",
                         "",
                         "-"};
  for (int trial = 0; trial < 20; ++trial) {
    const scratch::Folder folder;
    std::string list;
    std::int64_t norm = 0, mi = 0, none = 0, other = 0;
    for (int n = 0; n < 30; ++n) {
      const std::string &reason = reasons[draw() % reasons.size()], name = concat("patient", n / 3, "/s", n);
      write_record(folder, name, reason == "-" ? "# age: 5\n" : "# Reason for admission: " + reason + "\n");
      list += name + (n % 2 ? "\n" : "\r\n");
      const std::string low = ecg::lower(reason);
      ++(low == "healthy control"                  ? norm
         : low == "myocardial infarction"          ? mi
         : low == "n/a" || low == "" || low == "-" ? none
                                                   : other);
    }
    folder.write("RECORDS", list);
    const auto cohort = ecg::open_source(folder.path);
    CHECK(ecg::class_counts(cohort.records, 2) == std::vector<std::int64_t>{norm, mi});
    CHECK(std::ssize(cohort.dropped) == none);
    std::int64_t unused = 0;
    for (const auto& [code, count] : cohort.unused_codes) unused += count;
    CHECK(unused == other);
    CHECK(std::ssize(cohort.records) == norm + mi + other);

    // The list is what counts, unless there is none.
    write_record(folder, "patient99/s99", "# Reason for admission: Healthy control\n");
    CHECK(ecg::open_source(folder.path).records.size() == cohort.records.size());
    std::filesystem::remove(folder.path / "RECORDS");
    if (none < 30)
      CHECK(ecg::open_source(folder.path, {.kind = "ptb"}).records.size() == cohort.records.size() + 1);
  }
}

TEST_CASE("source_ptb: a folder that is not whole says how many records lack files, which, and what to do") {
  const scratch::Folder folder;
  copy_fixture(folder);
  std::filesystem::remove(folder.path / "patient001/s0014lre.xyz");
  std::filesystem::remove(folder.path / "patient104/s0306lre.hea");
  const auto open = [&](bool drop) { return ecg::open_source(folder.path, {.drop_unreadable = drop}); };
  CHECK(says(message([&] { open(false); }),
             {"patient001/s0014lre.xyz: no such file", "2 of 5 records",
              "(patient001/s0014lre, patient104/s0306lre)", "download", "--drop-unreadable"}));
  const auto rest = open(true);
  CHECK(rest.records.size() == 2);
  CHECK(ecg::count_by_reason(rest.dropped) ==
        std::map<std::string, std::int64_t>{{"unreadable", 2}, {"no diagnosis", 1}});
  CHECK(rest.steps[0].before == 5);
  CHECK(rest.steps[0].after == 3);
  CHECK(ecg::load(rest, {.preprocess = {.length = 50}}).size == 2);

  folder.write("patient107/s0199_re.hea", "s0199_re 15 1000");
  CHECK(
      says(message([&] { ecg::open_ptb(folder.path / "patient107"); }), {"s0199_re.hea", "0 signal lines"}));
  CHECK(open(true).records.size() == 1);

  // Truncated: found while reading, like any record's.
  std::filesystem::resize_file(folder.path / "patient001/s0010_re.xyz", 1000);
  CHECK(says(message([&] { ecg::load(open(true), {.preprocess = {.length = 50}}); }),
             {"s0010_re.xyz", "holds 1000 bytes", "wanted 3600", "600 samples x 3 signals"}));
}

TEST_CASE("source_ptb: a bad RECORDS names the line") {
  const scratch::Folder folder;
  copy_fixture(folder);
  const auto refusal = [&](const std::string& list) {
    folder.write("RECORDS", list);
    return message([&] { ecg::open_ptb(folder.path); });
  };
  CHECK(says(refusal("patient001/s0010_re\n\npatient001/s0010_re\n"),
             {"RECORDS:3", "patient001/s0010_re", "line 1 already"}));
  CHECK(says(refusal("patient001/s0010_re\n../x\n"), {"RECORDS:2", "../x", "outside"}));
  CHECK(says(refusal("/etc/x\n"), {"RECORDS:1", "/etc/x", "outside"}));
  CHECK(says(refusal("\n \n"), {"RECORDS", "names no record"}));
  const scratch::Folder empty;
  CHECK(says(message([&] { ecg::open_ptb(empty.path); }), {"RECORDS", ".hea"}));
}
