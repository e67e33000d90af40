// cordis/ecg/source_code_test.hpp: CODE-test (Ribeiro et al., Zenodo 3765780): ecg_tracings.hdf5 and its
// annotations The tracings lie in one array (827, 4096, 12), in units of 1e-4 V at 400 Hz;
// annotations/gold_standard.csv has a row for each. Reading HDF5 is not this header's business: see
// OpenTracings.
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/csv.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// NORM: none of the six that are annotated.
inline const std::vector<std::string> kCodeTestClasses = {"NORM", "1dAVb", "RBBB", "LBBB", "SB", "AF", "ST"};

inline constexpr const char* kTracingsFile = "ecg_tracings.hdf5";
inline constexpr const char* kTracingsDataset = "tracings";
inline constexpr std::int64_t kTracingSamples = 4096, kTracingLeads = 12;
inline constexpr double kTracingRate = 400;        // Hz
inline constexpr double kTracingMillivolts = 0.1;  // of one unit, 1e-4 V
// Records of 10 s were made 4096 samples long with so many zeros at each end, which are cut off again: 12 at
// the study's 100 Hz. Those of 7 s keep the rest of their zeros, as they do in the study.
inline constexpr std::int64_t kTracingPadding = 48;

// An array of records in a file. cordis/hdf5/tracings.hpp opens one.
struct Tracings {
  std::string source;  // file and dataset, for messages
  std::vector<std::int64_t> shape;
  std::function<std::vector<double>(std::int64_t record)> read;  // (samples, leads), in the file's units
};
// Opens an array of records; cordis::hdf5's open_tracings is one.
using OpenTracings = std::function<Tracings(const std::filesystem::path& file, const std::string& dataset)>;

// Of open_code_test.
struct CodeTestOptions {
  std::vector<std::string> classes = kCodeTestClasses;
  bool drop_unlabelled = false;
  OpenTracings open = {};  // empty: reading the set is refused
};

namespace detail {

inline Record to_record(const std::vector<double>& tracing, const CohortRecord& entry,
                        const std::string& source) {
  const std::int64_t length = kTracingSamples - 2 * kTracingPadding;
  Record record{.name = entry.name,
                .source = concat(source, ", record ", entry.row),
                .fs = kTracingRate,
                .length = length,
                .leads = {kStandardLeads.begin(), kStandardLeads.end()},
                .units = std::vector<std::string>(kTracingLeads, "mV"),
                .samples = {},
                .comments = {},
                .warnings = {},
                .digest = 0};
  record.samples.reserve(static_cast<std::size_t>(length * kTracingLeads));
  const auto begin = tracing.begin() + kTracingPadding * kTracingLeads;
  for (auto x = begin; x != begin + length * kTracingLeads; ++x)
    record.samples.push_back(static_cast<float>(*x * kTracingMillivolts));
  Digest digest;
  digest.add(std::string_view(reinterpret_cast<const char*>(record.samples.data()),
                              record.samples.size() * sizeof(float)));
  record.digest = digest.value;
  return record;
}

}  // namespace detail

// aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2: a warning if the three columns named so are these
// leads in another order. The file itself does not name its leads.
inline std::optional<Warning> check_lead_order(const Record& record) {
  if (record.leads.size() != 12) return std::nullopt;
  double squares[3][3] = {}, scale = 0;  // [lead][column 3 to 5]
  for (std::size_t at = 0; at + 12 <= record.samples.size(); at += 12) {
    const double one = static_cast<double>(record.samples[at]),
                 two = static_cast<double>(record.samples[at + 1]);
    const double derived[3] = {-(one + two) / 2, one - two / 2, two - one / 2};
    if (std::isnan(one) || std::isnan(two)) continue;
    for (std::size_t lead = 0; lead < 3; ++lead)
      for (std::size_t col = 0; col < 3; ++col) {
        const double apart = derived[lead] - static_cast<double>(record.samples[at + 3 + col]);
        if (!std::isnan(apart)) squares[lead][col] += apart * apart;
      }
    scale += one * one + two * two;
  }
  constexpr const char* kNames[] = {"aVR", "aVL", "aVF"};
  constexpr int kOrders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  const auto error = [&](const int* order) {  // order[column] = lead
    double sum = 0;
    for (int col = 0; col < 3; ++col) sum += squares[order[col]][col];
    return sum;
  };
  const int* best = kOrders[0];
  for (const auto& order : kOrders)
    if (error(order) < error(best)) best = order;
  // Another order has to explain the columns well, and this one badly.
  if (best == kOrders[0] || error(best) > 0.02 * scale || error(kOrders[0]) < 4 * error(best))
    return std::nullopt;
  return Warning{"lead order",
                 concat(record.source, ": leads 4 to 6 are read as aVR, aVL, aVF, but leads I and II say ",
                        kNames[best[0]], ", ", kNames[best[1]], ", ", kNames[best[2]])};
}

