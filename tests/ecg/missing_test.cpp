// tests/ecg/missing_test.cpp: a set of which files are missing is refused as a whole, once
#include <doctest/doctest.h>

#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <random>

#include "scratch.hpp"

using namespace cordis;
using scratch::message;
using scratch::says;

namespace {

void write_record(const scratch::Folder& folder, const std::string& name) {
  const auto file = std::filesystem::path(name).filename().string();
  folder.write(name + ".dat", scratch::bytes_of(std::vector<std::int16_t>(20 * 12, 3)));
  std::string header = concat(file, " 12 100 20\n");
  for (const auto lead : ecg::kStandardLeads) header += concat(file, ".dat 16 1000(0)/mV 16 0 ", lead, "\n");
  folder.write(name + ".hea", header);
}

}  // namespace

TEST_CASE("missing: the header, or a signal file that it names; a damaged header is there") {
  const scratch::Folder folder;
  write_record(folder, "a");
  CHECK(!ecg::missing_file(folder.path / "a"));
  CHECK(!ecg::missing_file(folder.path / "a.hea"));
  std::filesystem::remove(folder.path / "a.dat");
  CHECK(ecg::missing_file(folder.path / "a") == folder.path / "a.dat");
  folder.write("a.hea", "nonsense");
  CHECK(!ecg::missing_file(folder.path / "a"));
  folder.write("a.hea", "a 1 100 20\n../b.dat 16 1000 16 0 I\n");  // refused when read
  CHECK(!ecg::missing_file(folder.path / "a"));
  std::filesystem::remove(folder.path / "a.hea");
  CHECK(ecg::missing_file(folder.path / "a") == folder.path / "a.hea");
}

TEST_CASE("missing: whichever files are gone, the message counts the records, and the others can be read") {
  std::mt19937 draw(3);
  for (int trial = 0; trial < 30; ++trial) {
    const bool ptbxl = trial % 2;
    const scratch::Folder folder;
    std::string table = "filename,X\n", database = "ecg_id,patient_id,scp_codes,strat_fold,filename_lr\n";
    int gone = 0;
    std::string first;
    for (int n = 0; n < 12; ++n) {
      const std::string name = concat("records100/r", n);
      write_record(folder, name);
      table += concat(name, ",", n % 2, "\n");
      database += concat(n, ",", n, ",{'NORM': 1.0},1,", name, "\n");
      if (draw() % 3) continue;
      const std::string file = name + (draw() % 2 ? ".hea" : ".dat");
      std::filesystem::remove(folder.path / file);
      if (!gone++) first = file;
    }
    if (ptbxl) {
      folder.write("ptbxl_database.csv", database);
      folder.write("scp_statements.csv", ",diagnostic,diagnostic_class\nNORM,1.0,NORM\n");
    } else {
      folder.write("labels.csv", table);
    }
    const auto cohort = ecg::open_source(folder.path, {.classes = {ptbxl ? "NORM" : "X"}});
    CHECK(cohort.kind == (ptbxl ? "ptb-xl" : "labels.csv"));
    const std::string text = message([&] { ecg::load(cohort, {.preprocess = {.length = 20}}); });
    if (gone == 0)
      CHECK(text.empty());
    else
      CHECK(says(
          text, {first + ": no such file", concat(gone, " of 12 records"), "download", "--drop-unreadable"}));
    const auto data = ecg::load(cohort, {.preprocess = {.length = 20}, .drop_unreadable = true});
    CHECK(data.size == 12 - gone);
    CHECK(std::ssize(data.dropped) == gone);
  }
}

TEST_CASE("missing: a long list shows its first names") {
  std::vector<std::string> names;
  for (int n = 0; n < 400; ++n) names.push_back(concat("r", n));
  CHECK(says(ecg::missing_text("set", "set/r0.hea", names, 900),
             {"set/r0.hea: no such file; 400 of 900 records of set lack files (r0, r1, r2, r3, r4, ... (400 "
              "in all))"}));
}
