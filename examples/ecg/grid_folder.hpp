// examples/ecg/grid_folder.hpp: the folder of a grid, and how far each of its cells has come
// grid.json: what was asked for, in full; cells.jsonl: a cell a line; cells/ID: a training; what was said
// on the way in logs/ID.log, and why it failed in failures/ID.txt
#pragma once

#include <filesystem>

#include "grid.hpp"

namespace app {

enum class CellStage { finished, running, failed, blocked, ready };
const char* name_of(CellStage stage);

struct CellStatus {
  CellStage stage = CellStage::ready;
  int epochs = 0, of = 0;  // done, asked for
  std::string note = {};   // of a failure; what a blocked cell waits for
};

class GridFolder {
 public:
  // Writes the plan, or finds the same one there; IoError where another one is.
  static GridFolder plan(const std::filesystem::path& path, const Grid& grid);
  static GridFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const Grid& grid() const { return grid_; }
  const std::vector<Cell>& cells() const { return cells_; }
  const Cell& cell(const std::string& id) const;
  std::filesystem::path folder_of(const std::string& id) const { return path_ / "cells" / id; }
  std::filesystem::path failure_of(const std::string& id) const { return path_ / "failures" / (id + ".txt"); }
  std::filesystem::path log_of(const std::string& id) const { return path_ / "logs" / (id + ".log"); }

  bool finished(const std::string& id) const;
  // Where a training is stands in its files alone, so any process on any machine that sees the folder can
  // ask.
  CellStatus status(const Cell& cell) const;
  void note_failure(const Cell& cell, const std::string& text) const;
  void forget_failure(const Cell& cell) const;
  // Of a finished cell, whose process may have ended just before it would have removed it.
  void forget_checkpoint(const Cell& cell) const;

 private:
  std::filesystem::path path_;
  Grid grid_;
  std::vector<Cell> cells_;
};

}  // namespace app
