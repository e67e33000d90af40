// tests/ecg/sources_test.cpp: each kind of data set, real and made up, and loading it
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

const std::filesystem::path kData = CORDIS_DATA_DIR;

std::vector<std::int64_t> counts(const ecg::Cohort& cohort) {
  return ecg::class_counts(cohort.records, cohort.classes.size());
}

// A readable record of 12 leads at 100 Hz; lead V6 (the last) is missing throughout if `silent`.
void write_record(const scratch::Folder& folder, const std::string& name, int samples,
                  const std::string& comments = "", bool silent = false) {
  std::vector<std::int16_t> x;
  for (int n = 0; n < samples; ++n)
    for (int k = 0; k < 12; ++k)
      x.push_back(silent && k == 11 ? std::int16_t{-32768} : static_cast<std::int16_t>(n * 7 % 50 + k));
  folder.write(name + ".dat", scratch::bytes_of(x));
  const auto file = std::filesystem::path(name).filename().string();
  std::string header = concat(file, " 12 100 ", samples, "\n");
  for (const auto lead : ecg::kStandardLeads) header += concat(file, ".dat 16 1000(0)/mV 16 0 ", lead, "\n");
  folder.write(name + ".hea", header + comments);
}

constexpr const char* kScpStatements =
    ",description,diagnostic,form,rhythm,diagnostic_class\nNORM,normal,1.0,,,NORM\nIMI,infarct,1.0,,,MI\n"
    "NDT,T,1.0,1.0,,STTC\nLVH,big,1.0,,,HYP\nIRBBB,block,1.0,,,CD\nSR,rhythm,,,1.0,\nABQRS,form,,1.0,,CD\n";
constexpr const char* kDatabase = "ecg_id,patient_id,report,scp_codes,strat_fold,filename_lr,filename_hr\n";

}  // namespace

TEST_CASE(
    "sources: the PTB-XL subsets and LUDB of the repository, detected, with the counts of their READMEs") {
  const auto mini = ecg::open_source(kData / "ptb-xl-mini");
  CHECK(mini.kind == "labels.csv");
  CHECK(mini.records.size() == 365);
  CHECK(mini.classes == Names{"NORM", "MI", "STTC", "HYP", "CD"});
  CHECK(counts(mini) == std::vector<std::int64_t>{233, 52, 62, 30, 60});
  CHECK(mini.records[0].fold == 3);
  CHECK(mini.records[0].patient == "15709");
  CHECK(mini.records.back().fold == ecg::kTrainingFold);
  CHECK(!mini.band_passed);

  const auto derived = ecg::open_source(kData / "ptb-xl-derived");
  CHECK(derived.records.size() == 1417);
  CHECK(counts(derived) == std::vector<std::int64_t>{759, 203, 407, 158, 362});
  CHECK(derived.band_passed);

  const auto ludb = ecg::open_source(kData / "ludb");
  CHECK(ludb.records.size() == 160);
  CHECK(ludb.classes == Names{"NORM", "HYP", "ISCHEMIA", "STTC", "CD", "AFIB_AFLT"});
  CHECK(counts(ludb) == std::vector<std::int64_t>{28, 114, 43, 39, 53, 14});
  CHECK(ludb.records[8].name == "data/11");  // the table's order
  CHECK(ludb.records[0].fold == ecg::kNoFold);

  const auto chosen =
      ecg::open_source(kData / "ludb", {.classes = {"PACE", "NORM"}, .drop_unlabelled = true});
  CHECK(counts(chosen) == std::vector<std::int64_t>{8, 28});
  CHECK(chosen.records.size() == 36);
  CHECK(ecg::count_by_reason(chosen.dropped).at("no labels") == 124);
  CHECK(chosen.steps.back().before == 160);
  CHECK(chosen.steps.back().after == 36);
}

TEST_CASE("sources: PTB-XL's published tables give the labels of labels.csv") {
  const auto published = ecg::open_source(kData / "ptb-xl-mini", {.kind = "ptb-xl"});
  const auto labels = ecg::open_source(kData / "ptb-xl-mini");
  CHECK(published.records.size() == 344);
  CHECK(published.unused_codes.empty());
  std::size_t k = 0;
  int differ = 0;
  for (const auto& record : published.records) {
    while (k < labels.records.size() && labels.records[k].name != record.name) ++k;
    REQUIRE(k < labels.records.size());
    const auto& other = labels.records[k];
    differ += record.labels != other.labels || record.fold != other.fold || record.patient != other.patient;
  }
  CHECK(differ == 0);
  const auto high_rate = ecg::open_ptbxl(kData / "ptb-xl-mini", {.rate = 500});
  CHECK(high_rate.records[0].name == "records500/00000/00001_hr");
}

