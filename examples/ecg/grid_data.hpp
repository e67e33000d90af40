// examples/ecg/grid_data.hpp: what a grid's data sets held when they were read: data/NAME.json
#pragma once

#include <optional>

#include "grid_folder.hpp"
#include "records.hpp"

namespace app {

struct DataAccount {
  std::size_t records = 0;
  std::vector<std::string> classes;
  std::vector<std::size_t> positives;                         // by class
  std::vector<std::pair<std::string, std::int64_t>> steps;    // what was asked of records, how many were left
  std::vector<std::pair<std::string, std::int64_t>> dropped;  // reason, how many
  std::vector<std::string> notes;                             // checksums that differ, unknown codes
};

// Written by the first cell that reads the set.
void write_account(const GridFolder& folder, const std::string& name, const Records& records);
std::optional<DataAccount> read_account(const GridFolder& folder, const std::string& name);

}  // namespace app
