// examples/ecg/cmd_grid.cpp: ecg plan, run-cell, submit, status: a study as a grid of trainings
#include <cordis/ecg/sources.hpp>
#include <iostream>
#include <memory>
#include <thread>

#include "commands.hpp"
#include "console.hpp"
#include "grid_cell.hpp"
#include "grid_local.hpp"
#include "grid_progress.hpp"
#include "json_reader.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;

struct PlanOptions {
  std::string file, root = ".", out = "runs/grid";
};

int plan(const PlanOptions& o) {
  const Grid grid = parse_grid(parse_json(cordis::ecg::read_text(o.file, 1u << 24), o.file), o.file, o.root);
  for (const auto& data : grid.data)  // half-downloaded folders are told now, not in a thousand cells
    for (const auto& folder : data.set.folders)
      cordis::ecg::open_source(folder,
                               {.classes = data.set.classes, .rate = data.signal.rate > 100 ? 500 : 100});
  const GridFolder folder = GridFolder::plan(o.out, grid);
  int up = 0, random = 0, pretrained = 0;
  for (const Cell& cell : folder.cells()) (cell.upstream ? up : cell.pretrained() ? pretrained : random)++;
  say(concat(o.out, ": ", folder.cells().size(), " cells: ", up, " upstream, ", random,
             " from random weights, ", pretrained, " from upstream weights"));
  say(concat("next: ecg submit ", o.out));
  return 0;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "plan",
      "Write down all trainings of a study: networks, upstream and downstream sets, seeds, sizes\n\n"
      "GRID is a JSON file; examples/ecg/grids has the whole study and a small one for the ECGs of this "
      "repository, "
      "and a README that tells every key. The folder gets grid.json and cells.jsonl, one training a line.");
  const auto o = std::make_shared<PlanOptions>();
  command->add_option("GRID", o->file, "The grid, a JSON file")->required();
  command->add_option("--root", o->root, "Folder that the grid's data folders are below")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("-o,--out", o->out, "Folder of the grid")->type_name("DIR")->capture_default_str();
  command->footer("Examples:\n  ecg plan examples/ecg/grids/small.json --out runs/small\n");
  command->callback([o, &action] { action = [o] { return plan(*o); }; });
}

void add_run_cell(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("run-cell",
                                     "Train one cell of a grid\n\nFinished ones are left alone; stopped ones "
                                     "go on, with the same bits. Any number "
                                     "of processes, on any machines that see the folder, may run different "
                                     "cells. Exit status 75: another process "
                                     "is at work on it.");
  struct Options {
    std::string folder, cell;
  };
  const auto o = std::make_shared<Options>();
  command->add_option("DIR", o->folder, "Folder that ecg plan made")->required();
  command->add_option("CELL", o->cell, "The cell: a name in its cells.jsonl")->required();
  command->footer(
      "Examples:\n  ecg run-cell runs/small up-ptb-xl-gru-seed0\n"
      "  ecg cells runs/small --ready | parallel -j 4 ecg run-cell runs/small {}\n");
  command->callback([o, &action] {
    action = [o] {
      const GridFolder folder = GridFolder::open(o->folder);
      run_grid_cell(folder, folder.cell(o->cell));
      return 0;
    };
  });
}

void add_cells(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("cells",
                         "List a grid's cells, one a line: for GNU parallel, Snakemake and scripts\n\n"
                         "In an order in which each may start once those above it are finished.");
  struct Options {
    std::string folder;
    bool ready = false, unfinished = false;
  };
  const auto o = std::make_shared<Options>();
  command->add_option("DIR", o->folder, "Folder that ecg plan made")->required();
  command->add_flag("--ready", o->ready, "Those that can start now");
  command->add_flag("--unfinished", o->unfinished, "Those that are not finished");
  command->callback([o, &action] {
    action = [o] {
      const GridFolder folder = GridFolder::open(o->folder);
      for (const Cell& cell : folder.cells()) {
        if (o->ready || o->unfinished) {
          const CellStage stage = folder.status(cell).stage;
          if (stage == CellStage::finished) continue;
          if (o->ready && stage != CellStage::ready && stage != CellStage::failed) continue;
        }
        std::cout << cell.id << '\n';
      }
      std::cout.flush();
      return 0;
    };
  });
}

void add_submit(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("submit",
                         "Run all cells of a grid that are not finished: here, or as jobs of a cluster\n\n"
                         "local: processes of this machine, with a view of all cells and of the time left; "
                         "the same command goes on "
                         "where it was stopped. A cell that fails is told, and the others go on.");
  struct Options {
    std::string folder, engine = "local";
    int jobs = 0;
  };
  const auto o = std::make_shared<Options>();
  command->add_option("DIR", o->folder, "Folder that ecg plan made")->required();
  command->add_option("--engine", o->engine, "What runs the cells")
      ->check(CLI::IsMember({"local"}))
      ->type_name("local")
      ->capture_default_str();
  add_whole(*command, "--jobs", o->jobs, 0, 4096,
            "local: processes at a time; 0: cores by the grid's threads");
  command->footer("Examples:\n  ecg submit runs/small --jobs 2\n");
  command->callback([o, &action] {
    action = [o] {
      const GridFolder folder = GridFolder::open(o->folder);
      const int cores =
          std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / folder.grid().run.threads);
      return run_locally(folder, o->jobs > 0 ? o->jobs : cores);
    };
  });
}

void add_status(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("status", "How far a grid is: finished, running, failed and why, time left");
  const auto folder = std::make_shared<std::string>();
  command->add_option("DIR", *folder, "Folder that ecg plan made")->required();
  command->callback([folder, &action] {
    action = [folder] {
      std::cout << grid_status(GridFolder::open(*folder)) << std::flush;
      return 0;
    };
  });
}

}  // namespace app
