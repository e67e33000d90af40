// cordis/ecg/experiment.hpp: one training of a comparison: a net and its records in, scores by epoch out
// Stopped at any moment and started again on the same folder, it ends with the same bits: what it draws
// depends on (seed, epoch) alone, and the checkpoint of an epoch's end holds all the rest.
#pragma once

#include <chrono>
#include <cmath>
#include <cordis/data/loader.hpp>
#include <cordis/ecg/experiment_compare.hpp>
#include <cordis/ecg/experiment_state.hpp>
#include <cordis/optim/adam.hpp>
#include <cordis/train/trainer.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// By what validation chooses the epoch; ties go to the lower validation loss, then to the earlier epoch.
enum class SelectBy { auroc, loss, f1_weighted, f1_macro };
// Weights that a finished training leaves. Without a validation part, `selected` means the last.
enum class KeepWeights { selected, last, none };

// Records by the part they play; validation and test may be empty.
struct CellData {
  TensorDataset train, validation, test;  // x (N, L, leads), y (N, classes) of 0 and 1
  TestSet names;                          // the classes, and the records of `test`
};

// How a cell is trained, and what it leaves.
struct CellOptions {
  std::filesystem::path folder;
  int epochs = 20;
  std::int64_t batch = 16;  // a last batch of one record is left out: batch norm has no variance for it
  double lr = 1e-3;
  std::uint64_t seed = 0;  // of the batches' order
  SelectBy select = SelectBy::auroc;
  KeepWeights keep = KeepWeights::selected;
  double checkpoint_seconds = 10;                    // at least so long between two; 0: after each epoch
  std::map<std::string, std::string> metadata = {};  // of the weights file
};

// Thrown by a hook to end a training between two batches: the state of the last epoch's end is then in the
// checkpoint.
struct Stopped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Told how far a training is.
struct CellHooks {
  std::function<void(int epochs_done)> resumed = {};
  std::function<void(int epoch, std::int64_t records, double loss)> batch = {};
  std::function<void(const EpochRow& row, double seconds)> epoch = {};
};

// Files of a training's folder. `done` is written last: with it, the others are complete.
inline constexpr const char* kEpochsFile = "epochs.csv";
inline constexpr const char* kPredictionsFile = "predictions.csv";
inline constexpr const char* kTimingFile = "timing.csv";  // the only one that two runs differ in
inline constexpr const char* kWeightsFile = "weights.safetensors";
inline constexpr const char* kCheckpointFile = "checkpoint.safetensors";
inline constexpr const char* kDoneFile = "done";

// Records scored at once; a constant, so that scores do not depend on the training's batch.
inline constexpr std::int64_t kEvaluationBatch = 64;

// Whether the folder holds a training that came to its end.
inline bool finished(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / kDoneFile);
}

namespace detail {

// NaN where the part is empty.
inline Scores scores_of(const Evaluation& evaluation, const Tensor& y) {
  Scores scores;
  if (!evaluation.logits.defined()) return scores;
  const Scorer scorer(probabilities(evaluation.logits), y);
  scores.loss = evaluation.loss;
  scores.f1_weighted = scorer(Metric::f1_weighted);
  scores.f1_macro = scorer(Metric::f1_macro);
  scores.auroc = scorer(Metric::auroc);
  for (std::size_t k = 0; k < scorer.classes(); ++k) {
    scores.class_f1.push_back(scorer.f1(k));
    scores.class_auroc.push_back(scorer.auroc(k));
  }
  return scores;
}

inline double selection_score(const Scores& validation, SelectBy by) {
  switch (by) {
    case SelectBy::auroc:
      return validation.auroc;
    case SelectBy::loss:
      return -validation.loss;
    case SelectBy::f1_weighted:
      return validation.f1_weighted;
    case SelectBy::f1_macro:
      return validation.f1_macro;
  }
  return kUndefined;
}

// Strictly better than every earlier epoch; undefined scores never are.
inline bool beats(const std::vector<EpochRow>& earlier, const EpochRow& row, auto score) {
  const auto now = score(row);
  if (std::isnan(now.first)) return false;
  for (const auto& before : earlier)
    if (const auto then = score(before); !std::isnan(then.first) && !(now > then)) return false;
  return true;
}

inline void keep(std::vector<Prediction>& kept, const char* at, int epoch, const Evaluation& test) {
  std::vector<float> p;
  if (test.logits.defined()) {
    const Tensor all = probabilities(test.logits);
    p.assign(all.values<float>().begin(), all.values<float>().end());
  }
  for (auto& prediction : kept)
    if (prediction.at == at) {
      prediction = {at, epoch, p};
      return;
    }
  kept.push_back({at, epoch, p});
}

// Files of a finished training have their predictions in the order of kMoments.
inline std::vector<Prediction> in_order(const std::vector<Prediction>& kept) {
  std::vector<Prediction> out;
  for (const char* at : kMoments)
    for (const auto& prediction : kept)
      if (prediction.at == at) out.push_back(prediction);
  return out;
}

}  // namespace detail

