// cordis/ecg/source_challenge.hpp: folders of the PhysioNet/CinC Challenges 2020 and 2021
// Every .hea below the folder, sorted by path; labels from the SNOMED CT codes of its "#Dx:" line.
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// A class of the study and its SNOMED CT code.
struct SnomedClass {
  std::string_view name;
  std::string_view code;
};

// The classes of the study: CPSC2018's nine, then those that Georgia adds.
inline constexpr SnomedClass kSnomedClasses[] = {
    {"NORM", "426783006"}, {"AF", "164889003"},  {"IAVB", "270492004"}, {"LBBB", "164909002"},
    {"RBBB", "59118001"},  {"PAC", "284470004"}, {"VEB", "164884008"},  {"STD", "429622005"},
    {"STE", "164931005"},  {"SB", "426177001"},  {"LAD", "39732003"},   {"STach", "427084000"},
    {"TAb", "164934002"},  {"TInv", "59931005"}, {"LQT", "111975006"}};

// CPSC2018's nine.
inline const std::vector<std::string> kCpscClasses = {"NORM", "AF",  "IAVB", "LBBB", "RBBB",
                                                      "PAC",  "VEB", "STD",  "STE"};
// Georgia's ten.
inline const std::vector<std::string> kGeorgiaClasses = {"NORM",  "AF",  "IAVB", "SB",  "LAD",
                                                         "STach", "TAb", "TInv", "LQT", "PAC"};

// Scored as one by the Challenge: complete and plain right bundle branch block, supraventricular and atrial
// premature beats, ventricular premature beats under two names.
inline constexpr std::pair<std::string_view, std::string_view> kEquivalentCodes[] = {
    {"713427006", "59118001"}, {"63593006", "284470004"}, {"17338001", "427172004"}};

// Of open_challenge.
struct ChallengeOptions {
  std::vector<std::string> classes =
      {};                         // names of kSnomedClasses or SNOMED codes; empty: see open_challenge
  bool merge_equivalent = false;  // count kEquivalentCodes as one (the study does not)
  bool drop_unlabelled = false;   // else records without any class stay, as rows of zeros
};

namespace detail {

inline std::string_view snomed_code(std::string_view name) {
  for (const SnomedClass& known : kSnomedClasses)
    if (known.name == name) return known.code;
  const bool is_code = !name.empty() && name.find_first_not_of("0123456789") == name.npos;
  std::vector<std::string_view> names;
  for (const SnomedClass& known : kSnomedClasses) names.push_back(known.name);
  CORDIS_CHECK(is_code, "[open_challenge] class ", name, " is neither a SNOMED code nor one of ",
               join(names));
  return name;
}

inline std::string_view merged_code(std::string_view code) {
  for (const auto& [one, other] : kEquivalentCodes)
    if (code == one) return other;
  return code;
}

// All headers below a folder, sorted by path. Links to folders are not followed.
inline std::vector<std::filesystem::path> find_headers(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error), end;
  for (; !error && at != end; at.increment(error))
    if (at->path().extension() == ".hea") out.push_back(at->path());
  if (error) throw IoError(concat(folder.string(), ": cannot be listed: ", error.message()));
  std::ranges::sort(out, {}, [](const std::filesystem::path& path) { return path.generic_string(); });
  return out;
}

// CPSC2018's records are A0001 ..., Georgia's E00001 ...
inline std::vector<std::string> challenge_classes(const std::vector<std::filesystem::path>& headers) {
  const auto all_start_with = [&](char c) {
    return std::ranges::all_of(headers, [&](const auto& path) { return path.filename().string()[0] == c; });
  };
  if (all_start_with('A')) return kCpscClasses;
  if (all_start_with('E')) return kGeorgiaClasses;
  std::vector<std::string> all;
  for (const SnomedClass& known : kSnomedClasses) all.emplace_back(known.name);
  return all;
}

}  // namespace detail

// Without a class list: CPSC2018's classes if every name starts with A, Georgia's if with E, else all of
// kSnomedClasses.
inline Cohort open_challenge(const std::filesystem::path& folder, const ChallengeOptions& options = {}) {
  const auto headers = detail::find_headers(folder);
  if (headers.empty()) throw IoError(concat(folder.string(), ": no .hea file in it or below"));
  Cohort cohort{.kind = "challenge", .folder = folder, .classes = options.classes};
  if (cohort.classes.empty()) cohort.classes = detail::challenge_classes(headers);
  detail::check_classes(cohort.classes, "open_challenge");
  std::vector<std::string_view> codes;
  for (const std::string& name : cohort.classes) codes.push_back(detail::snomed_code(name));

  for (const auto& path : headers) {
    const std::string text = read_text(path, kLargestHeader);
    cohort.digest.add(text);
    const WfdbHeader header = parse_header(text, path.string());
    const std::string name = std::filesystem::relative(path, folder).replace_extension().generic_string();
    const auto diagnoses = comment_value(header.comments, "Dx");
    if (!diagnoses) {
      cohort.dropped.push_back({name, "no diagnosis", path.string() + ": no #Dx line"});
      continue;
    }
    CohortRecord record{
        .name = name, .path = path, .labels = std::vector<float>(codes.size(), 0.0f), .patient = {}};
    for (const std::string_view written : split(*diagnoses, ", \t")) {
      const std::string_view code = options.merge_equivalent ? detail::merged_code(written) : written;
      bool used = false;
      for (std::size_t k = 0; k < codes.size(); ++k)
        if (code == (options.merge_equivalent ? detail::merged_code(codes[k]) : codes[k])) {
          record.labels[k] = 1;
          used = true;
        }
      if (!used) ++cohort.unused_codes[std::string(written)];
    }
    cohort.records.push_back(std::move(record));
  }
  cohort.steps.push_back({"has a #Dx line", std::ssize(headers), std::ssize(cohort.records)});
  if (options.drop_unlabelled) detail::drop_unlabelled(cohort);
  return cohort;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
