// examples/ecg/grid.hpp: a study as a grid of trainings: what is asked for, and the cells that answer it
#pragma once

#include <string>
#include <vector>

#include "options.hpp"

namespace app {

// A data set of the grid, and what a training on it takes.
struct GridData {
  std::string name;
  SetOptions set;
  cordis::ecg::PreprocessOptions signal;
  SplitOptions split;
  // As upstream: the split's training records, or all; the weights that are handed on: of the last epoch, of
  // the epoch that validation selected, or of the best on the test records, as the study does with PTB-XL.
  std::string upstream_records = "training";  // training or all
  std::string upstream_weights = "last";      // last, selected or best
};

// Beside the plain grid: downstream trainings on the first `sizes` training records.
struct GridSweep {
  std::vector<std::string> models, upstream, downstream;
  std::vector<int> sizes;
};

struct Grid {
  std::vector<GridData> data;
  std::vector<std::string> models, upstream,
      downstream;                                // downstream: also without upstream, from random weights
  std::vector<std::string> heads = {"flatten"};  // of recurrent networks; more than one: the ablation
  int seeds = 3, first_seed = 0;
  int upstream_seeds = 0;  // 0: each seed has upstream trainings of its own; else seeds share them in turn
  FitOptions up = {.epochs = 12, .batch = 64, .lr = 1e-3}, down = {.epochs = 20, .batch = 16, .lr = 1e-3};
  NetOptions net;
  std::vector<GridSweep> sweeps;
  int resamples = 2000;
  RunOptions run;  // of each cell; its folder is the grid's to choose
};

// One training. Cells depend on nothing but `init`.
struct Cell {
  std::string id;  // its folder's name
  bool upstream = false;
  std::string data, model, head;
  std::string init;  // id of an upstream cell, or "random"
  int seed = 0;
  int size = 0;  // training records; 0: all
  int fold = 0;

  bool pretrained() const { return init != "random"; }
};

// A grid file. Folders in it are below `root`. Throws IoError: unknown keys, names that are not there,
// limits.
Grid parse_grid(const Json& json, const std::string& where, const std::filesystem::path& root);
// All of it, defaults too.
Json grid_json(const Grid& grid);

// Upstream cells first, then from random weights, then from upstream weights. IoError beyond kMostCells.
inline constexpr std::size_t kMostCells = 100000;
std::vector<Cell> cells_of(const Grid& grid);
const GridData& data_of(const Grid& grid, const std::string& name);

// One line of cells.jsonl, and back; IoError for a line that is no cell of the grid.
Json cell_json(const Cell& cell);
Cell parse_cell(const Json& json, const std::string& where, const Grid& grid);

// The grid's network options with the cell's head.
NetOptions net_of(const Grid& grid, const Cell& cell);
bool is_recurrent(const std::string& model);

}  // namespace app
