// cordis/ecg/wfdb.hpp: WFDB records: format 16 (.dat) and the PhysioNet Challenges' MATLAB files (16+24)
#pragma once

#include <algorithm>
#include <array>
#include <cordis/config.hpp>
#include <cordis/ecg/file.hpp>
#include <cordis/ecg/wfdb_header.hpp>
#include <cordis/ecg/wfdb_signals.hpp>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// The twelve, in the order in which networks take them.
inline constexpr std::array<std::string_view, 12> kStandardLeads = {"I",  "II", "III", "aVR", "aVL", "aVF",
                                                                    "V1", "V2", "V3",  "V4",  "V5",  "V6"};

// Volts and microvolts are turned into millivolts; other units (NU, ...) stay as they are. NaN = missing
// sample.
struct Record {
  std::string name;
  std::string source;              // path of the header, for messages
  double fs = 0;                   // Hz
  std::int64_t length = 0;         // samples per lead
  std::vector<std::string> leads;  // as written in the header
  std::vector<std::string> units;  // "mV", or as written
  std::vector<float> samples;      // (length, leads)
  std::vector<std::string> comments;
  std::vector<Warning> warnings;
  std::uint64_t digest = 0;  // of the bytes read
};

inline constexpr std::uint64_t kLargestHeader = 16u << 20;  // bytes

// "x", "x.hea", "x.dat" and "x.mat" name the same record.
inline std::filesystem::path header_path(std::filesystem::path record) {
  const std::string suffix = record.extension().string();
  if (suffix == ".hea" || suffix == ".dat" || suffix == ".mat") record.replace_extension();
  return record += ".hea";
}

// A record's header alone; IoError where it is missing or damaged.
inline WfdbHeader read_header(const std::filesystem::path& record, WfdbOptions options = {}) {
  const auto path = header_path(record);
  return parse_header(read_text(path, kLargestHeader), path.string(), options);
}

namespace detail {
// What the header says of a record, or a piece of one, that has `length` samples of each lead.
inline Record described(const WfdbHeader& header, const std::filesystem::path& path, std::int64_t length) {
  Record record;
  record.name = header.name;
  record.source = path.string();
  record.fs = header.fs;
  record.length = length;
  for (const SignalHeader& signal : header.signals) {
    record.leads.push_back(signal.lead);
    record.units.push_back(to_millivolts(signal.units) ? "mV" : signal.units);
  }
  return record;
}
}  // namespace detail

// Throws IoError for anything that cannot be read as it claims to be; a checksum or first sample that does
// not match is a warning (strict: thrown).
inline Record read_record(const std::filesystem::path& record_name, WfdbOptions options = {}) {
  const auto path = header_path(record_name);
  const std::string text = read_text(path, kLargestHeader);
  WfdbHeader header = parse_header(text, path.string(), options);
  detail::SignalFileReader reader{path, header, options.strict, header.samples};
  reader.read();
  Digest digest = reader.digest;
  digest.add(text);
  Record record = detail::described(header, path, *reader.samples);
  record.samples = std::move(reader.out);
  record.comments = std::move(header.comments);
  record.warnings = std::move(header.warnings);
  record.digest = digest.value;
  std::ranges::move(reader.warnings, std::back_inserter(record.warnings));
  return record;
}

// The wanted leads, in that order and spelling, found by name whatever the case; the others are dropped.
inline Record reorder_leads(const Record& record, std::span<const std::string_view> wanted = kStandardLeads) {
  std::vector<std::size_t> from;
  std::vector<std::string_view> missing;
  for (const std::string_view lead : wanted) {
    const auto is_it = [&](const std::string& name) { return same_ignoring_case(trim(name), lead); };
    const auto found = std::ranges::find_if(record.leads, is_it);
    if (found == record.leads.end()) {
      missing.push_back(lead);
      continue;
    }
    if (const auto again = std::find_if(found + 1, record.leads.end(), is_it); again != record.leads.end())
      throw IoError(concat(record.source, ": lead ", lead, " is there twice, as signals ",
                           found - record.leads.begin(), " and ", again - record.leads.begin()));
    from.push_back(static_cast<std::size_t>(found - record.leads.begin()));
  }
  if (!missing.empty())
    throw IoError(
        concat(record.source, ": leads missing: ", join(missing), "; there are: ", join(record.leads)));

  Record out = record;
  const std::size_t leads = record.leads.size(), length = static_cast<std::size_t>(record.length);
  out.leads.assign(wanted.begin(), wanted.end());
  out.units.clear();
  for (const std::size_t lead : from) out.units.push_back(record.units[lead]);
  out.samples.resize(length * from.size());
  for (std::size_t n = 0; n < length; ++n)
    for (std::size_t k = 0; k < from.size(); ++k)
      out.samples[n * from.size() + k] = record.samples[n * leads + from[k]];
  return out;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
