// cordis/ecg/cohort.hpp: what every data source gives: records with their labels, and an account of the
// others
#pragma once

#include <cordis/config.hpp>
#include <cordis/ecg/file.hpp>
#include <cordis/ecg/text.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

inline constexpr int kNoFold = 0;         // the source has no folds
inline constexpr int kTrainingFold = -1;  // one of 1 to 8, not known which

// One record: where it is, and its labels.
struct CohortRecord {
  std::string name;            // as the source names it
  std::filesystem::path path;  // of the header, with or without .hea
  std::vector<float> labels;   // 0 or 1, one per class
  int fold = kNoFold;          // 1 to 10, kNoFold or kTrainingFold
  std::string patient;         // empty where the source does not tell
  std::int64_t row = 0;        // in a file that holds many records
};

// A record that is not used, and why.
struct Dropped {
  std::string name;
  std::string key;   // stable, for counting: "no file", "no labels", "too short", "empty lead", ...
  std::string text;  // one line for a person
};

// What one step of a source's selection left.
struct FilterStep {
  std::string what;
  std::int64_t before = 0;
  std::int64_t after = 0;
};

// Records stand in the table's order, or sorted by name where the source is a folder.
struct Cohort {
  std::string kind;  // "ptb-xl", "ptb", "challenge", "code-test", "labels.csv"
  std::filesystem::path folder;
  std::vector<std::string> classes;
  std::vector<CohortRecord> records = {};
  std::vector<Dropped> dropped = {};
  std::vector<FilterStep> steps = {};
  std::map<std::string, std::int64_t> unused_codes =
      {};                    // diagnosis codes that stand for no class: how often each
  bool band_passed = false;  // its records have been filtered and normalised already
  Digest digest = {};        // of the tables or headers read
  std::function<Record(const CohortRecord&)> read = {};  // empty: `path` names a WFDB record
};

// Records that carry each class, in class order.
inline std::vector<std::int64_t> class_counts(const std::vector<CohortRecord>& records, std::size_t classes) {
  std::vector<std::int64_t> counts(classes, 0);
  for (const CohortRecord& record : records)
    for (std::size_t k = 0; k < classes; ++k) counts[k] += record.labels[k] > 0;
  return counts;
}

// A class that no record carries cannot be learnt or tested: throws IoError with the count of every class.
inline void require_every_class(const std::vector<CohortRecord>& records,
                                const std::vector<std::string>& classes, const std::string& source) {
  const auto counts = class_counts(records, classes.size());
  std::vector<std::string> empty, all;
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (counts[k] == 0) empty.push_back(classes[k]);
    all.push_back(concat(classes[k], " ", counts[k]));
  }
  if (!empty.empty())
    throw IoError(
        concat(source, ": no record of class ", join(empty), "; records per class: ", join(all, 100)));
}

// How many records were dropped for each reason.
inline std::map<std::string, std::int64_t> count_by_reason(const std::vector<Dropped>& dropped) {
  std::map<std::string, std::int64_t> counts;
  for (const Dropped& record : dropped) ++counts[record.key];
  return counts;
}

namespace detail {

// A class list from the caller: not empty, no name twice.
inline void check_classes(const std::vector<std::string>& classes, const char* who) {
  CORDIS_CHECK(!classes.empty(), "[", who, "] no classes");
  for (std::size_t a = 0; a < classes.size(); ++a)
    for (std::size_t b = a + 1; b < classes.size(); ++b)
      CORDIS_CHECK(classes[a] != classes[b], "[", who, "] class ", classes[a], " is named twice");
}

// Removes the records without any of the classes, as a filter step.
inline void drop_unlabelled(Cohort& cohort) {
  const auto before = std::ssize(cohort.records);
  std::vector<CohortRecord> kept;
  for (CohortRecord& record : cohort.records) {
    bool any = false;
    for (const float label : record.labels) any = any || label > 0;
    if (any)
      kept.push_back(std::move(record));
    else
      cohort.dropped.push_back({record.name, "no labels", record.name + ": has none of the classes"});
  }
  cohort.records = std::move(kept);
  cohort.steps.push_back({"has one of the classes", before, std::ssize(cohort.records)});
}

}  // namespace detail

}  // namespace cordis::inline CORDIS_ABI::ecg
