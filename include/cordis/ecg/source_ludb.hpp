// cordis/ecg/source_ludb.hpp: LUDB 1.0.1 as PhysioNet publishes it: ludb.csv, and records data/1 to data/200
// The publishers' table names diagnoses in words, a line each; the classes here are made from it.
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/csv.hpp>
#include <cordis/ecg/source_labels.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// A class is set where a line of the column starts with one of the words; without words, where the column
// holds anything.
struct LudbClass {
  std::string name;
  std::string column;
  std::vector<std::string> words = {};
};

// NORM is none of HYP, ISCHEMIA, STTC, CD, ECTOPY, PACE and AFIB_AFLT. INFARCT is a scar or a STEMI, not what
// the table calls undefined.
inline const std::vector<LudbClass> kLudbRules = {
    {"HYP", "Hypertrophies"},
    {"ISCHEMIA", "Ischemia"},
    {"INFARCT", "Ischemia", {"Scar", "Stemi"}},
    {"STTC", "Non-specific repolarization abnormalities"},
    {"CD", "Conduction abnormalities"},
    {"ECTOPY", "Extrasystolies"},
    {"PACE", "Cardiac pacing"},
    {"AFIB_AFLT", "Rhythms", {"Atrial fibrillation", "Atrial flutter"}},
    {"SBRAD", "Rhythms", {"Sinus bradycardia"}}};

// Of open_ludb.
struct LudbOptions {
  std::vector<std::string> classes = kLudbClasses;  // NORM and names of kLudbRules
  bool drop_unlabelled = false;                     // else records without any class stay, as rows of zeros
};

inline constexpr const char* kLudbTable = "ludb.csv";

namespace detail {

inline bool holds(const LudbClass& rule, std::string_view field) {
  for (const std::string_view line : split(field, "\r\n")) {
    const std::string_view diagnosis = trim(line);
    if (diagnosis.empty()) continue;
    const auto starts = [&](const std::string& word) {
      return same_ignoring_case(diagnosis.substr(0, word.size()), word);
    };
    if (rule.words.empty() || std::ranges::any_of(rule.words, starts)) return true;
  }
  return false;
}

}  // namespace detail

// LUDB 1.0.1 by its publishers' table ludb.csv; IoError where the table is another.
inline Cohort open_ludb(const std::filesystem::path& folder, const LudbOptions& options = {}) {
  detail::check_classes(options.classes, "open_ludb");
  std::vector<std::string> known = {"NORM"};
  for (const LudbClass& rule : kLudbRules) known.push_back(rule.name);
  for (const std::string& name : options.classes)
    CORDIS_CHECK(std::ranges::find(known, name) != known.end(), "[open_ludb] class ", name, " is none of ",
                 join(known));
  Cohort cohort{.kind = "ludb", .folder = folder, .classes = options.classes};
  const CsvTable table = read_csv(folder / kLudbTable, &cohort.digest);
  const std::size_t id = table.column("ID");
  std::vector<std::size_t> columns;
  for (const LudbClass& rule : kLudbRules) columns.push_back(table.column(rule.column));
  const bool below = std::filesystem::is_directory(folder / "data");

  std::set<std::string> seen;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto& fields = table.rows[row];
    const std::string number(trim(fields[id]));
    if (!to_int(number))
      throw IoError(concat(table.where(row, id), " is '", shown(fields[id]), "', wanted a record's number"));
    if (!seen.insert(number).second)
      throw IoError(concat(table.where(row, id), ": record ", number, " stands there a second time"));
    std::set<std::string> found;
    for (std::size_t k = 0; k < columns.size(); ++k)
      if (detail::holds(kLudbRules[k], fields[columns[k]])) found.insert(kLudbRules[k].name);
    // Bradycardia alone is not a finding, and an infarct is ischemia already.
    if (std::ranges::all_of(found, [](const std::string& name) { return name == "SBRAD"; }))
      found.insert("NORM");
    const std::string name = (below ? "data/" : "") + number;
    CohortRecord record{.name = name, .path = folder / name, .labels = {}, .patient = {}};
    for (const std::string& each : cohort.classes)
      record.labels.push_back(found.contains(each) ? 1.0f : 0.0f);
    cohort.records.push_back(std::move(record));
  }
  cohort.steps.push_back({concat("in ", kLudbTable), std::ssize(table.rows), std::ssize(cohort.records)});
  if (options.drop_unlabelled) detail::drop_unlabelled(cohort);
  return cohort;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
