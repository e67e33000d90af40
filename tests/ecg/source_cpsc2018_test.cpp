// tests/ecg/source_cpsc2018_test.cpp: MATLAB structs that scipy wrote are known, and refused with advice
#include <doctest/doctest.h>

#include <cordis/ecg/sources.hpp>

#include "scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;

namespace {

const std::filesystem::path kFixture = std::filesystem::path(CORDIS_FIXTURES_DIR) / "sources" / "cpsc2018";

}  // namespace

TEST_CASE("source_cpsc2018: the first layout is refused, naming the set to take and where") {
  CHECK(says(message([&] { ecg::open_source(kFixture); }),
             {"A0001.mat", "REFERENCE.csv", "CPSC2018", "PhysioNet/Computing in Cardiology Challenge 2020",
              "training/cpsc_2018", "physionet.org/content/challenge-2020/1.0.2"}));
  const scratch::Folder folder;
  std::filesystem::copy(kFixture, folder.path / "TrainingSet1");
  std::filesystem::remove(folder.path / "TrainingSet1/REFERENCE.csv");
  const std::string text = message([&] { ecg::detect(folder.path); });
  CHECK(says(text, {"A0001.mat", "challenge-2020"}));
  CHECK(text.find("REFERENCE") == std::string::npos);
}

TEST_CASE("source_cpsc2018: MATLAB 4 files and folders with headers are something else") {
  const scratch::Folder folder;
  folder.write("A0001.mat", scratch::matlab_header(12, 0));
  CHECK(!ecg::find_cpsc2018(folder.path));
  folder.write("A0001.mat", "");
  CHECK(!ecg::find_cpsc2018(folder.path));
  CHECK(says(message([&] { ecg::detect(folder.path); }), {"no data set known", "A0001.mat"}));
  std::filesystem::copy(kFixture, folder.path / "below");
  CHECK(!ecg::find_cpsc2018(folder.path));  // the first by path decides
  std::filesystem::remove(folder.path / "A0001.mat");
  CHECK(ecg::find_cpsc2018(folder.path) == folder.path / "below/A0001.mat");
  folder.write("below/A0001.hea", "A0001 1 500 1\nA0001.mat 16+24 1000(0)/mV 16 0 I\n#Dx: 426783006\n");
  CHECK(!ecg::find_cpsc2018(folder.path));
  CHECK(ecg::detect(folder.path) == "challenge");
}
