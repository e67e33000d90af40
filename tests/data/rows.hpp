// tests/data/rows.hpp: lists of row numbers
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

using Rows = std::vector<std::int64_t>;

inline Rows counting(std::int64_t n) {
  Rows rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}
inline Rows joined(const std::vector<Rows>& parts) {
  Rows all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
inline Rows sizes(const std::vector<Rows>& parts) {
  Rows all;
  for (const auto& part : parts) all.push_back(std::ssize(part));
  return all;
}