TEST_CASE(
    "sources: PTB-XL: any likelihood counts, unknown statements are counted, a row without a file is "
    "dropped") {
  const scratch::Folder folder;
  folder.write("scp_statements.csv", kScpStatements);
  folder.write("ptbxl_database.csv",
               std::string(kDatabase) +
                   "1,15709.0,\"a\nb\",\"{'NORM': 100.0, 'SR': 0.0}\",3,records100/1,records500/1\n"
                   "2,7.0,,\"{'IMI': 0.0, 'LVH': 15.0, 'XYZ': 50.0}\",10,records100/2,\n"
                   "3,8,,{},9,records100/3,records500/3\n"
                   "4,8,,\"{\"\"XYZ\"\": 1, 'ABQRS': 0.0,}\",1,records100/4,records500/4\n");
  CHECK(ecg::detect(folder.path) == "ptb-xl");
  const auto cohort = ecg::open_ptbxl(folder.path);
  REQUIRE(cohort.records.size() == 4);
  CHECK(cohort.records[0].labels == std::vector<float>{1, 0, 0, 0, 0});
  CHECK(cohort.records[1].labels == std::vector<float>{0, 1, 0, 1, 0});
  CHECK(cohort.records[2].labels == std::vector<float>(5, 0));
  CHECK(cohort.records[1].fold == 10);
  CHECK(cohort.records[0].patient == "15709");
  CHECK(cohort.unused_codes == std::map<std::string, std::int64_t>{{"XYZ", 2}});

  CHECK(ecg::open_ptbxl(folder.path, {.drop_unlabelled = true}).records.size() == 2);
  const auto high_rate = ecg::open_ptbxl(folder.path, {.rate = 500});
  CHECK(high_rate.records.size() == 3);
  REQUIRE(high_rate.dropped.size() == 1);
  CHECK(high_rate.dropped[0].key == "no file");
  CHECK(says(high_rate.dropped[0].text, {"ptbxl_database.csv:4:", "filename_hr", "empty"}));
  CHECK(ecg::open_ptbxl(folder.path, {.classes = {"CD", "MI"}}).records[1].labels ==
        std::vector<float>{0, 1});
  CHECK(says(message([&] {
               ecg::open_ptbxl(folder.path, {.classes = {"NORM", "XX"}});
             }),
             {"scp_statements.csv", "diagnostic_class XX"}));
  CHECK(says(message<std::invalid_argument>([&] {
               ecg::open_ptbxl(folder.path, {.classes = {"MI", "MI"}});
             }),
             {"MI", "twice"}));
  CHECK(says(message<std::invalid_argument>([&] { ecg::open_ptbxl(folder.path, {.rate = 250}); }), {"250"}));
}

TEST_CASE("sources: PTB-XL: bad tables name the file, the line and the column") {
  const scratch::Folder folder;
  const auto refusal = [&](const std::string& statements, const std::string& database) {
    folder.write("scp_statements.csv", statements);
    folder.write("ptbxl_database.csv", database);
    return message([&] { ecg::open_ptbxl(folder.path); });
  };
  const std::string head = kDatabase;
  CHECK(says(refusal(kScpStatements, head + "1,7,\"a\nb\",{NORM: 1},3,r,r\n"),
             {"ptbxl_database.csv:2:", "'scp_codes'", "dict", "character 1"}));
  for (const char* dict : {"", "{'A'}", "{'A': x}", "{'A': 1", "{'A: 1}", "{'A': 1} z", "{'A': 1 'B': 2}",
                           "{'A': nan}", "{'A'\n: ]}", "{'A'\n]", "['A']"})
    CHECK(says(refusal(kScpStatements, head + "1,7,," + ecg::csv_field(dict) + ",3,r,r\n"),
               {"ptbxl_database.csv:2:", "'scp_codes'", "dict"}));
  CHECK(says(refusal(kScpStatements, head + "1,7,,{},11,r,r\n"),
             {"ptbxl_database.csv:2:", "'strat_fold'", "'11'"}));
  CHECK(says(refusal(kScpStatements, "ecg_id,patient_id\n1,7\n"),
             {"ptbxl_database.csv:1:", "'scp_codes'", "patient_id"}));
  CHECK(says(refusal(",description\nNORM,normal\n", head), {"scp_statements.csv:1:", "'diagnostic'"}));
  CHECK(says(refusal(std::string(kScpStatements) + "NORM,again,1.0,,,MI\n", head),
             {"scp_statements.csv:9:", "NORM", "second"}));
}

