// tests/ecg/source_code_test_test.cpp: CODE-test: labels, units, what is cut off, what is refused; its array
// made up tests/hdf5/tracings_test.cpp reads files.
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <random>

#include "scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;
using Names = std::vector<std::string>;

namespace {

constexpr const char* kHeader = "1dAVb,RBBB,LBBB,SB,AF,ST\n";

// Units: I and II are drawn, the limb leads follow from them, V1 to V6 count.
std::vector<double> tracing(std::int64_t record) {
  std::vector<double> x;
  std::mt19937 draw(static_cast<unsigned>(record));
  for (int n = 0; n < 4096; ++n) {
    const double one = static_cast<double>(draw() % 2000) / 100,
                 two = static_cast<double>(draw() % 2000) / 100;
    for (const double v : {one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2})
      x.push_back(v);
    for (int lead = 6; lead < 12; ++lead) x.push_back(n + lead + static_cast<double>(record));
  }
  return x;
}

ecg::OpenTracings array_of(std::vector<std::int64_t> shape) {
  return [shape](const std::filesystem::path& file, const std::string& dataset) {
    return ecg::Tracings{
        .source = concat(file.string(), ": dataset ", dataset), .shape = shape, .read = tracing};
  };
}

void write_set(const scratch::Folder& folder, const std::string& rows) {
  folder.write(ecg::kTracingsFile, "not looked into here");
  folder.write("annotations/gold_standard.csv", kHeader + rows);
}

}  // namespace

TEST_CASE("source_code_test: whatever the annotations, NORM is none of the six, classes in the order asked") {
  std::mt19937 draw(11);
  for (int trial = 0; trial < 20; ++trial) {
    const scratch::Folder folder;
    std::string rows;
    std::vector<std::vector<float>> wanted;
    for (int n = 0; n < 25; ++n) {
      std::vector<float> labels = {1};
      for (int k = 0; k < 6; ++k) {
        const bool has = draw() % 5 == 0;
        labels.push_back(has);
        if (has) labels[0] = 0;
        rows += concat(k ? "," : "", has ? (trial % 2 ? "1" : "1.0") : "0");
      }
      rows += "\n";
      wanted.push_back(labels);
    }
    write_set(folder, rows);
    CHECK(ecg::detect(folder.path) == "code-test");
    const auto cohort = ecg::open_source(folder.path, {.tracings = array_of({25, 4096, 12})});
    CHECK(cohort.classes == Names{"NORM", "1dAVb", "RBBB", "LBBB", "SB", "AF", "ST"});
    const auto chosen =
        ecg::open_source(folder.path, {.classes = {"ST", "NORM"}, .tracings = array_of({25, 4096, 12})});
    REQUIRE(cohort.records.size() == 25);
    for (std::size_t n = 0; n < 25; ++n) {
      CHECK(cohort.records[n].labels == wanted[n]);
      CHECK(chosen.records[n].labels == std::vector<float>{wanted[n][6], wanted[n][0]});
      CHECK(cohort.records[n].row == static_cast<std::int64_t>(n));
    }
  }
}

TEST_CASE("source_code_test: millivolts, every 4th sample, 12 off each end") {
  const scratch::Folder folder;
  write_set(folder, "0,0,0,0,0,0\n1,0,0,0,0,0\n");
  const auto data = ecg::load(ecg::open_source(folder.path, {.tracings = array_of({2, 4096, 12})}));
  REQUIRE(data.size == 2);
  CHECK(data.length == 1000);
  CHECK(data.warnings.empty());
  for (std::size_t r = 0; r < 2; ++r) {
    const auto raw = tracing(static_cast<std::int64_t>(r));
    double apart = 0;
    for (std::size_t n = 0; n < 1000; ++n)
      for (std::size_t lead = 0; lead < 12; ++lead)
        apart = std::max(
            apart, std::abs(static_cast<double>(data.samples[(r * 1000 + n) * 12 + lead]) -
                            static_cast<double>(static_cast<float>(raw[(12 + n) * 4 * 12 + lead] * 0.1))));
    CHECK(apart == 0);
  }
  CHECK(data.digest.value !=
        ecg::open_source(folder.path, {.tracings = array_of({2, 4096, 12})}).digest.value);
}

