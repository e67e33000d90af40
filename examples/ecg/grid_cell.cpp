// examples/ecg/grid_cell.cpp: one cell of a grid, trained
#include "grid_cell.hpp"

#include <cordis/core/parallel.hpp>
#include <cordis/io/atomic_file.hpp>
#include <numeric>

#include "grid_data.hpp"
#include "options_json.hpp"
#include "stopping.hpp"
#include "training.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using cordis::ecg::KeepWeights;

// The records that train, choose the epoch and test, and what of the training stays.
struct CellPlan {
  Split split;
  RunOptions run;
};

CellPlan upstream_plan(const Grid& grid, const GridData& data, const Records& records) {
  CellPlan plan{{}, grid.run};
  plan.run.keep = KeepWeights::last;
  if (data.upstream_records == "all") {
    plan.split.train.resize(records.records.size());
    std::iota(plan.split.train.begin(), plan.split.train.end(), 0);
    return plan;
  }
  plan.split = downstream_splits(records, data.split)[0];
  if (data.upstream_weights == "last") return plan;
  plan.run.keep = KeepWeights::selected;
  if (data.upstream_weights == "best") {
    plan.split.validation = plan.split.test;
    plan.run.select = cordis::ecg::SelectBy::f1_macro;
  }
  if (plan.split.validation.empty())
    throw IoError(concat("data ", data.name,
                         ": upstream-weights are \"selected\", but its split has no validation "
                         "part"));
  return plan;
}

CellPlan downstream_plan(const Grid& grid, const GridData& data, const Records& records, const Cell& cell) {
  CellPlan plan{downstream_splits(records, data.split)[static_cast<std::size_t>(cell.fold)], grid.run};
  auto& train = plan.split.train;
  if (cell.size > std::ssize(train))
    throw IoError(concat("cell ", cell.id, ": ", cell.size, " training records are asked for, ", train.size(),
                         " are left after ", plan.split.test.size(), " for test and ",
                         plan.split.validation.size(), " for validation"));
  if (cell.size > 0) train.resize(static_cast<std::size_t>(cell.size));
  return plan;
}

// What each record was used for, and whose it is.
std::string parts_csv(const Records& records, const Split& split) {
  std::string text = "record,patient,part\n";
  const auto put = [&](const Rows& rows, const char* part) {
    for (const auto row : rows) {
      const auto& record = records.records[static_cast<std::size_t>(row)];
      text += concat(cordis::ecg::csv_field(record.name), ',', cordis::ecg::csv_field(record.patient), ',',
                     part, '\n');
    }
  };
  put(split.train, "training");
  put(split.validation, "validation");
  put(split.test, "test");
  return text;
}

void train_cell(const GridFolder& folder, const Cell& cell) {
  const fs::path path = folder.folder_of(cell.id);
  const Grid& grid = folder.grid();
  if (const std::string holder = lock_holder(path); !holder.empty())
    throw FolderBusy(concat(path.string(), ": ", holder, " is at work on this cell"));
  const fs::path weights =
      cell.pretrained() ? folder.folder_of(cell.init) / cordis::ecg::kWeightsFile : fs::path();
  if (cell.pretrained() && !folder.finished(cell.init))
    throw IoError(
        concat("cell ", cell.id, " starts from ", cell.init, ", which is not finished; run that first"));

  cordis::set_num_threads(grid.run.threads);
  RunOptions run = grid.run;
  const cordis::Device device = use_device(run.device);
  const GridData& data = data_of(grid, cell.data);
  const Records records = load_records(data.set, data.signal, folder.path() / "cache");
  write_account(folder, data.name, records);
  CellPlan plan =
      cell.upstream ? upstream_plan(grid, data, records) : downstream_plan(grid, data, records, cell);
  for (const auto& text : check_split(records, plan.split, cell.id, !cell.upstream, false)) warn(text);

  const NetOptions net = net_of(grid, cell);
  const auto model = model_options(net, data.signal, records.classes.size());
  const Stage stage = cell.upstream ? Stage::upstream : Stage::downstream;
  cordis::AnyModel start = fresh_model(cell.model, model, stage, cell.seed);
  Json origin;  // weights that do not fit are refused before anything is written
  if (cell.pretrained())
    origin = start_from(start, cell.model, weights.string(), false, records.classes.size());
  // Not the processor: a cell may go on on another machine.
  Json build = build_info();
  build.erase("processor");
  const FitOptions& fit = cell.upstream ? grid.up : grid.down;
  Json options = fit_json(fit);
  options.update(net_json(net));
  options.update(signal_json(data.signal));
  options.update(split_json(data.split));
  options["threads"] = grid.run.threads;
  const RunFolder lock(path, {{"command", "run-cell"},
                              {"cell", cell_json(cell)},
                              {"options", options},
                              {"init", origin},
                              {"data", digest_json(records)},
                              {"build", build},
                              {"device", device_info(device)}});
  if (!fs::exists(path / kPartsFile)) cordis::atomic_write(path / kPartsFile, parts_csv(records, plan.split));
  TrainingJob job{.title = cell.id,
                  .model = cell.model,
                  .folder = path,
                  .fit = fit,
                  .seed = cell.seed,
                  .run = plan.run,
                  .card = {.model = cell.model,
                           .options = model,
                           .classes = records.classes,
                           .preprocess = data.signal,
                           .remarks = {{"trained_on", records.name}, {"init", cell.init}}}};
  Progress progress(work_of(fit, plan.split.train.size()));
  run_job(
      job, cell_data(records, plan.split),
      [&] {
        cordis::to(start, device);
        return start;
      },
      progress);
}

}  // namespace

void run_grid_cell(const GridFolder& folder, const Cell& cell) {
  folder.forget_failure(cell);
  if (folder.finished(cell.id)) {
    folder.forget_checkpoint(cell);
    say(cell.id + ": finished before");
    return;
  }
  try {
    train_cell(folder, cell);
  } catch (const FolderBusy&) {
    throw;
  } catch (const cordis::ecg::Stopped&) {
    throw;
  } catch (const std::exception& error) {
    try {
      const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
      folder.note_failure(cell, concat(memory ? "out of memory: " : "", error.what()));
    } catch (const std::exception& second) {  // the first is what there is to tell
      warn(second.what());
    }
    throw;
  }
}

}  // namespace app