TEST_CASE(
    "sources: labels.csv: classes are the asked, the known or every column of 0 and 1; other values are "
    "refused") {
  const scratch::Folder folder;
  write_record(folder, "a", 10);
  const auto write = [&](const std::string& text) { folder.write("labels.csv", text); };
  write("filename,age,X,Y\na,54,1,0\n");
  CHECK(ecg::detect(folder.path) == "labels.csv");
  CHECK(ecg::open_labels(folder.path).classes == Names{"X", "Y"});
  CHECK(ecg::open_labels(folder.path, {.classes = {"Y"}}).records[0].labels == std::vector<float>{0});
  CHECK(says(message([&] { ecg::open_labels(folder.path, {.classes = {"age"}}); }),
             {"labels.csv:2:", "'age'", "'54'", "0 or 1"}));
  CHECK(says(message([&] { ecg::open_labels(folder.path, {.classes = {"Z"}}); }),
             {"labels.csv:1:", "'Z'", "filename, age, X, Y"}));
  write("file,X\na,1\n");
  CHECK(says(message([&] { ecg::open_labels(folder.path); }), {"labels.csv:1:", "'filename_lr'", "file, X"}));
  write("filename,age\na,54\n");
  CHECK(says(message([&] { ecg::open_labels(folder.path); }), {"labels.csv", "0 and 1"}));
  write("filename,X,strat_fold\na,1,zero\n");
  CHECK(says(message([&] { ecg::open_labels(folder.path); }), {"labels.csv:2:", "'strat_fold'", "'zero'"}));
  const auto no_files = ecg::open_labels(kData / "ptb-xl-mini", {.rate = 500});
  CHECK(no_files.records.empty());
  CHECK(ecg::count_by_reason(no_files.dropped).at("no file") == 365);
}

TEST_CASE("sources: Challenge folders: sorted by path, SNOMED codes to classes, the others counted") {
  const scratch::Folder folder;
  write_record(folder, "b/E00002", 10, "#Dx: 426177001,713427006\n");
  write_record(folder, "b/E00010", 10, "# dx: 39732003, 999\n");
  write_record(folder, "a/E00003", 10, "#Age: 5\n#Dx: 999,426783006,164889003\n");
  write_record(folder, "a/E00004", 10, "#Age: 5\n");
  CHECK(ecg::detect(folder.path) == "challenge");
  const auto cohort = ecg::open_source(folder.path);
  CHECK(cohort.classes == ecg::kGeorgiaClasses);
  REQUIRE(cohort.records.size() == 3);
  CHECK(cohort.records[0].name == "a/E00003");
  CHECK(cohort.records[1].name == "b/E00002");
  CHECK(cohort.records[2].name == "b/E00010");
  CHECK(counts(cohort) == std::vector<std::int64_t>{1, 1, 0, 1, 1, 0, 0, 0, 0, 0});
  CHECK(cohort.unused_codes == std::map<std::string, std::int64_t>{{"999", 2}, {"713427006", 1}});
  REQUIRE(cohort.dropped.size() == 1);
  CHECK(cohort.dropped[0].key == "no diagnosis");
  CHECK(cohort.dropped[0].name == "a/E00004");

  const auto plain = ecg::open_challenge(folder.path, {.classes = {"RBBB", "999"}});
  CHECK(counts(plain) == std::vector<std::int64_t>{0, 2});
  const auto merged =
      ecg::open_challenge(folder.path, {.classes = {"RBBB", "999"}, .merge_equivalent = true});
  CHECK(counts(merged) == std::vector<std::int64_t>{1, 2});
  const auto by_code = ecg::open_challenge(folder.path, {.classes = {"713427006"}, .merge_equivalent = true});
  CHECK(counts(by_code) == std::vector<std::int64_t>{1});
  CHECK(ecg::open_challenge(folder.path, {.classes = {"SB"}, .drop_unlabelled = true}).records.size() == 1);
  CHECK(says(message<std::invalid_argument>([&] { ecg::open_challenge(folder.path, {.classes = {"XX"}}); }),
             {"[open_challenge]", "XX", "LQT"}));
  CHECK(says(message([&] { ecg::require_every_class(plain.records, plain.classes, "here"); }),
             {"here", "no record of class RBBB", "RBBB 0", "999 2"}));

  write_record(folder, "a/A0001", 10, "#Dx: 426783006\n");
  CHECK(ecg::open_source(folder.path).classes.size() == 15);
  const scratch::Folder cpsc;
  write_record(cpsc, "A0001", 10, "#Dx: 426783006\n");
  CHECK(ecg::open_source(cpsc.path).classes == ecg::kCpscClasses);
}

