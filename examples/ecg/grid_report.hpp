// examples/ecg/grid_report.hpp: the report of a grid, one HTML file that needs nothing else
#pragma once

#include "grid_results.hpp"

namespace app {

// Drawings and their numbers go to folder/plots.
std::string grid_report(const GridFolder& folder, const GridResults& results);

}  // namespace app
