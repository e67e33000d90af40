// tests/hdf5/tracings_test.cpp: CODE-test in files that h5py wrote, from the folder to what a network takes
#include <doctest/doctest.h>

#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <cordis/hdf5/tracings.hpp>

#include "ecg/scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;

namespace {

const std::filesystem::path kSources = std::filesystem::path(CORDIS_FIXTURES_DIR) / "sources";

ecg::Cohort open(const std::filesystem::path& folder) {
  return ecg::open_source(folder, {.tracings = hdf5::open_tracings});
}

}  // namespace

TEST_CASE("tracings: float32 and big-endian float64 through the study's steps, as h5py and numpy have them") {
  const auto expected = scratch::read_numbers(kSources / "expected.csv");
  constexpr std::size_t kMoments[] = {0, 1, 2, 3, 17, 251, 499, 500, 737, 998, 999};
  const auto compare = [&](const std::string& set, const std::string& stem, std::int64_t records) {
    CAPTURE(set);
    const auto cohort = open(kSources / set);
    CHECK(cohort.kind == "code-test");
    for (const auto& [what, scaling] :
         {std::pair{"prepared", ecg::Scaling::min_max}, {"millivolts", ecg::Scaling::none}}) {
      const auto data = ecg::load(cohort, {.preprocess = {.scaling = scaling}});
      REQUIRE(data.size == records);
      CHECK(data.dropped.empty());
      CHECK(data.warnings.empty());  // the leads are in the order told, by I and II
      for (std::int64_t r = 0; r < records; ++r) {
        const float* x = data.samples.data() + r * 12000;
        std::vector<float> some;
        for (const auto n : kMoments) some.insert(some.end(), x + n * 12, x + n * 12 + 12);
        CHECK(scratch::deviation(some, expected.at(concat("code.", stem, ".", r, ".", what))) <
              3e-7);  // millivolts are rounded to floats first
        if (scaling != ecg::Scaling::min_max) continue;
        std::vector<double> means(12, 0.0);
        for (std::size_t n = 0; n < 12000; ++n) means[n % 12] += static_cast<double>(x[n]) / 1000;
        CHECK(scratch::deviation(means, expected.at(concat("code.", stem, ".", r, ".mean"))) < 1e-6);
      }
    }
  };
  compare("code-test", "f4", 5);
  compare("code-test-f8", "f8", 2);
  CHECK(ecg::class_counts(open(kSources / "code-test").records, 7) ==
        std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 1});
}

TEST_CASE("tracings: the array and the annotations of two sets do not go together") {
  const scratch::Folder folder;
  std::filesystem::copy(kSources / "code-test", folder.path, std::filesystem::copy_options::recursive);
  std::filesystem::copy_file(kSources / "code-test-f8/ecg_tracings.hdf5", folder.path / "ecg_tracings.hdf5",
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(says(message([&] { open(folder.path); }),
             {"ecg_tracings.hdf5: dataset tracings holds 2 records", "gold_standard.csv has 5 rows"}));
  std::filesystem::resize_file(folder.path / "ecg_tracings.hdf5", 5000);
  CHECK(says(message([&] { open(folder.path); }), {"ecg_tracings.hdf5: holds 5000 bytes", "HDF5"}));
}
