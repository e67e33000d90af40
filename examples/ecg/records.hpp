// examples/ecg/records.hpp: data folders into arrays, and their account
#pragma once

#include <cordis/core/tensor.hpp>
#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <string>
#include <vector>

#include "options.hpp"
#include "report.hpp"

namespace app {

// The records of one or several folders, one after the other, with the same classes.
struct Records {
  std::string name;  // of the folders, for titles
  std::vector<std::string> classes;
  cordis::Tensor x;                                // (N, L, 12)
  cordis::Tensor y;                                // (N, classes)
  std::vector<cordis::ecg::CohortRecord> records;  // N, named folder/record where there are several folders
  std::vector<std::size_t> sizes;                  // records of each folder
  std::vector<cordis::ecg::EcgData> accounts;  // of each folder; their samples and labels moved to x and y

  std::int64_t size() const { return static_cast<std::int64_t>(records.size()); }
};

// A folder as `set` and `signal` ask for it.
cordis::ecg::Cohort open_folder(const std::string& folder, const SetOptions& set,
                                const cordis::ecg::PreprocessOptions& signal);

// A progress line each. Warnings (checksums) go to stderr, counted.
// cache: a folder in which preprocessed records are kept and found again; empty: none.
Records load_records(const SetOptions& set, const cordis::ecg::PreprocessOptions& signal,
                     const std::filesystem::path& cache = {});

// Records whose signals or labels came from other bytes than before are another experiment: config.json.
Json digest_json(const Records& records);

// Label counts of the parts, filter steps, drops and notes, for the report.
DataSection data_section(const std::string& title, const Records& records,
                         const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& parts);

}  // namespace app
