// cordis/ecg/source_cpsc2018.hpp: CPSC2018 in its first layout, MATLAB structs and REFERENCE.csv: known, and
// refused The same 6877 records with the same names were published again as WFDB headers with MATLAB v4
// files, by the PhysioNet/CinC Challenge 2020, and those are what the study and open_challenge read.
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/file.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// A .mat file of MATLAB 5 or later, which can hold a struct; the Challenge's are of MATLAB 4.
inline bool is_matlab5(const std::filesystem::path& path) {
  constexpr std::string_view kMagic = "MATLAB 5.0 MAT-file";
  return size_of_file(path) >= kMagic.size() && read_bytes(path, kMagic.size()) == kMagic;
}

// The first .mat file of a folder, by path, if the folder is such a one: no .hea file, .mat files of
// MATLAB 5.
inline std::optional<std::filesystem::path> find_cpsc2018(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error), end;
  for (; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".hea") return std::nullopt;
    if (at->path().extension() == ".mat" && at->is_regular_file(error)) found.push_back(at->path());
  }
  if (found.empty()) return std::nullopt;
  const auto first = *std::ranges::min_element(found);
  return is_matlab5(first) ? std::optional(first) : std::nullopt;
}

// What to do where `first` shows that the folder holds CPSC2018 as it was first published.
inline std::string cpsc2018_advice(const std::filesystem::path& folder, const std::filesystem::path& first) {
  const bool has_table = std::filesystem::exists(folder / "REFERENCE.csv") ||
                         std::filesystem::exists(first.parent_path() / "REFERENCE.csv");
  return concat(
      folder.string(), ": MATLAB 5 files without headers (", first.filename().string(),
      has_table ? ", with REFERENCE.csv" : "",
      "), as CPSC2018 was first published, are not read; take its records from \"Classification of 12-lead "
      "ECGs: The PhysioNet/Computing in Cardiology Challenge 2020\" 1.0.2, folder training/cpsc_2018 "
      "(https://physionet.org/content/challenge-2020/1.0.2/), which have a .hea beside each .mat");
}

}  // namespace cordis::inline CORDIS_ABI::ecg
