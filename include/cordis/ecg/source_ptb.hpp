// cordis/ecg/source_ptb.hpp: the PTB Diagnostic ECG Database 1.0.0 of PhysioNet
// RECORDS lists patientNNN/NAME, one a line; without it, every .hea below the folder. 15 leads at 1000 Hz in
// two files (.dat: twelve, .xyz: vx, vy, vz). The diagnosis is each header's "# Reason for admission:".
#pragma once

#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/missing.hpp>
#include <cordis/ecg/source_challenge.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

inline const std::vector<std::string> kPtbClasses = {"NORM", "MI"};

// Of open_ptb.
struct PtbOptions {
  std::vector<std::string> classes = kPtbClasses;  // or other diagnoses, as the headers write them
  bool drop_unlabelled =
      false;  // else records with another diagnosis stay, as rows of zeros (the study's way)
  bool drop_unreadable = false;  // drop a record whose files are missing, or whose header is damaged
};

namespace detail {

inline std::string_view ptb_diagnosis(std::string_view name) {
  if (name == "NORM") return "Healthy control";
  if (name == "MI") return "Myocardial infarction";
  return name;
}

// A file RECORDS whose first record lies in a folder patientNNN; other sets of PhysioNet have a RECORDS too.
inline bool lists_patients(const std::filesystem::path& list) {
  if (!std::filesystem::is_regular_file(list)) return false;
  const std::string text = read_text(list);
  return trim(text).starts_with("patient");
}

// The record names of RECORDS, in its order; those of the headers found, sorted, where there is no such file.
inline std::vector<std::string> ptb_records(const std::filesystem::path& folder, Digest& digest) {
  std::vector<std::string> names;
  const auto list = folder / "RECORDS";
  if (!std::filesystem::exists(list)) {
    for (const auto& header : find_headers(folder))
      names.push_back(std::filesystem::relative(header, folder).replace_extension().generic_string());
    if (names.empty())
      throw IoError(concat(folder.string(), ": neither a file RECORDS nor a .hea file in it or below"));
    return names;
  }
  const std::string text = read_text(list);
  digest.add(text);
  std::map<std::string_view, std::int64_t> lines;
  std::int64_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view name = trim(std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++line_number;
    if (name.empty()) continue;
    const std::filesystem::path path(name);
    if (path.is_absolute() || std::ranges::find(path, std::filesystem::path("..")) != path.end())
      throw IoError(
          concat(list.string(), ":", line_number, ": record ", shown(name), " lies outside the folder"));
    const auto [first, is_new] = lines.emplace(name, line_number);
    if (!is_new)
      throw IoError(concat(list.string(), ":", line_number, ": record ", shown(name), " stands in line ",
                           first->second, " already"));
    names.emplace_back(name);
  }
  if (names.empty()) throw IoError(concat(list.string(), ": names no record"));
  return names;
}

}  // namespace detail

// A record whose reason for admission is absent or "n/a" is dropped as "no diagnosis". The study keeps 522 of
// 549 records without saying which; this is the only rule that its steps leave, and oracles.hpp tells where
// it does not give 522. Patients are the folders.
inline Cohort open_ptb(const std::filesystem::path& folder, const PtbOptions& options = {}) {
  detail::check_classes(options.classes, "open_ptb");
  Cohort cohort{.kind = "ptb", .folder = folder, .classes = options.classes};
  const auto names = detail::ptb_records(folder, cohort.digest);
  std::vector<std::string> missing;
  std::filesystem::path first_missing;
  std::int64_t readable = 0;
  const auto read = [&](const std::string& name) -> std::optional<WfdbHeader> {
    if (const auto file = missing_file(folder / name)) {
      if (missing.empty()) first_missing = *file;
      missing.push_back(name);
      cohort.dropped.push_back({name, "unreadable", file->string() + ": no such file"});
      return std::nullopt;
    }
    try {
      const auto path = header_path(folder / name);
      const std::string text = read_text(path, kLargestHeader);
      cohort.digest.add(text);
      return parse_header(text, path.string());
    } catch (const IoError& error) {
      if (!options.drop_unreadable) throw;
      cohort.dropped.push_back({name, "unreadable", error.what()});
      return std::nullopt;
    }
  };
  for (const std::string& name : names) {
    const auto header = read(name);
    if (!header) continue;
    ++readable;
    const std::filesystem::path path = folder / name;
    const auto reason = comment_value(header->comments, "Reason for admission");
    if (!reason || reason->empty() || same_ignoring_case(*reason, "n/a")) {
      cohort.dropped.push_back({name, "no diagnosis", path.string() + ": no reason for admission"});
      continue;
    }
    CohortRecord record{
        .name = name, .path = path, .labels = {}, .patient = path.parent_path().filename().string()};
    bool used = false;
    for (const std::string& wanted : options.classes) {
      const bool has = same_ignoring_case(*reason, detail::ptb_diagnosis(wanted));
      record.labels.push_back(has ? 1.0f : 0.0f);
      used = used || has;
    }
    if (!used) ++cohort.unused_codes[std::string(*reason)];
    cohort.records.push_back(std::move(record));
  }
  if (!missing.empty() && !options.drop_unreadable)
    throw IoError(missing_text(folder, first_missing, missing, std::ssize(names)));
  if (readable < std::ssize(names))
    cohort.steps.push_back({"not dropped as unreadable", std::ssize(names), readable});
  cohort.steps.push_back({"has a reason for admission", readable, std::ssize(cohort.records)});
  if (options.drop_unlabelled) detail::drop_unlabelled(cohort);
  return cohort;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