TEST_CASE("sources: each kind by name and by its files; what a labels.csv tells comes first") {
  const scratch::Folder folder;
  const auto kind = [&] { return ecg::detect(folder.path); };
  write_record(folder, "patient001/s1", 10, "# Diagnose:\n# Reason for admission: Healthy control\n");
  CHECK(kind() == "ptb");
  folder.write("RECORDS", "patient001/s1\n");
  CHECK(kind() == "ptb");
  CHECK(ecg::open_source(folder.path).records[0].labels == std::vector<float>{1, 0});
  folder.write("RECORDS", "records100/1\n");  // another set's
  CHECK(kind() == "ptb");
  write_record(folder, "patient000/s0", 10, "#Dx: 426783006\n");
  CHECK(kind() == "challenge");
  folder.write("ecg_tracings.hdf5", "x");
  CHECK(kind() == "code-test");
  folder.write("ptbxl_database.csv", kDatabase);
  folder.write("scp_statements.csv", kScpStatements);
  CHECK(kind() == "ptb-xl");
  folder.write("labels.csv", "filename,X\npatient001/s1,1\n");
  CHECK(kind() == "labels.csv");
  CHECK(ecg::open_source(folder.path, {.kind = "custom"}).kind == "labels.csv");
  CHECK(ecg::open_source(folder.path, {.kind = "custom"}).classes == Names{"X"});
  CHECK(says(message([&] { ecg::open_source(folder.path, {.kind = "code-test"}); }), {"gold_standard.csv"}));
}

TEST_CASE("sources: a folder of none of the kinds says what was looked for and what is there") {
  const scratch::Folder folder;
  CHECK(says(message([&] { ecg::detect(folder.path / "nowhere"); }), {"nowhere", "no such folder"}));
  CHECK(says(message([&] { ecg::detect(folder.path); }),
             {"labels.csv", "ptbxl_database.csv", "#Dx", "holds: nothing"}));
  folder.write("notes.txt", "x");
  folder.write("labels.csv", "filename,age\na,54\n");
  write_record(folder, "a", 10);
  CHECK(says(message([&] { ecg::detect(folder.path); }),
             {"found 1 .hea", "a.dat, a.hea, labels.csv, notes.txt"}));
  folder.write("unpacked/ecg_tracings.hdf5", "x");
  CHECK(says(message([&] { ecg::detect(folder.path); }),
             {"name " + (folder.path / "unpacked").string() + ", which holds ecg_tracings.hdf5"}));
  CHECK(
      says(message([&] { ecg::open_challenge(folder.path / "nowhere"); }), {"nowhere", "cannot be listed"}));
  CHECK(says(message<std::invalid_argument>([&] { ecg::open_source(folder.path, {.kind = "hdf5"}); }),
             {"'hdf5'", "challenge"}));
}

