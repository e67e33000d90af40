// tests/ecg/wfdb_test.cpp: records written here and read back, bad files, and the real ones
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/ecg/source_challenge.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <limits>
#include <random>

#include "scratch.hpp"

using namespace cordis;
using ecg::read_record;
using scratch::bytes_of;
using scratch::message;
using scratch::says;

namespace {

constexpr std::int16_t kMissing = -32768;

// The count of warnings of one key.
int count(const ecg::Record& record, std::string_view key) {
  int n = 0;
  for (const auto& warning : record.warnings) n += warning.key == key;
  return n;
}

}  // namespace

TEST_CASE("wfdb: random records, gains, baselines and files come back as they were written") {
  std::mt19937 random(11);
  const auto below = [&](unsigned n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 60; ++round) {
    const scratch::Folder folder;
    const int leads = 1 + below(15), length = round == 0 ? 1 : 1 + below(40), files = 1 + below(3);
    const bool matlab = round % 2;
    std::vector<std::vector<std::int16_t>> raw(static_cast<std::size_t>(leads));
    std::vector<double> gain, baseline;
    std::vector<std::vector<int>> in_file(static_cast<std::size_t>(files));
    std::string header = concat("r ", leads, " ", 100 + below(900), " ", length, "\n");
    for (int lead = 0; lead < leads; ++lead) {
      for (int n = 0; n < length; ++n)
        raw[static_cast<std::size_t>(lead)].push_back(below(9) ? static_cast<std::int16_t>(random())
                                                               : kMissing);
      const auto& samples = raw[static_cast<std::size_t>(lead)];
      std::int16_t sum = 0;
      for (const std::int16_t s : samples) sum = static_cast<std::int16_t>(sum + s);
      gain.push_back((1 + below(5000)) / 7.0 * (below(4) ? 1 : -1));
      baseline.push_back(below(200) - 100);
      const int file = below(static_cast<unsigned>(files));
      in_file[static_cast<std::size_t>(file)].push_back(lead);
      std::ostringstream line;
      line.precision(17);
      line << "f" << file << (matlab ? ".mat 16+24 " : ".dat 16 ") << gain.back() << "(" << baseline.back()
           << ")/mV 16 0 " << samples[0] << " " << (below(2) ? sum : static_cast<std::uint16_t>(sum))
           << " 0 lead " << lead << "\n";
      header += line.str();
    }
    for (int file = 0; file < files; ++file) {
      const auto& here = in_file[static_cast<std::size_t>(file)];
      std::vector<std::int16_t> interleaved;
      for (int n = 0; n < length; ++n)
        for (const int lead : here)
          interleaved.push_back(raw[static_cast<std::size_t>(lead)][static_cast<std::size_t>(n)]);
      const std::string start =
          matlab ? scratch::matlab_header(static_cast<std::int32_t>(here.size()), length) : "";
      folder.write(concat("f", file, matlab ? ".mat" : ".dat"), start + bytes_of(interleaved));
    }
    folder.write("r.hea", header);

    const auto record = read_record(folder.path / "r", {.strict = true});
    REQUIRE(record.length == length);
    REQUIRE(record.samples.size() == static_cast<std::size_t>(length * leads));
    CHECK(record.warnings.empty());
    int wrong = 0;
    for (int lead = 0; lead < leads; ++lead)
      for (int n = 0; n < length; ++n) {
        const auto k = static_cast<std::size_t>(lead);
        const float got = record.samples[static_cast<std::size_t>(n * leads + lead)];
        const std::int16_t s = raw[k][static_cast<std::size_t>(n)];
        wrong += s == kMissing ? !std::isnan(got) : got != static_cast<float>((s - baseline[k]) / gain[k]);
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("wfdb: units become millivolts, others stay") {
  const scratch::Folder folder;
  folder.write("r.dat", bytes_of({100, 100, 100, 100, 100}));
  folder.write(
      "r.hea",
      "r 5 100 1\nr.dat 16 200/uV\nr.dat 16 200/V\nr.dat 16 200/mv\nr.dat 16 200/NU\nr.dat 16 200\n");
  const auto record = read_record(folder.path / "r");
  CHECK(record.samples == std::vector<float>{5e-4f, 500.0f, 0.5f, 0.5f, 0.5f});
  CHECK(record.units == std::vector<std::string>{"mV", "mV", "mV", "NU", "mV"});
}

TEST_CASE("wfdb: every name of a record leads to it; without a number of samples the file's size tells") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 2 100\nr.dat 16 1 16 0 5 6 0 I\nr.dat 16 1 16 0 6 8 0 II\n");
  folder.write("r.dat", bytes_of({5, 6, 1, 2}));
  for (const char* name : {"r", "r.hea", "r.dat"}) CHECK(read_record(folder.path / name).length == 2);
  folder.write("s.hea", "s 2 100\ns.mat 16+24 1\ns.mat 16+24 1\n");
  folder.write("s.mat", scratch::matlab_header(2, 3) + bytes_of({1, 2, 3, 4, 5, 6}));
  CHECK(read_record(folder.path / "s.mat").samples == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("wfdb: a wrong checksum or first sample is a warning, in strict mode an error") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 2 100 2\nr.dat 16 1 16 0 5 6 0 I\nr.dat 16 1 16 0 9 7 0 V 2\n");
  folder.write("r.dat", bytes_of({5, 6, 1, 2}));
  const auto record = read_record(folder.path / "r");
  CHECK(count(record, "checksum") == 1);
  CHECK(count(record, "initial value") == 1);
  CHECK(says(record.warnings.at(0).text, {"r.dat", "checksum", "lead V 2", "is 8", "says 7"}));
  CHECK(says(record.warnings.at(1).text, {"r.dat", "first sample", "lead V 2", "is 6", "says 9"}));
  CHECK(says(message([&] { read_record(folder.path / "r", {.strict = true}); }),
             {"checksum", "lead V 2", "8", "7"}));
}

TEST_CASE("wfdb: missing, truncated and overlong signal files") {
  const scratch::Folder folder;
  const auto refusal = [&] { return message([&] { read_record(folder.path / "r"); }); };
  CHECK(says(refusal(), {"r.hea", "no such file"}));
  folder.write("r.hea", "r 2 100 3\nr.dat 16 1\nr.dat 16 1\n");
  CHECK(says(refusal(), {"r.dat", "no such file"}));
  folder.write("r.dat", bytes_of({1, 2, 3, 4, 5}));
  CHECK(says(refusal(), {"r.dat", "holds 10 bytes", "wanted 12", "3 samples x 2 signals"}));
  folder.write("r.dat", "");
  CHECK(says(refusal(), {"r.dat", "holds 0 bytes"}));
  folder.write("r.dat", bytes_of({1, 2, 3, 4, 5, 6, 7}));
  CHECK(says(read_record(folder.path / "r").warnings.back().text, {"r.dat", "14 bytes", "accounts for 12"}));
  CHECK(count(read_record(folder.path / "r"), "length") == 1);
  folder.write("r.hea", "r 2 100 1099511627776\nr.dat 16 1\nr.dat 16 1\n");
  CHECK(says(refusal(), {"r.dat", "holds 14 bytes", "wanted 4398046511104"}));
  folder.write("r.hea", "r 2 100 3\nr.dat 16+9223372036854775807 1\nr.dat 16+9223372036854775807 1\n");
  CHECK(says(refusal(), {"r.dat", "holds 14 bytes"}));
  folder.write("r.hea", "r 2 100\nr.dat 16+100 1\nr.dat 16+100 1\n");
  CHECK(says(refusal(), {"r.dat", "holds 14 bytes", "wanted 100"}));
  folder.write("r.hea", "r 2 100 3\nr.dat 16 1\nr.dat 16+24 1\n");
  CHECK(says(refusal(), {"r.hea", "byte offset of signal 1 is 24", "0"}));
  folder.write("r.hea", "r 1 100 3\n../r.dat 16 1\n");
  CHECK(says(refusal(), {"r.hea", "../r.dat", "outside"}));
  folder.write("r.hea", "r 1 100 3\n/etc/hostname 16 1\n");
  CHECK(says(refusal(), {"r.hea", "/etc/hostname", "outside"}));
  folder.write("r.dat", bytes_of({1, 2, 3}));
  folder.write("r.hea", "r 2 100 3\nr.dat 16 1\n./r.dat 16 1\n");  // one file, however it is written
  CHECK(says(refusal(), {"r.dat", "holds 6 bytes", "wanted 12"}));
  folder.write("r.hea", "r 1 100 3\nd 16 1\n");
  std::filesystem::create_directory(folder.path / "d");
  CHECK(says(refusal(), {"d", "not a regular file"}));
}

TEST_CASE("wfdb: a MATLAB header that contradicts the WFDB header") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 2 100 2\nr.mat 16+24 1\nr.mat 16+24 1\n");
  const auto refusal = [&](const std::string& start) {
    folder.write("r.mat", start + bytes_of({1, 2, 3, 4}));
    return message([&] { read_record(folder.path / "r"); });
  };
  CHECK(refusal(scratch::matlab_header(2, 2)).empty());
  CHECK(says(refusal(scratch::matlab_header(12, 2)), {"r.mat", "rows 12", "wanted 2"}));
  CHECK(says(refusal(scratch::matlab_header(2, 5000)), {"r.mat", "columns 5000", "wanted 2"}));
  CHECK(says(refusal(scratch::matlab_header(2, 2, 0)), {"r.mat", "type 0", "wanted 30"}));
  CHECK(says(refusal(""), {"r.mat", "20 bytes"}));
  folder.write("r.hea", "r 2 100\nr.mat 16+24 1\nr.mat 16+24 1\n");
  CHECK(says(refusal(scratch::matlab_header(2, -1)), {"r.mat", "columns -1"}));
  CHECK(says(refusal(scratch::matlab_header(2, 2147483647)), {"r.mat", "holds 32 bytes", "wanted"}));
  folder.write("r.hea", "r 2 100 2\nr.mat 16 1\nr.mat 16 1\n");
  CHECK(says(refusal(scratch::matlab_header(2, 2)), {"r.mat", "bytes before the samples 24", "wanted 0"}));
}

TEST_CASE("wfdb: leads are reordered by name, whatever the case") {
  std::mt19937 random(3);
  std::vector<std::string> names = {"vx", "i",  "II", "iii", "AVR", "avl", "aVF",
                                    "V1", "v2", "V3", "V4",  "V5",  "V6"};
  std::shuffle(names.begin(), names.end(), random);
  ecg::Record record{.name = "r",
                     .source = "r.hea",
                     .fs = 100,
                     .length = 3,
                     .leads = names,
                     .units = std::vector<std::string>(13, "mV"),
                     .samples = {},
                     .comments = {},
                     .warnings = {}};
  const auto mark = [](std::size_t n, std::string_view name) {  // no two leads alike
    const std::string text = ecg::lower(name);
    return static_cast<float>(1000 * n + 10 * text.size()) + static_cast<float>(text.back());
  };
  for (std::size_t n = 0; n < 3; ++n)
    for (const std::string& name : names) record.samples.push_back(mark(n, name));
  const auto ordered = ecg::reorder_leads(record);
  REQUIRE(ordered.samples.size() == 36);
  CHECK(ordered.leads[3] == "aVR");
  CHECK(ordered.units.size() == 12);
  for (std::size_t n = 0; n < 3; ++n)
    for (std::size_t k = 0; k < 12; ++k)
      CHECK(ordered.samples[n * 12 + k] == mark(n, ecg::kStandardLeads[k]));

  auto without = record;
  for (auto& name : without.leads)
    if (name == "V4" || name == "iii") name = "other";
  CHECK(says(message([&] { ecg::reorder_leads(without); }), {"r.hea", "leads missing: III, V4", "avl"}));
  auto twice = record;
  for (auto& name : twice.leads)
    if (name == "vx") name = "v3";
  CHECK(says(message([&] { ecg::reorder_leads(twice); }), {"r.hea", "lead V3", "twice"}));
}

TEST_CASE("wfdb: the digest changes with any byte of header or signals") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 1 100 2\nr.dat 16 1\n");
  folder.write("r.dat", bytes_of({1, 2}));
  const auto digest = read_record(folder.path / "r").digest;
  CHECK(read_record(folder.path / "r").digest == digest);
  folder.write("r.dat", bytes_of({1, 3}));
  CHECK(read_record(folder.path / "r").digest != digest);
  folder.write("r.dat", bytes_of({1, 2}));
  folder.write("r.hea", "r 1 100 2\nr.dat 16 2\n");
  CHECK(read_record(folder.path / "r").digest != digest);
}

// Einthoven and Goldberger: III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2; in millivolts.
static double derived_lead_error(const ecg::Record& record) {
  double worst = 0;
  for (std::size_t n = 0; n < record.samples.size(); n += 12) {
    const float* x = &record.samples[n];
    const double i = static_cast<double>(x[0]), ii = static_cast<double>(x[1]);
    const double apart[] = {x[2] - (ii - i), x[3] + (i + ii) / 2, x[4] - (i - ii / 2), x[5] - (ii - i / 2)};
    for (const double d : apart) worst = std::max(worst, std::abs(d));
  }
  return worst;
}

TEST_CASE("wfdb: every record in the repository reads without a warning, in strict mode") {
  const auto headers = ecg::detail::find_headers(CORDIS_DATA_DIR);
  CHECK(headers.size() == 1942);
  int warnings = 0, native = 0, odd = 0;
  for (const auto& path : headers) {
    const auto record = ecg::reorder_leads(read_record(path, {.strict = true}));
    warnings += static_cast<int>(record.warnings.size());
    if (path.string().find("records100/") == std::string::npos) continue;
    ++native;
    odd += derived_lead_error(record) > 0.0025;
  }
  CHECK(warnings == 0);
  CHECK(native == 365);
  CHECK(odd == 0);
}

TEST_CASE("wfdb: every record of another folder, where CORDIS_SHARED_DATA names one") {
  const char* folder = std::getenv("CORDIS_SHARED_DATA");
  if (!folder) return;
  const auto headers = ecg::detail::find_headers(folder);
  CHECK(!headers.empty());
  for (const auto& path : headers) {
    CAPTURE(path.string());
    CHECK(ecg::reorder_leads(read_record(path)).warnings.empty());
  }
}