// CODE-test (Ribeiro et al. 2020) as published: ecg_tracings.hdf5 and annotations/gold_standard.csv; IoError
// where something else is there.
inline Cohort open_code_test(const std::filesystem::path& folder, const CodeTestOptions& options = {}) {
  detail::check_classes(options.classes, "open_code_test");
  for (const std::string& name : options.classes)
    CORDIS_CHECK(std::ranges::find(kCodeTestClasses, name) != kCodeTestClasses.end(),
                 "[open_code_test] class ", name, " is none of ", join(kCodeTestClasses));
  const auto file = folder / kTracingsFile;
  size_of_file(file);
  Cohort cohort{.kind = "code-test", .folder = folder, .classes = options.classes};
  const CsvTable table = read_csv(folder / "annotations" / "gold_standard.csv", &cohort.digest);
  std::vector<std::size_t> columns;
  for (std::size_t k = 1; k < kCodeTestClasses.size(); ++k)
    columns.push_back(table.column(kCodeTestClasses[k]));
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    std::vector<float> all(kCodeTestClasses.size(), 0.0f);
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const std::string& text = table.rows[row][columns[k]];
      const auto value = to_real(trim(text));
      if (value != 0.0 && value != 1.0)
        throw IoError(concat(table.where(row, columns[k]), " is '", shown(text), "', wanted 0 or 1"));
      all[k + 1] = value == 1.0 ? 1.0f : 0.0f;
    }
    all[0] = std::ranges::none_of(all, [](float label) { return label > 0; }) ? 1.0f : 0.0f;
    CohortRecord record{.name = std::to_string(row), .path = file, .labels = {}, .patient = {}};
    record.row = static_cast<std::int64_t>(row);
    for (const std::string& name : options.classes)
      record.labels.push_back(all[static_cast<std::size_t>(std::ranges::find(kCodeTestClasses, name) -
                                                           kCodeTestClasses.begin())]);
    cohort.records.push_back(std::move(record));
  }

  if (!options.open)
    throw IoError(
        concat(file.string(),
               ": the tracings come as HDF5, and this program was built without it: install the HDF5 C "
               "library (Debian: libhdf5-dev) and configure with -DCORDIS_HDF5=ON"));
  const auto tracings = std::make_shared<const Tracings>(options.open(file, kTracingsDataset));
  const auto& shape = tracings->shape;
  if (shape.size() != 3 || shape[1] != kTracingSamples || shape[2] != kTracingLeads)
    throw IoError(concat(tracings->source, " has shape (", join(shape), "), wanted (records, ",
                         kTracingSamples, ", ", kTracingLeads, ")"));
  if (shape[0] != std::ssize(table.rows))
    throw IoError(concat(tracings->source, " holds ", shape[0], " records, but ", table.source, " has ",
                         table.rows.size(), " rows: one row for each record was wanted"));
  cohort.read = [tracings](const CohortRecord& entry) {
    Record record = detail::to_record(tracings->read(entry.row), entry, tracings->source);
    if (auto warning = check_lead_order(record)) record.warnings.push_back(std::move(*warning));
    return record;
  };
  cohort.steps.push_back({"has a row in gold_standard.csv", shape[0], std::ssize(cohort.records)});
  if (options.drop_unlabelled) detail::drop_unlabelled(cohort);
  return cohort;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
