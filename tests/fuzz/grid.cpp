// tests/fuzz/grid.cpp: a study's grid file, and the cells of its folder
// Input: grid.json; where a zero byte follows, cells.jsonl.
#include "ecg/grid_folder.hpp"
#include "ecg/grid_progress.hpp"
#include "ecg/json_reader.hpp"
#include "target.hpp"

namespace {

std::string lines_of(const std::vector<app::Cell>& cells) {
  std::string text;
  for (const auto& cell : cells) text += app::cell_json(cell).dump() + '\n';
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  fuzz::offer_seeds(*argc, *argv, [](auto put) {
    for (const char* name : {"ludb", "small", "sources", "study"}) {
      const std::string text = cordis::ecg::read_text(std::string("examples/ecg/grids/") + name + ".json");
      put(text);
      const auto grid = app::parse_grid(app::parse_json(text, name), name, "/");
      auto cells = app::cells_of(grid);
      put(app::grid_json(grid).dump());
      cells.erase(cells.begin() + 2, cells.end());
      put(text + '\0' + lines_of(cells));
    }
  });
  return 0;
}

void one_input(std::string_view bytes) {
  const auto zero = bytes.find('\0');
  const std::string text(bytes.substr(0, zero));
  fuzz::try_it([&] {
    const auto grid = app::parse_grid(app::parse_json(text, "grid.json"), "grid.json", "/data");
    const auto all = app::grid_json(grid);
    if (app::grid_json(app::parse_grid(all, "grid.json", "/")) != all) std::abort();
    int trainings = 0;
    for (const auto& data : grid.data) trainings += grid.seeds * data.split.folds;
    if (trainings < 20)  // else it is slow, and no other code
      for (const auto& cell : app::cells_of(grid))
        if (app::cell_json(app::parse_cell(app::cell_json(cell), "cells", grid)) != app::cell_json(cell))
          std::abort();
    fuzz::write("grid.json", all.dump());
    fuzz::write("cells.jsonl", zero == bytes.npos ? "" : bytes.substr(zero + 1));
    const auto folder = app::GridFolder::open(fuzz::folder());
    app::grid_status(folder);
    for (const auto& cell : folder.cells()) folder.cell(cell.id);
  });
}
