// cordis/ecg/source_labels.hpp: a folder with labels.csv: one row per record, one 0/1 column per class
// Columns: filename, or filename_lr (100 Hz) and filename_hr (500 Hz); optional strat_fold (1 to 10, "1-8",
// empty) and patient_id; the rest are classes and remarks. The PTB-XL subsets and LUDB of examples/data are
// such folders.
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/csv.hpp>
#include <cordis/ecg/missing.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

inline const std::vector<std::string> kPtbXlClasses = {"NORM", "MI", "STTC", "HYP", "CD"};
inline const std::vector<std::string> kLudbClasses = {"NORM", "HYP", "ISCHEMIA", "STTC", "CD", "AFIB_AFLT"};

// Of open_labels.
struct LabelsOptions {
  std::vector<std::string> classes = {};  // empty: see default_classes
  int rate = 100;                         // Hz: which of filename_lr and filename_hr
  bool drop_unlabelled = false;           // else records without any class stay, as rows of zeros
};

// PTB-XL's five or LUDB's six where all of them are columns, else every column of nothing but 0 and 1.
inline std::vector<std::string> default_classes(const CsvTable& table) {
  for (const auto& known : {kPtbXlClasses, kLudbClasses})
    if (std::ranges::all_of(known, [&](const std::string& name) { return table.has(name); })) return known;
  std::vector<std::string> classes;
  for (std::size_t k = 0; k < table.columns.size(); ++k) {
    const auto is_label = [&](const auto& row) { return row[k] == "0" || row[k] == "1"; };
    if (!table.rows.empty() && std::ranges::all_of(table.rows, is_label)) classes.push_back(table.columns[k]);
  }
  return classes;
}

namespace detail {

// "3", "3.0" -> 3; "1-8" -> kTrainingFold; "" -> kNoFold
inline int parse_fold(const CsvTable& table, std::size_t row, std::size_t col) {
  const std::string_view text = trim(table.rows[row][col]);
  if (text.empty()) return kNoFold;
  if (text == "1-8") return kTrainingFold;
  const auto value = to_real(text);
  if (!value || *value < 1 || *value > 10 || *value != static_cast<int>(*value))
    throw IoError(concat(table.where(row, col), " is '", shown(text), "', wanted 1 to 10 or 1-8"));
  return static_cast<int>(*value);
}

// pandas writes ids of a column with gaps as "15709.0".
inline std::string parse_patient(std::string_view text) {
  text = trim(text);
  if (text.ends_with(".0")) text.remove_suffix(2);
  return std::string(text);
}

inline std::string filename_column(const CsvTable& table, int rate) {
  return table.has("filename") ? "filename" : rate == 100 ? "filename_lr" : "filename_hr";
}

// A record whose comments name a band-pass has been filtered by whoever made the set.
inline bool says_band_passed(const std::vector<std::string>& comments) {
  return std::ranges::any_of(comments,
                             [](const std::string& c) { return lower(c).find("band-pass") != c.npos; });
}

}  // namespace detail

// A folder of WFDB records with a table labels.csv, as examples/data/README.md describes it; IoError with the
// line for a table that is not one.
inline Cohort open_labels(const std::filesystem::path& folder, const LabelsOptions& options = {}) {
  CORDIS_CHECK(options.rate == 100 || options.rate == 500, "[open_labels] rate is ", options.rate,
               " Hz, but must be 100 or 500");
  Cohort cohort{.kind = "labels.csv", .folder = folder, .classes = options.classes};
  const CsvTable table = read_csv(folder / "labels.csv", &cohort.digest);
  if (cohort.classes.empty()) cohort.classes = default_classes(table);
  if (cohort.classes.empty())
    throw IoError(concat(table.source, ": no column of 0 and 1 to serve as a class"));
  detail::check_classes(cohort.classes, "open_labels");

  const std::size_t file = table.column(detail::filename_column(table, options.rate));
  std::vector<std::size_t> columns;
  for (const std::string& name : cohort.classes) columns.push_back(table.column(name));
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto& fields = table.rows[row];
    CohortRecord record{.name = fields[file], .path = folder / fields[file], .labels = {}, .patient = {}};
    for (const std::size_t col : columns) {
      if (fields[col] != "0" && fields[col] != "1")
        throw IoError(concat(table.where(row, col), " is '", shown(fields[col]), "', wanted 0 or 1"));
      record.labels.push_back(fields[col] == "1" ? 1.0f : 0.0f);
    }
    if (table.has("strat_fold")) record.fold = detail::parse_fold(table, row, table.column("strat_fold"));
    if (table.has("patient_id")) record.patient = detail::parse_patient(fields[table.column("patient_id")]);
    if (record.name.empty())
      cohort.dropped.push_back(
          {concat("line ", table.lines[row]), "no file", table.where(row, file) + " is empty"});
    else
      cohort.records.push_back(std::move(record));
  }
  cohort.steps.push_back(
      {concat("has a ", table.columns[file]), std::ssize(table.rows), std::ssize(cohort.records)});
  if (options.drop_unlabelled) detail::drop_unlabelled(cohort);
  for (const CohortRecord& record : cohort.records) {
    if (missing_file(record.path)) continue;
    cohort.band_passed = detail::says_band_passed(read_header(record.path).comments);
    break;
  }
  return cohort;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
