// examples/ecg/grid_cell.hpp: one cell of a grid, trained
#pragma once

#include "grid_folder.hpp"

namespace app {

// In a cell's folder: the part that each record played, and its patient.
inline constexpr const char* kPartsFile = "records.csv";

// Trains the cell, from where it was stopped, or finds it finished. Throws FolderBusy where another process
// is at it, Stopped after a signal; any other failure is noted in the grid's folder too.
void run_grid_cell(const GridFolder& folder, const Cell& cell);

}  // namespace app
