// examples/ecg/grid_slurm.hpp: a grid's cells as job arrays of Slurm
#pragma once

#include "grid_folder.hpp"

namespace app {

struct SlurmOptions {
  std::string partition;          // empty: the cluster's default
  std::string time = "24:00:00";  // of a cell; one that needs longer is queued again and goes on
  std::string extra;              // further options of sbatch, for all jobs
  int signal_seconds = 120;       // before the time limit: the cell saves its state and is queued again
  bool dry = false;               // write the scripts, hand in nothing
};

// One job array for the upstream cells that are not finished, one for those from random weights, and one for
// each upstream cell's dependents, which Slurm starts once that cell has ended well (afterok). Scripts, lists
// and outputs lie in the grid's folder, below slurm/. Returns the numbers of the jobs. Throws IoError where
// sbatch is missing or refuses.
std::vector<std::string> submit_to_slurm(const GridFolder& folder, const SlurmOptions& options);

}  // namespace app
