// examples/ecg/grid_folder.cpp: the folder of a grid, and how far each of its cells has come
#include "grid_folder.hpp"

#include <algorithm>
#include <cordis/ecg/experiment.hpp>
#include <cordis/io/atomic_file.hpp>
#include <map>

#include "json_reader.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using cordis::ecg::read_text;

constexpr const char* kGrid = "grid.json";
constexpr const char* kCells = "cells.jsonl";
constexpr std::uint64_t kLargest = 1u << 28;  // bytes of a text file read whole

std::string cells_text(const std::vector<Cell>& cells) {
  std::string text;
  for (const Cell& cell : cells) text += cell_json(cell).dump() + '\n';
  return text;
}

std::vector<Cell> parse_cells(const fs::path& file, const Grid& grid) {
  const std::string text = read_text(file, kLargest);
  std::vector<Cell> cells;
  std::map<std::string, std::size_t> line_of;
  std::size_t line = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view here = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++line;
    if (cordis::ecg::trim(here).empty()) continue;
    const std::string where = concat(file.string(), ":", line);
    Cell cell = parse_cell(parse_json(std::string(here), where), where, grid);
    const auto [known, fresh] = line_of.emplace(cell.id, line);
    if (!fresh)
      throw IoError(concat(where, ": cell ", cell.id, " stands in line ", known->second, " already"));
    cells.push_back(std::move(cell));
  }
  for (const Cell& cell : cells)
    if (cell.pretrained() && !line_of.contains(cell.init))
      throw IoError(concat(file.string(), ":", line_of[cell.id], ": cell ", cell.id, " starts from ",
                           cell.init, ", which is no cell of the grid"));
  return cells;
}

// Lines after the first: epochs.csv grows by one each epoch.
int epochs_in(const fs::path& folder) {
  std::error_code error;
  const fs::path file = folder / cordis::ecg::kEpochsFile;
  if (!fs::exists(file, error)) return 0;
  try {
    const std::string text = read_text(file, kLargest);
    return static_cast<int>(std::ranges::count(text, '\n')) - 1;
  } catch (const IoError&) {
    return 0;  // it was replaced this moment
  }
}

}  // namespace

const char* name_of(CellStage stage) {
  switch (stage) {
    case CellStage::finished:
      return "finished";
    case CellStage::running:
      return "running";
    case CellStage::failed:
      return "failed";
    case CellStage::blocked:
      return "blocked";
    case CellStage::ready:
      return "ready";
  }
  return "?";
}

GridFolder GridFolder::plan(const fs::path& path, const Grid& grid) {
  const Json wanted = grid_json(grid);
  if (fs::exists(path / kGrid)) {
    const Json there = parse_json(read_text(path / kGrid, kLargest), (path / kGrid).string());
    const auto differences = config_differences(there, wanted);
    if (!differences.empty())
      throw IoError(concat(path.string(), ": holds another grid: ", cordis::ecg::join(differences, 6),
                           ". Choose another --out, or remove the folder"));
    return open(path);
  }
  if (fs::exists(path)) {
    if (!fs::is_directory(path)) throw IoError(concat(path.string(), ": is a file; --out needs a folder"));
    // cells.jsonl alone is a plan that was killed before it was whole.
    for (const auto& entry : fs::directory_iterator(path))
      if (const auto name = entry.path().filename().string(); !name.starts_with(kCells))
        throw IoError(concat(path.string(), ": holds ", name,
                             " but no grid.json, so it is no folder of a grid; choose another --out"));
  }
  GridFolder folder;
  folder.path_ = path;
  folder.grid_ = grid;
  folder.cells_ = app::cells_of(grid);
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw IoError(concat(path.string(), ": cannot be made: ", error.message()));
  cordis::atomic_write(path / kCells, cells_text(folder.cells_));
  write_json(path / kGrid, wanted);
  return folder;
}

GridFolder GridFolder::open(const fs::path& path) {
  GridFolder folder;
  if (!fs::exists(path / kGrid))
    throw IoError(
        concat(path.string(), ": has no ", kGrid, ", so it is no folder of a grid; ecg plan makes one"));
  folder.path_ = path;
  folder.grid_ = parse_grid(parse_json(read_text(path / kGrid, kLargest), (path / kGrid).string()),
                            (path / kGrid).string(), "/");
  folder.cells_ = parse_cells(path / kCells, folder.grid_);
  return folder;
}

const Cell& GridFolder::cell(const std::string& id) const {
  const auto found = std::ranges::find(cells_, id, &Cell::id);
  if (found == cells_.end())
    throw IoError(concat(path_.string(), ": the grid has no cell ", cordis::ecg::shown(id), "; ",
                         (path_ / kCells).string(), " lists its ", cells_.size()));
  return *found;
}

bool GridFolder::finished(const std::string& id) const { return cordis::ecg::finished(folder_of(id)); }

CellStatus GridFolder::status(const Cell& cell) const {
  const fs::path folder = folder_of(cell.id);
  CellStatus status{.of = cell.upstream ? grid_.up.epochs : grid_.down.epochs};
  if (finished(cell.id)) {
    status.stage = CellStage::finished;
    status.epochs = status.of;
    return status;
  }
  status.epochs = epochs_in(folder);
  std::error_code error;
  if (const std::string holder = lock_holder(folder); !holder.empty()) {
    status.stage = CellStage::running;
    status.note = holder;
  } else if (fs::exists(failure_of(cell.id), error)) {
    status.stage = CellStage::failed;
    status.note = std::string(cordis::ecg::trim(read_text(failure_of(cell.id), kLargest)));
  } else if (cell.pretrained() && !finished(cell.init)) {
    status.stage = CellStage::blocked;
    status.note = cell.init;
  }
  return status;
}

void GridFolder::note_failure(const Cell& cell, const std::string& text) const {
  fs::create_directories(failure_of(cell.id).parent_path());
  cordis::atomic_write(failure_of(cell.id), text + '\n');
}

void GridFolder::forget_failure(const Cell& cell) const {
  std::error_code ignored;
  fs::remove(failure_of(cell.id), ignored);
}

void GridFolder::forget_checkpoint(const Cell& cell) const {
  std::error_code ignored;
  fs::remove(folder_of(cell.id) / cordis::ecg::kCheckpointFile, ignored);
}

}  // namespace app
