// cordis/hdf5/tracings.hpp: an HDF5 array of ECGs, for the sources that are kept as one
#pragma once

#include <cordis/config.hpp>
#include <cordis/ecg/source_code_test.hpp>
#include <cordis/hdf5/array.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI::hdf5 {

// An ecg::OpenTracings: `ecg::open_source(folder, {.tracings = hdf5::open_tracings})`.
inline ecg::Tracings open_tracings(const std::filesystem::path& file, const std::string& dataset) {
  const auto array = std::make_shared<Array>(file, dataset);
  return {.source = array->source(), .shape = array->shape(), .read = [array](std::int64_t record) {
            const auto row = array->row(record);
            return std::vector<double>(row.begin(), row.end());
          }};
}

}  // namespace cordis::inline CORDIS_ABI::hdf5
