// cordis/ecg/load.hpp: a cohort's records, read and preprocessed, as one array
#pragma once

#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/missing.hpp>
#include <cordis/ecg/preprocess.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// How records are read.
struct LoadOptions {
  PreprocessOptions preprocess = {};  // its band-pass is left out where the cohort is band-passed already
  WfdbOptions wfdb = {};
  bool drop_unreadable =
      false;  // drop and count a record that cannot be read ("unreadable"), else throw its IoError
  std::function<void(std::int64_t done, std::int64_t all)> progress = {};
};

// What was read, and an account of what was not.
struct EcgData {
  std::int64_t size = 0;    // N: records kept
  std::int64_t length = 0;  // L: samples per lead
  std::int64_t leads = 12;
  std::vector<std::string> classes;
  std::vector<float> samples;         // (N, L, 12), leads in standard order
  std::vector<float> labels;          // (N, classes)
  std::vector<CohortRecord> records;  // those kept, in the order of the rows
  std::vector<Dropped> dropped;       // by the source and while loading
  std::vector<FilterStep> steps;
  std::vector<Warning> warnings;                       // of the records read, kept or not
  std::map<std::string, std::int64_t> warning_counts;  // by key: "checksum", ...
  std::map<std::string, std::int64_t> unused_codes;
  std::int64_t filled = 0;  // missing samples filled, in the records kept
  Digest digest;            // of every byte read: tables, headers, signals
};

// Reads and preprocesses every record, in the cohort's order; IoError for one that cannot be read, unless
// drop_unreadable. Records that the preprocessing rejects are dropped and counted.
inline EcgData load(const Cohort& cohort, const LoadOptions& options = {}) {
  PreprocessOptions preprocessing = options.preprocess;
  check_options(preprocessing);
  if (cohort.band_passed) preprocessing.band_pass = false;
  EcgData data{.length = preprocessing.length,
               .classes = cohort.classes,
               .samples = {},
               .labels = {},
               .records = {},
               .dropped = cohort.dropped,
               .steps = cohort.steps,
               .warnings = {},
               .warning_counts = {},
               .unused_codes = cohort.unused_codes,
               .digest = cohort.digest};

  std::map<std::string, std::int64_t> dropped_here;
  const auto drop = [&](const CohortRecord& record, const std::string& key, const std::string& text) {
    data.dropped.push_back({record.name, key, text});
    ++dropped_here[key];
  };
  const auto read_one = [&](const CohortRecord& entry) {
    const Record record = cohort.read ? cohort.read(entry) : read_record(entry.path, options.wfdb);
    data.digest.add(record.digest);
    data.warnings.insert(data.warnings.end(), record.warnings.begin(), record.warnings.end());
    Prepared prepared = preprocess(reorder_leads(record), preprocessing);
    if (prepared.rejected) return drop(entry, prepared.rejected->key, prepared.rejected->text);
    data.samples.insert(data.samples.end(), prepared.samples.begin(), prepared.samples.end());
    data.labels.insert(data.labels.end(), entry.labels.begin(), entry.labels.end());
    data.records.push_back(entry);
    data.filled += prepared.filled;
  };
  // In one piece from the start: growing would need twice as much.
  const auto values = static_cast<std::size_t>(data.length * data.leads);
  constexpr std::size_t kMost = (std::size_t{1} << 40) / sizeof(float);  // more is a mistake somewhere
  if (values > 0 && cohort.records.size() <= kMost / values)
    data.samples.reserve(cohort.records.size() * values);
  std::int64_t done = 0;
  for (const CohortRecord& entry : cohort.records) {
    try {
      read_one(entry);
    } catch (const IoError& error) {
      if (!options.drop_unreadable && !cohort.read) require_files(cohort, entry);
      if (!options.drop_unreadable) throw;
      drop(entry, "unreadable", error.what());
    }
    if (options.progress) options.progress(++done, std::ssize(cohort.records));
  }
  std::int64_t left = std::ssize(cohort.records);
  for (const auto& [key, count] : dropped_here) {
    data.steps.push_back({"not dropped as " + key, left, left - count});
    left -= count;
  }
  for (const Warning& warning : data.warnings) ++data.warning_counts[warning.key];
  data.size = std::ssize(data.records);
  return data;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