// Trains net (a fresh one, with its initial weights) for all epochs, or from the folder's checkpoint on.
// Throws NonFiniteLoss with epoch and batch; the state of the last good epoch is then in the checkpoint. So
// is it where a hook threw Stopped.
template <Walkable Net>
void run_cell(Net& net, const CellData& data, const CellOptions& options, const CellHooks& hooks = {}) {
  namespace fs = std::filesystem;
  using Clock = std::chrono::steady_clock;
  const auto file = [&](const char* name) { return options.folder / name; };
  fs::create_directories(options.folder);
  const auto& classes = data.names.classes;
  Adam adam(net, {.lr = options.lr});
  CellState state;
  if (fs::exists(file(kCheckpointFile))) {
    state = read_cell_state(file(kCheckpointFile), net, adam, data.names);
    if (hooks.resumed) hooks.resumed(state.epochs_done());
  }

  auto saved = Clock::now();
  const auto save = [&](const Checkpoint& checkpoint) {
    write_cell_state(file(kCheckpointFile), checkpoint, state, data.names);
    saved = Clock::now();
  };
  for (int epoch = state.epochs_done() + 1; epoch <= options.epochs; ++epoch) {
    const auto begun = Clock::now();
    Checkpoint before = checkpoint_of(net, adam);
    before.net = clone(before.net);
    before.optimizer = clone(before.optimizer);
    EpochRow row{.epoch = epoch};
    Evaluation validation, test;
    try {
      row.train_loss =
          train_epoch(net, adam, data.train, {.batch = options.batch, .seed = options.seed, .epoch = epoch},
                      [&](std::int64_t records, double loss) {
                        if (hooks.batch) hooks.batch(epoch, records, loss);
                      });
      const auto of = [&](const char* part) { return concat("epoch ", epoch, ", ", part); };
      validation = evaluate(net, data.validation, kEvaluationBatch, of("validation"));
      test = evaluate(net, data.test, kEvaluationBatch, of("test"));
      row.validation = detail::scores_of(validation, data.validation.y);
      row.test = detail::scores_of(test, data.test.y);
    } catch (const NonFiniteLoss&) {
      if (epoch > 1) save(before);
      throw;
    } catch (const Stopped&) {
      if (epoch > 1) save(before);
      throw;
    }
    const auto by = [&](const EpochRow& r) {
      return std::pair(detail::selection_score(r.validation, options.select), -r.validation.loss);
    };
    if (validation.logits.defined() && detail::beats(state.rows, row, by)) {
      detail::keep(state.kept, "selected", epoch, test);
      state.selected = clone(state_dict(net));
    }
    if (test.logits.defined()) {
      if (epoch == 1) detail::keep(state.kept, "first", epoch, test);
      if (epoch == options.epochs) detail::keep(state.kept, "last", epoch, test);
      if (detail::beats(state.rows, row,
                        [](const EpochRow& r) { return std::pair(r.test.f1_weighted, 0.0); }))
        detail::keep(state.kept, "best_f1_weighted", epoch, test);
      if (detail::beats(state.rows, row, [](const EpochRow& r) { return std::pair(r.test.auroc, 0.0); }))
        detail::keep(state.kept, "best_auroc", epoch, test);
    }
    state.rows.push_back(row);
    state.seconds.push_back(std::chrono::duration<double>(Clock::now() - begun).count());
    atomic_write(file(kEpochsFile), epochs_csv(state.rows, classes));
    if (epoch < options.epochs &&
        std::chrono::duration<double>(Clock::now() - saved).count() >= options.checkpoint_seconds)
      save(checkpoint_of(net, adam));
    if (hooks.epoch) hooks.epoch(row, state.seconds.back());
  }

  const bool last = options.keep == KeepWeights::last || state.selected.empty();
  if (options.keep != KeepWeights::none)
    write_safetensors(file(kWeightsFile), last ? state_dict(net) : state.selected, options.metadata);
  atomic_write(file(kEpochsFile), epochs_csv(state.rows, classes));
  atomic_write(file(kPredictionsFile), predictions_csv(detail::in_order(state.kept), data.names));
  atomic_write(file(kTimingFile), timing_csv(state.seconds));
  atomic_write(file(kDoneFile), concat(options.epochs, " epochs\n"));
  fs::remove(file(kCheckpointFile));
}

// What a finished training left.
inline CellResult read_cell(const std::filesystem::path& folder, CellKey key,
                            const std::vector<std::string>& classes) {
  CellResult result{.key = std::move(key), .epochs = {}, .predictions = {}, .test = {}};
  result.epochs = parse_epochs(read_csv(folder / kEpochsFile), classes);
  result.predictions = parse_predictions(read_csv(folder / kPredictionsFile), classes, result.test);
  return result;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
