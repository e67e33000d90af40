// cordis/ecg/missing.hpp: records whose files are not there: how many of a set, and what to do
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// The first file of a WFDB record that does not exist: its header, or a signal file that the header names
// below its own folder.
inline std::optional<std::filesystem::path> missing_file(const std::filesystem::path& record) {
  std::error_code ignored;
  const auto header = header_path(record);
  if (!std::filesystem::exists(header, ignored)) return header;
  try {
    for (const SignalHeader& signal : read_header(header).signals) {
      const std::filesystem::path name(signal.file), file = header.parent_path() / name;
      const bool inside =
          !name.is_absolute() && std::ranges::find(name, std::filesystem::path("..")) == name.end();
      if (inside && !std::filesystem::exists(file, ignored)) return file;
    }
  } catch (const IoError&) {  // there, if damaged
  }
  return std::nullopt;
}

// "x/r1.dat: no such file; 2 of 12 records of x lack files (r1, r7): ..."
inline std::string missing_text(const std::filesystem::path& folder, const std::filesystem::path& first,
                                const std::vector<std::string>& names, std::int64_t records) {
  return concat(first.string(), ": no such file; ", names.size(), " of ", records, " records of ",
                folder.string(), " lack files (", join(names, 5),
                "): download the rest of the set, or leave these records out with --drop-unreadable");
}

// Throws IoError for the whole cohort if a file of `entry` is missing.
inline void require_files(const Cohort& cohort, const CohortRecord& entry) {
  const auto first = missing_file(entry.path);
  if (!first) return;
  std::vector<std::string> names;
  for (const CohortRecord& record : cohort.records)
    if (missing_file(record.path)) names.push_back(record.name);
  throw IoError(missing_text(cohort.folder, *first, names, std::ssize(cohort.records)));
}

}  // namespace cordis::inline CORDIS_ABI::ecg
