// cordis/ecg/sources.hpp: which kind of data set a folder holds, and opening it
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/source_challenge.hpp>
#include <cordis/ecg/source_code_test.hpp>
#include <cordis/ecg/source_cpsc2018.hpp>
#include <cordis/ecg/source_labels.hpp>
#include <cordis/ecg/source_ludb.hpp>
#include <cordis/ecg/source_ptb.hpp>
#include <cordis/ecg/source_ptbxl.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Of open_source; each source takes what concerns it.
struct SourceOptions {
  std::string kind = {};  // what detect gives, or "custom": a labels.csv of your own; empty: detect
  std::vector<std::string> classes = {};  // in the order wanted; empty: the source's own
  int rate = 100;                         // Hz: 100 or 500, where a source has both
  bool drop_unlabelled = false;
  bool drop_unreadable = false;   // PTB only, whose labels stand in its headers
  bool merge_equivalent = false;  // Challenge only
  OpenTracings tracings = {};     // CODE-test only, which is refused without
};

namespace detail {

// A table or array by which a set is known in one of the folders right below; archives unpack into a folder
// of their own.
inline std::optional<std::filesystem::path> find_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    for (const char* name : {"labels.csv", "ptbxl_database.csv", kTracingsFile, kLudbTable})
      if (std::filesystem::exists(entry.path() / name, ignored)) found.push_back(entry.path() / name);
  if (found.empty()) return std::nullopt;
  return *std::ranges::min_element(found);
}

}  // namespace detail

// "labels.csv", "ptb-xl", "ludb", "code-test", "ptb" or "challenge", looked for in this order; IoError if
// none is there.
inline std::string detect(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(folder)) throw IoError(concat(folder.string(), ": no such folder"));
  if (fs::exists(folder / "labels.csv")) {
    const CsvTable table = read_csv(folder / "labels.csv");
    const bool files = table.has("filename") || table.has("filename_lr") || table.has("filename_hr");
    if (files && !default_classes(table).empty()) return "labels.csv";
  }
  if (fs::exists(folder / "ptbxl_database.csv") && fs::exists(folder / "scp_statements.csv")) return "ptb-xl";
  if (fs::exists(folder / kLudbTable)) return "ludb";
  if (fs::exists(folder / kTracingsFile)) return "code-test";
  const auto headers = detail::find_headers(folder);
  if (detail::lists_patients(folder / "RECORDS")) return "ptb";
  if (!headers.empty()) {
    const auto comments = read_header(headers.front()).comments;
    if (comment_value(comments, "Reason for admission")) return "ptb";
    if (comment_value(comments, "Dx")) return "challenge";
  }
  if (const auto first = find_cpsc2018(folder)) throw IoError(cpsc2018_advice(folder, *first));
  std::vector<std::string> there;
  for (const auto& entry : fs::directory_iterator(folder)) there.push_back(entry.path().filename().string());
  std::ranges::sort(there);
  const auto below = detail::find_below(folder);
  throw IoError(concat(
      folder.string(),
      ": no data set known here: looked for labels.csv with a filename column and classes of 0 and 1, for "
      "ptbxl_database.csv with scp_statements.csv, for ",
      kLudbTable, ", for ", kTracingsFile,
      ", for RECORDS of patients, and for .hea files "
      "with a #Dx line or a reason for admission (found ",
      headers.size(),
      " .hea files, the first without); the folder holds: ", there.empty() ? "nothing" : join(there),
      below ? concat("; name ", below->parent_path().string(), ", which holds ", below->filename().string())
            : ""));
}

// Opens a folder as what it is, or as `kind` says: lists records and labels, reads no samples. IoError where
// it holds no set.
inline Cohort open_source(const std::filesystem::path& folder, const SourceOptions& options = {}) {
  const std::string kind = options.kind.empty() ? detect(folder) : options.kind;
  if (kind == "labels.csv" || kind == "custom")
    return open_labels(
        folder,
        {.classes = options.classes, .rate = options.rate, .drop_unlabelled = options.drop_unlabelled});
  if (kind == "ptb-xl")
    return open_ptbxl(folder, {.classes = options.classes.empty() ? kPtbXlClasses : options.classes,
                               .rate = options.rate,
                               .drop_unlabelled = options.drop_unlabelled});
  if (kind == "ptb")
    return open_ptb(folder, {.classes = options.classes.empty() ? kPtbClasses : options.classes,
                             .drop_unlabelled = options.drop_unlabelled,
                             .drop_unreadable = options.drop_unreadable});
  if (kind == "ludb")
    return open_ludb(folder, {.classes = options.classes.empty() ? kLudbClasses : options.classes,
                              .drop_unlabelled = options.drop_unlabelled});
  if (kind == "code-test")
    return open_code_test(folder, {.classes = options.classes.empty() ? kCodeTestClasses : options.classes,
                                   .drop_unlabelled = options.drop_unlabelled,
                                   .open = options.tracings});
  CORDIS_CHECK(kind == "challenge", "[open_source] kind is '", kind,
               "', but must be labels.csv, custom, ptb-xl, ludb, ptb, code-test or challenge");
  return open_challenge(folder, {.classes = options.classes,
                                 .merge_equivalent = options.merge_equivalent,
                                 .drop_unlabelled = options.drop_unlabelled});
}

}  // namespace cordis::inline CORDIS_ABI::ecg
