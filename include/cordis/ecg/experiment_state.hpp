// cordis/ecg/experiment_state.hpp: how far a training has come, in one file that is there in full or not at
// all
#pragma once

#include <cordis/ecg/experiment_record.hpp>
#include <cordis/train/checkpoint.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Everything but net and optimizer that later epochs, and the files at the end, depend on.
struct CellState {
  std::vector<EpochRow> rows;    // one per epoch done
  std::vector<double> seconds;   // of each
  std::vector<Prediction> kept;  // of the moments met so far
  StateDict selected;            // weights of the epoch that validation chose; empty without validation

  int epochs_done() const { return static_cast<int>(rows.size()); }  // how many
};

// timing.csv: one line per epoch.
inline std::string timing_csv(const std::vector<double>& seconds) {
  std::string text = "epoch,seconds\n";
  for (std::size_t i = 0; i < seconds.size(); ++i) text += concat(i + 1, ',', exact(seconds[i]), '\n');
  return text;
}

// timing.csv read back, seconds of each epoch.
inline std::vector<double> parse_timing(const CsvTable& table) {
  detail::expect_columns(table, "epoch,seconds");
  std::vector<double> seconds;
  for (std::size_t i = 0; i < table.rows.size(); ++i)
    seconds.push_back(detail::parse_exact<double>(table, i, 1));
  return seconds;
}

// A cell's whole state as one file.
// checkpoint: of net and optimizer.
inline void write_cell_state(const std::filesystem::path& path, Checkpoint checkpoint, const CellState& state,
                             const TestSet& test) {
  checkpoint.more = state.selected;
  checkpoint.metadata = {{"epochs", epochs_csv(state.rows, test.classes)},
                         {"predictions", predictions_csv(state.kept, test)},
                         {"timing", timing_csv(state.seconds)}};
  write_checkpoint(path, checkpoint);
}

// Restores net and optimizer, and returns the rest. Throws IoError where the file is damaged,
// std::invalid_argument where it belongs to another net.
template <Walkable Net, Optimizer O>
CellState read_cell_state(const std::filesystem::path& path, Net& net, O& optimizer, const TestSet& test) {
  const Checkpoint checkpoint = read_checkpoint(path);
  const auto table = [&](const char* key) {
    const auto found = checkpoint.metadata.find(key);
    if (found == checkpoint.metadata.end())
      throw IoError(concat(path.string(), ": its metadata has no ", key));
    return parse_csv(found->second, concat(path.string(), " (", key, ")"));
  };
  CellState state;
  state.rows = parse_epochs(table("epochs"), test.classes);
  state.seconds = parse_timing(table("timing"));
  TestSet there;
  state.kept = parse_predictions(table("predictions"), test.classes, there);
  if (!state.kept.empty() && (there.records != test.records || there.truth != test.truth))
    throw IoError(concat(path.string(), ": its predictions are of another test set"));
  restore(checkpoint, net, optimizer, path.string());
  state.selected = checkpoint.more;
  return state;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
