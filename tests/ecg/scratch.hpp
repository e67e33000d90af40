// tests/ecg/scratch.hpp: a small WFDB writer, and the text of what was thrown
#pragma once

#include <cmath>
#include <cordis/config.hpp>
#include <cordis/ecg/csv.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <scratch_folder.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace scratch {

// Little-endian 16-bit samples in the order given.
inline std::string bytes_of(const std::vector<std::int16_t>& samples) {
  std::string out;
  for (const std::int16_t sample : samples) {
    out += static_cast<char>(sample & 255);
    out += static_cast<char>((sample >> 8) & 255);
  }
  return out;
}

inline std::string int32(std::int32_t value) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 255);
  return out;
}

// The 24 bytes in front of the samples of a Challenge file.
inline std::string matlab_header(std::int32_t rows, std::int32_t columns, std::int32_t type = 30) {
  return int32(type) + int32(rows) + int32(columns) + int32(0) + int32(4) + std::string("val\0", 4);
}

// What f threw, as text; empty if it threw nothing of that kind.
template <class Exception = cordis::IoError>
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Exception& error) {
    return error.what();
  }
  return {};
}

// Every part stands in the text, which is a single line.
inline bool says(const std::string& text, std::initializer_list<std::string_view> parts) {
  bool all = !text.empty() && text.find('\n') == std::string::npos;
  for (const auto part : parts) all = all && text.find(part) != std::string::npos;
  return all;
}

// A file of named number lists: columns name, values (separated by blanks).
inline std::map<std::string, std::vector<double>> read_numbers(const fs::path& path) {
  const auto table = cordis::ecg::read_csv(path);
  std::map<std::string, std::vector<double>> out;
  for (const auto& row : table.rows) {
    std::istringstream text(row[1]);
    for (double value = 0; text >> value;) out[row[0]].push_back(value);
  }
  return out;
}

inline const std::map<std::string, std::vector<double>>& filter_numbers() {
  static const auto numbers = read_numbers(fs::path(CORDIS_FIXTURES_DIR) / "ecg_filters.csv");
  return numbers;
}

// Largest difference, relative to the largest number wanted; infinite if the sizes differ.
template <class Got>
double deviation(const Got& got, const std::vector<double>& wanted) {
  if (got.size() != wanted.size()) return std::numeric_limits<double>::infinity();
  double apart = 0, largest = 1e-300;
  for (std::size_t n = 0; n < wanted.size(); ++n) {
    const double difference = std::abs(static_cast<double>(got[n]) - wanted[n]);
    if (!(difference <= apart)) apart = difference;  // NaN stays
    largest = std::max(largest, std::abs(wanted[n]));
  }
  return apart / largest;
}

}  // namespace scratch
