// tests/ecg/source_ludb_test.cpp: LUDB as published: its table in words against labels that others made of it
#include <doctest/doctest.h>

#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>

#include "scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(CORDIS_DATA_DIR) / "ludb";

const std::string kColumns =
    "ID,Sex,Age,Rhythms,Electric axis of the heart,Conduction abnormalities,Extrasystolies,Hypertrophies,"
    "Cardiac pacing,Ischemia,Non-specific repolarization abnormalities,Other states\n";

std::vector<float> labels(const std::string& row, const std::vector<std::string>& classes) {
  scratch::Folder folder;
  folder.write("ludb.csv", kColumns + row);
  return ecg::open_ludb(folder.path, {.classes = classes}).records.at(0).labels;
}

}  // namespace

TEST_CASE("source_ludb: all ten classes of all records are those of the labels.csv beside the table") {
  std::vector<std::string> classes = {"NORM"};
  for (const auto& rule : ecg::kLudbRules) classes.push_back(rule.name);
  const auto cohort = ecg::open_ludb(kFolder, {.classes = classes});
  const auto table = ecg::read_csv(kFolder / "labels.csv");
  REQUIRE(cohort.records.size() == table.rows.size());
  REQUIRE(cohort.records.size() == 160);
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    CAPTURE(cohort.records[row].name);
    CHECK(cohort.records[row].name == table.rows[row][table.column("filename")]);
    for (std::size_t k = 0; k < classes.size(); ++k) {
      CAPTURE(classes[k]);
      CHECK(cohort.records[row].labels[k] ==
            (table.rows[row][table.column(classes[k])] == "1" ? 1.0f : 0.0f));
    }
  }
}

TEST_CASE("source_ludb: found by its table where there is no labels.csv, and loaded as the other") {
  scratch::Folder folder;
  std::filesystem::copy(kFolder / "ludb.csv", folder.path / "ludb.csv");
  std::filesystem::create_directory_symlink(kFolder / "data", folder.path / "data");
  const auto cohort = ecg::open_source(folder.path);
  CHECK(cohort.kind == "ludb");
  CHECK(cohort.classes == ecg::kLudbClasses);
  ecg::LoadOptions options;
  options.preprocess.length = 50;
  const auto data = ecg::load(cohort, options), other = ecg::load(ecg::open_source(kFolder), options);
  CHECK(data.samples == other.samples);
  CHECK(data.labels == other.labels);
}

TEST_CASE("source_ludb: lines of a field, upper and lower case, blanks") {
  const std::vector<std::string> classes = {"NORM", "ISCHEMIA", "INFARCT", "AFIB_AFLT", "SBRAD"};
  using Labels = std::vector<float>;
  CHECK(labels("7,M,60,Sinus rhythm,,,,,,,,\n", classes) == Labels{1, 0, 0, 0, 0});
  CHECK(labels("7,M,60,\"Sinus bradycardia\n\",,,,,,,,\n", classes) == Labels{1, 0, 0, 0, 1});
  CHECK(labels("7,M,60,ATRIAL FLUTTER,,,,,,,,\n", classes) == Labels{0, 0, 0, 1, 0});
  CHECK(labels("7,M,60,,,,,,,\" \nUndefined ischemia/scar/supp.nstemi: apical\",,\n", classes) ==
        Labels{0, 1, 0, 0, 0});
  CHECK(labels("7,M,60,,,,,,,\"Ischemia: apical\n Scar formation: septal\",,\n", classes) ==
        Labels{0, 1, 1, 0, 0});
}

TEST_CASE("source_ludb: what cannot be read is told") {
  scratch::Folder folder;
  folder.write("ludb.csv", kColumns + "7,M,60,,,,,,,,,\n7,M,60,,,,,,,,,\n");
  CHECK(says(message([&] { ecg::open_ludb(folder.path); }),
             {"ludb.csv:3", "record 7 stands there a second time"}));
  folder.write("ludb.csv", kColumns + "x,M,60,,,,,,,,,\n");
  CHECK(says(message([&] { ecg::open_ludb(folder.path); }), {"ludb.csv:2", "'x', wanted a record's number"}));
  folder.write("ludb.csv", "ID,Sex\n1,M\n");
  CHECK(says(message([&] { ecg::open_ludb(folder.path); }), {"no column 'Hypertrophies'"}));
  CHECK_THROWS_WITH(ecg::open_ludb(folder.path, {.classes = {"MI"}}),
                    doctest::Contains("class MI is none of NORM, HYP"));
}
