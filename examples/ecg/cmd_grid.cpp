// examples/ecg/cmd_grid.cpp: ecg plan, cells, run-cell, submit, status, collect, report: a study as a grid
#include <cordis/io/atomic_file.hpp>
#include <iostream>
#include <memory>
#include <thread>

#include "commands.hpp"
#include "console.hpp"
#include "grid_cell.hpp"
#include "grid_local.hpp"
#include "grid_progress.hpp"
#include "grid_report.hpp"
#include "grid_slurm.hpp"
#include "json_reader.hpp"
#include "records.hpp"

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
    for (const auto& folder : data.set.folders) open_folder(folder, data.set, data.signal);
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
                         "where it was stopped. A cell that fails is told, and the others go on.\n"
                         "slurm: job arrays, one for each upstream cell's dependents, which start once it "
                         "has ended well (afterok). "
                         "Near the time limit a cell saves its state and is queued again. The folder has to "
                         "be one that all nodes see.");
  struct Options {
    std::string folder, engine = "local";
    int jobs = 0;
    SlurmOptions slurm;
  };
  const auto o = std::make_shared<Options>();
  command->add_option("DIR", o->folder, "Folder that ecg plan made")->required();
  command->add_option("--engine", o->engine, "What runs the cells")
      ->check(CLI::IsMember({"local", "slurm"}))
      ->type_name("local|slurm")
      ->capture_default_str();
  add_whole(*command, "--jobs", o->jobs, 0, 4096,
            "local: processes at a time; 0: cores by the grid's threads");
  command->add_option("--partition", o->slurm.partition, "slurm: the partition")->type_name("NAME");
  command->add_option("--time", o->slurm.time, "slurm: time limit of a cell")
      ->type_name("[D-]HH:MM:SS")
      ->capture_default_str();
  command
      ->add_option("--sbatch", o->slurm.extra, "slurm: further options of sbatch, as --sbatch=\"--mem=4G\"")
      ->type_name("OPTIONS");
  command->add_flag("--dry-run", o->slurm.dry,
                    "slurm: write the scripts and print the commands, hand in nothing");
  command->footer(
      "Examples:\n  ecg submit runs/small --jobs 2\n  ecg submit runs/study --engine slurm --time "
      "08:00:00\n");
  command->callback([o, &action] {
    action = [o] {
      const GridFolder folder = GridFolder::open(o->folder);
      if (o->engine == "slurm") {
        submit_to_slurm(folder, o->slurm);
        return 0;
      }
      const int cores =
          std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / folder.grid().run.threads);
      return run_locally(folder, o->jobs > 0 ? o->jobs : cores);
    };
  });
}

namespace {

struct ResultsOptions {
  std::string folder;
  double small = 1000;
};

std::shared_ptr<ResultsOptions> add_results_options(CLI::App& command) {
  auto o = std::make_shared<ResultsOptions>();
  command.add_option("DIR", o->folder, "Folder that ecg plan made")->required();
  add_real(command, "--small", o->small, 1, 1e9,
           "Sets of at most so many training records are small (claim 1)");
  return o;
}

}  // namespace

void add_collect(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "collect",
      "Tables and verdicts of a grid, from the cells that are finished\n\n"
      "The folder gets cells.csv (scores of each training at each moment), contrasts.csv (pretrained against "
      "random, with intervals and adjusted p), classes.csv, speed.csv and claims.json. The verdicts are "
      "printed.");
  const auto o = add_results_options(*command);
  command->footer("Examples:\n  ecg collect runs/small\n");
  command->callback([o, &action] {
    action = [o] {
      const GridFolder folder = GridFolder::open(o->folder);
      const GridResults results = read_results(folder, o->small);
      const fs::path at = folder.path();
      cordis::atomic_write(at / "cells.csv", cells_csv(results));
      cordis::atomic_write(at / "contrasts.csv", contrasts_csv(results));
      cordis::atomic_write(at / "classes.csv", grid_classes_csv(results));
      cordis::atomic_write(at / "speed.csv", speed_csv(results));
      write_json(at / "claims.json", claims_json(results));
      say(concat(results.finished, " of ", results.planned, " cells are finished"));
      for (const auto& [metric, claims] : results.claims) {
        say(concat("\n", title_of(metric)));
        for (const auto& claim : claims)
          say(concat("  ", claim.number, ". ", claim.text, "\n     ", cordis::ecg::name_of(claim.verdict),
                     claim.verdict == cordis::ecg::ClaimVerdict::unasked
                         ? ""
                         : ": " + interval_text(claim.value) + ", " + claim.measure,
                     claim.reason.empty() ? "" : "; " + claim.reason));
      }
      say(concat("\nnext: ecg report ", o->folder));
      return 0;
    };
  });
}

void add_report(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "report",
      "The report of a grid, from the cells that are finished\n\n"
      "One HTML file, report.html, that needs nothing else: verdicts, scores, differences, learning curves, "
      "classes, data, settings. The numbers of each figure are in plots/, as CSV.");
  const auto o = add_results_options(*command);
  command->footer("Examples:\n  ecg report runs/small\n");
  command->callback([o, &action] {
    action = [o] {
      const GridFolder folder = GridFolder::open(o->folder);
      const fs::path file = folder.path() / "report.html";
      cordis::atomic_write(file, grid_report(folder, read_results(folder, o->small)));
      say(concat("report: ", file.string()));
      return 0;
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