TEST_CASE(
    "load: rows follow the records kept; the others are dropped with reasons, steps and counts add up") {
  const scratch::Folder folder;
  write_record(folder, "good", 30);
  write_record(folder, "short", 19);
  write_record(folder, "silent", 30, "", true);
  write_record(folder, "other", 20);
  write_record(folder, "cut", 30);
  std::filesystem::resize_file(folder.path / "cut.dat", 100);
  folder.write("labels.csv", "filename,patient_id,X,Y\nshort,1,1,0\ngood,2,0,1\nsilent,3,0,0\nother,4,1,1\n");
  const auto cohort = ecg::open_source(folder.path, {.classes = {"X", "Y"}});
  int calls = 0;
  const auto data =
      ecg::load(cohort, {.preprocess = {.length = 20}, .progress = [&](std::int64_t done, std::int64_t all) {
                           CHECK(done == ++calls);
                           CHECK(all == 4);
                         }});
  CHECK(calls == 4);
  CHECK(data.size == 2);
  REQUIRE(data.samples.size() == 2 * 20 * 12);
  CHECK(data.labels == std::vector<float>{0, 1, 1, 1});
  CHECK(data.records[1].patient == "4");
  CHECK(data.samples[12 + 3] == 0.010f);
  REQUIRE(data.dropped.size() == 2);
  CHECK(data.dropped[0].key == "too short");
  CHECK(says(data.dropped[0].text, {"short.hea", "19 samples", "needs 20"}));
  CHECK(data.dropped[1].key == "empty lead");
  CHECK(says(data.dropped[1].text, {"silent.hea", "lead V6", "missing"}));
  CHECK(data.steps.back().after == 2);
  CHECK(data.warnings.empty());

  folder.write("labels.csv", "filename,X\ngood,1\ncut,0\n");
  CHECK(says(message([&] { ecg::load(ecg::open_source(folder.path), {.preprocess = {.length = 20}}); }),
             {"cut.dat", "holds 100 bytes", "wanted 720"}));
  const auto rest =
      ecg::load(ecg::open_source(folder.path), {.preprocess = {.length = 20}, .drop_unreadable = true});
  CHECK(rest.size == 1);
  REQUIRE(rest.dropped.size() == 1);
  CHECK(rest.dropped[0].key == "unreadable");
}

TEST_CASE("load: checksum mismatches are counted; the digest changes with tables, headers and signals") {
  const scratch::Folder folder;
  write_record(folder, "a", 20);
  folder.write("labels.csv", "filename,X\na,1\n");
  const auto load = [&] { return ecg::load(ecg::open_source(folder.path), {.preprocess = {.length = 20}}); };
  const auto before = load().digest.value;
  CHECK(load().digest.value == before);
  folder.write("labels.csv", "filename,X\na,0\n");
  const auto other_label = load().digest.value;
  CHECK(other_label != before);
  std::string header = ecg::read_text(folder.path / "a.hea");
  header.replace(header.find("16 0 I\n"), 7, "16 0 1 1 0 I\n");
  folder.write("a.hea", header);
  const auto data = load();
  CHECK(data.digest.value != other_label);
  CHECK(data.warning_counts == std::map<std::string, std::int64_t>{{"checksum", 1}, {"initial value", 1}});
  CHECK(says(data.warnings[0].text, {"a.dat", "lead I", "says 1"}));
}

TEST_CASE("load: a set that is band-passed already is not filtered again") {
  auto cohort = ecg::open_source(kData / "ptb-xl-derived");
  cohort.records.resize(3);
  const ecg::PreprocessOptions options{.band_pass = true, .scaling = ecg::Scaling::z_score};
  const auto once = ecg::load(cohort, {.preprocess = options});
  cohort.band_passed = false;
  const auto twice = ecg::load(cohort, {.preprocess = options});
  cohort.band_passed = true;
  CHECK(once.samples == ecg::load(cohort, {.preprocess = {.scaling = ecg::Scaling::z_score}}).samples);
  CHECK(once.samples != twice.samples);
}

TEST_CASE("load: all three sets of the repository as the comparison takes them") {
  const ecg::PreprocessOptions options{
      .band_pass = true, .resampling = ecg::Resampling::polyphase, .scaling = ecg::Scaling::z_score};
  const std::map<std::string, std::int64_t> sizes = {
      {"ptb-xl-mini", 365}, {"ptb-xl-derived", 1417}, {"ludb", 160}};
  for (const auto& set : sizes) {
    const std::string& name = set.first;
    const std::int64_t size = set.second;
    CAPTURE(name);
    const auto data =
        ecg::load(ecg::open_source(kData / name), {.preprocess = options, .wfdb = {.strict = true}});
    CHECK(data.size == size);
    CHECK(data.dropped.empty());
    CHECK(data.samples.size() == static_cast<std::size_t>(size) * 12000);
    bool finite = true;
    for (const float v : data.samples) finite = finite && std::isfinite(v);
    CHECK(finite);
  }
}
