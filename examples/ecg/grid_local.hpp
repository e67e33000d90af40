// examples/ecg/grid_local.hpp: a grid's cells as processes of this machine
#pragma once

#include "grid_folder.hpp"

namespace app {

// Runs every cell that is not finished, `jobs` processes at a time, upstream cells before what starts from
// them. A failed cell is told and left; those that start from it are left too. Returns 0 where all cells are
// finished at the end, else 1. SIGTERM or SIGINT end the processes, with their states saved, and throw
// Stopped.
int run_locally(const GridFolder& folder, int jobs);

}  // namespace app