TEST_CASE("source_code_test: leads in another order than they are read in are told, from I and II") {
  const scratch::Folder folder;
  write_set(folder, "0,0,0,0,0,0\n");
  const auto warnings = [&](const std::function<void(double*)>& change) {
    const auto open = [&](const std::filesystem::path&, const std::string&) {
      return ecg::Tracings{.source = "it", .shape = {1, 4096, 12}, .read = [&](std::int64_t record) {
                             auto x = tracing(record);
                             for (std::size_t n = 0; n < 4096; ++n) change(&x[n * 12]);
                             return x;
                           }};
    };
    return ecg::load(ecg::open_source(folder.path, {.tracings = open})).warnings;
  };
  CHECK(warnings([](double*) {}).empty());
  // aVL, aVF, aVR: as older descriptions of the set have them
  const auto other = warnings([](double* x) {
    std::swap(x[3], x[4]);
    std::swap(x[4], x[5]);
  });
  REQUIRE(other.size() == 1);
  CHECK(other[0].key == "lead order");
  CHECK(says(other[0].text, {"it, record 0", "read as aVR, aVL, aVF", "say aVL, aVF, aVR"}));
  CHECK(warnings([](double* x) { std::swap(x[4], x[5]); }).size() == 1);
  CHECK(warnings([](double* x) {  // silent, or of something else: nothing is known
          for (int k = 0; k < 12; ++k) x[k] = 0;
        })
            .empty());
  CHECK(warnings([](double* x) {
          for (int k = 3; k < 6; ++k) x[k] = x[k + 3];
        }).empty());
}

TEST_CASE("source_code_test: what is missing, misshapen or not told is refused") {
  const scratch::Folder folder;
  write_set(folder, "0,0,0,0,0,0\n1,0,0,0,0,0\n");
  const auto refusal = [&](const ecg::OpenTracings& open, const Names& classes = {}) {
    return message([&] { ecg::open_source(folder.path, {.classes = classes, .tracings = open}); });
  };
  CHECK(says(refusal({}), {"ecg_tracings.hdf5", "built without", "libhdf5-dev", "-DCORDIS_HDF5=ON"}));
  CHECK(says(refusal(array_of({3, 4096, 12})),
             {"dataset tracings holds 3 records", "gold_standard.csv has 2 rows"}));
  CHECK(says(refusal(array_of({2, 12, 4096})), {"shape (2, 12, 4096)", "wanted (records, 4096, 12)"}));
  CHECK(says(refusal(array_of({2, 4096})), {"shape (2, 4096)", "wanted (records, 4096, 12)"}));
  CHECK(refusal(array_of({2, 4096, 12})).empty());
  CHECK(says(message<std::invalid_argument>([&] {
               refusal(array_of({2, 4096, 12}), {"PAC"});
             }),
             {"[open_code_test]", "PAC", "1dAVb"}));
  folder.write("annotations/gold_standard.csv", std::string(kHeader) + "0,0,0,0,0,0\n0,0,2,0,0,0\n");
  CHECK(says(refusal(array_of({2, 4096, 12})), {"gold_standard.csv:3", "'LBBB'", "'2'", "0 or 1"}));
  folder.write("annotations/gold_standard.csv", "1dAVb,RBBB,LBBB,SB,AF\n0,0,0,0,0\n");
  CHECK(says(refusal(array_of({1, 4096, 12})), {"gold_standard.csv:1", "no column 'ST'"}));
  std::filesystem::remove(folder.path / "annotations/gold_standard.csv");
  CHECK(says(refusal(array_of({2, 4096, 12})), {"annotations/gold_standard.csv", "no such file"}));
  std::filesystem::remove(folder.path / ecg::kTracingsFile);
  CHECK(says(message([&] { ecg::open_code_test(folder.path); }), {"ecg_tracings.hdf5", "no such file"}));
}

TEST_CASE("source_code_test: records without any of the classes can be left out, and are counted") {
  const scratch::Folder folder;
  write_set(folder, "0,0,0,0,0,0\n1,0,0,0,0,0\n0,1,0,0,0,0\n");
  const auto cohort = ecg::open_code_test(
      folder.path, {.classes = {"RBBB"}, .drop_unlabelled = true, .open = array_of({3, 4096, 12})});
  REQUIRE(cohort.records.size() == 1);
  CHECK(cohort.records[0].name == "2");
  CHECK(ecg::count_by_reason(cohort.dropped) == std::map<std::string, std::int64_t>{{"no labels", 2}});
}

TEST_CASE("source_code_test: a record that cannot be read is the set's error, or is dropped") {
  const scratch::Folder folder;
  write_set(folder, "0,0,0,0,0,0\n1,0,0,0,0,0\n");
  const auto open = [](const std::filesystem::path&, const std::string&) {
    return ecg::Tracings{.source = "it", .shape = {2, 4096, 12}, .read = [](std::int64_t record) {
                           if (record == 1) throw IoError("it: record 1 is gone");
                           return tracing(record);
                         }};
  };
  const auto cohort = ecg::open_source(folder.path, {.tracings = open});
  CHECK(message([&] { ecg::load(cohort); }) == "it: record 1 is gone");
  const auto data = ecg::load(cohort, {.drop_unreadable = true});
  CHECK(data.size == 1);
  CHECK(ecg::count_by_reason(data.dropped) == std::map<std::string, std::int64_t>{{"unreadable", 1}});
}
