// cordis/ecg/wfdb_signals.hpp: the signal files of a WFDB record: bytes to millivolts, checksums verified
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/file.hpp>
#include <cordis/ecg/wfdb_header.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg::detail {

inline std::int32_t little_endian_32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t k = 4; k-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + k]);
  return static_cast<std::int32_t>(value);
}

inline std::int16_t little_endian_16(const char* bytes) {
  return static_cast<std::int16_t>(static_cast<unsigned char>(bytes[0]) | static_cast<unsigned char>(bytes[1])
                                                                              << 8);
}

// Factor from a voltage unit to mV; nullopt for any other unit (NU, mmHg, ...).
inline std::optional<double> to_millivolts(std::string_view units) {
  const std::string unit = lower(units);
  if (unit == "mv") return 1.0;
  if (unit == "uv") return 1e-3;
  if (unit == "v") return 1e3;
  return std::nullopt;
}

// MATLAB v4 starts with five int32: type (30 = little-endian int16 matrix), rows, columns, imaginary, length
// of the name; then the name. Stored by columns, so that rows = signals is WFDB's own order.
inline void check_matlab(const std::filesystem::path& path, std::int64_t skip, std::int64_t signals,
                         std::optional<std::int64_t>& samples) {
  if (size_of_file(path) < 20)
    throw IoError(concat(path.string(), ": holds no MATLAB v4 header of 20 bytes"));
  const std::string bytes = read_bytes(path, 20);
  constexpr const char* kNames[] = {"type", "rows", "columns", "imaginary flag", "bytes before the samples"};
  const std::int64_t got[] = {little_endian_32(bytes, 0), little_endian_32(bytes, 4),
                              little_endian_32(bytes, 8), little_endian_32(bytes, 12),
                              std::int64_t{20} + little_endian_32(bytes, 16)};
  const std::int64_t wanted[] = {30, signals, samples.value_or(std::max<std::int64_t>(got[2], 0)), 0, skip};
  for (int k = 0; k < 5; ++k)
    if (got[k] != wanted[k])
      throw IoError(
          concat(path.string(), ": MATLAB header says ", kNames[k], " ", got[k], ", wanted ", wanted[k]));
  samples = wanted[2];
}

// Reads the signal files into `out`, once `check` has found all of them as large as the header says.
struct SignalFileReader {
  const std::filesystem::path header_file;
  const WfdbHeader& header;
  bool strict;
  std::optional<std::int64_t> samples;  // per signal; the first file decides where the header does not say
  std::vector<float> out = {};          // (samples, signals)
  std::vector<Warning> warnings = {};
  Digest digest = {};

  void complain(const char* key, std::string text) {
    if (strict) throw IoError(text);
    warnings.push_back({key, std::move(text)});
  }

  std::string name(std::size_t signal) const {
    const std::string& lead = header.signals[signal].lead;
    return lead.empty() ? concat("signal ", signal) : "lead " + lead;
  }

  // All signals that lie in one file, in order.
  using Group = std::vector<std::size_t>;

  std::vector<Group> groups() const {
    std::vector<Group> out_groups;
    std::vector<std::string> files;  // r.dat and ./r.dat are one
    for (const SignalHeader& signal : header.signals)
      files.push_back(std::filesystem::path(signal.file).lexically_normal().string());
    for (std::size_t s = 0; s < files.size(); ++s) {
      const auto holds_s = [&](const Group& group) { return files[group[0]] == files[s]; };
      const auto found = std::ranges::find_if(out_groups, holds_s);
      if (found == out_groups.end())
        out_groups.push_back({s});
      else
        found->push_back(s);
    }
    return out_groups;
  }

  std::filesystem::path path_of(const Group& group) const {
    return header_file.parent_path() / header.signals[group[0]].file;
  }

  std::uint64_t bytes_of(const Group& group) const {
    return static_cast<std::uint64_t>(header.signals[group[0]].skip) +
           static_cast<std::uint64_t>(*samples) * 2 * group.size();
  }

  void check(const Group& group) {
    const SignalHeader& first = header.signals[group[0]];
    const std::filesystem::path file(first.file);
    if (file.is_absolute() || std::ranges::find(file, std::filesystem::path("..")) != file.end())
      throw IoError(
          concat(header_file.string(), ": signal file ", first.file, " lies outside the record's folder"));
    for (const std::size_t s : group)
      if (header.signals[s].skip != first.skip)
        throw IoError(concat(header_file.string(), ": byte offset of ", name(s), " is ",
                             header.signals[s].skip, ", that of ", name(group[0]), " in the same file ",
                             first.skip));
    const auto path = path_of(group);
    const std::uint64_t size = size_of_file(path), skip = static_cast<std::uint64_t>(first.skip);
    if (same_ignoring_case(path.extension().string(), ".mat"))
      check_matlab(path, first.skip, static_cast<std::int64_t>(group.size()), samples);
    if (!samples) samples = static_cast<std::int64_t>((size - std::min(size, skip)) / (2 * group.size()));
    const std::uint64_t wanted = bytes_of(group);
    if (size < wanted)
      throw IoError(concat(path.string(), ": holds ", size, " bytes, wanted ", wanted, " (", first.skip,
                           " + ", *samples, " samples x ", group.size(), " signals x 2)"));
    if (size > wanted)
      complain("length", concat(path.string(), ": holds ", size, " bytes, the header accounts for ", wanted));
  }

  void read() {
    const auto all = groups();
    for (const Group& group : all) check(group);
    out.resize(static_cast<std::size_t>(*samples) * header.signals.size());
    for (const Group& group : all) {
      const std::string bytes = read_bytes(path_of(group), bytes_of(group));
      digest.add(bytes);
      const char* first = bytes.data() + header.signals[group[0]].skip;
      for (std::size_t k = 0; k < group.size(); ++k) {
        const std::uint32_t sum = convert(first + 2 * k, group.size(), group[k], out);
        check_sum(sum, group[k]);
        if (*samples > 0) check_first(first + 2 * k, group[k]);
      }
    }
  }

  // Column `signal` of `to` (rows, signals) from every stride-th word of `bytes`; returns the sum of the
  // words.
  std::uint32_t convert(const char* bytes, std::size_t stride, std::size_t signal,
                        std::vector<float>& to) const {
    const SignalHeader& info = header.signals[signal];
    const double scale = to_millivolts(info.units).value_or(1.0);
    const double baseline = static_cast<double>(info.baseline);
    std::uint32_t sum = 0;
    for (std::size_t at = signal, n = 0; at < to.size(); at += header.signals.size(), ++n) {
      const std::int16_t raw = little_endian_16(bytes + 2 * n * stride);
      sum += static_cast<std::uint32_t>(raw);
      to[at] = raw == std::numeric_limits<std::int16_t>::min()
                   ? std::numeric_limits<float>::quiet_NaN()
                   : static_cast<float>((static_cast<double>(raw) - baseline) / info.gain * scale);
    }
    return sum;
  }

  void check_sum(std::uint32_t sum, std::size_t signal) {
    const auto low_16 = [](auto value) {
      return static_cast<std::int16_t>(static_cast<std::uint16_t>(value));
    };
    const auto& wanted = header.signals[signal].checksum;
    if (wanted && low_16(sum) != low_16(*wanted))
      complain("checksum", concat(path_of({signal}).string(), ": checksum of ", name(signal), " is ",
                                  low_16(sum), ", the header says ", low_16(*wanted)));
  }
  void check_first(const char* bytes, std::size_t signal) {
    const auto& wanted = header.signals[signal].initial_value;
    if (wanted && little_endian_16(bytes) != *wanted)
      complain("initial value", concat(path_of({signal}).string(), ": first sample of ", name(signal), " is ",
                                       little_endian_16(bytes), ", the header says ", *wanted));
  }
};

}  // namespace cordis::inline CORDIS_ABI::ecg::detail
