// examples/ecg/training.hpp: from records and options to a finished training in its folder
#pragma once

#include <cordis/data/split.hpp>
#include <cordis/ecg/experiment.hpp>
#include <cordis/ecg/experiment_card.hpp>
#include <optional>
#include <string>
#include <vector>

#include "console.hpp"
#include "options.hpp"
#include "records.hpp"

namespace app {

using cordis::Split;
using Rows = std::vector<std::int64_t>;

// The first folder's first records in numpy's RandomState(1).permutation are held out as the test part, a
// share rounded down; all others train, those of the other folders as they stand.
Split upstream_split(const Records& records, double holdout);
// One split per fold of the cross-validation; one without it.
std::vector<Split> downstream_splits(const Records& records, const SplitOptions& options);

// Refuses what cannot be learnt or tested; returns what is odd but possible. `where` starts the messages.
std::vector<std::string> check_split(const Records& records, const Split& split, const std::string& where,
                                     bool needs_test, bool all_classes_train);

cordis::ecg::CellData cell_data(const Records& records, const Split& split);

// Where a training stands. Weights of the two are drawn apart: a new top layer that began as the upstream one
// once did would know the features beneath it.
enum class Stage { upstream, downstream };
// Fresh weights that depend on stage and seed alone; the same for both inits of a comparison.
cordis::AnyModel fresh_model(const std::string& name, const cordis::ModelOptions& options, Stage stage,
                             int seed);

// Replaces all weights but the top layer's (that one, too, with keep_head) by those of a file. Returns the
// file's digest. Throws where the file holds another network, other widths or other classes.
std::string start_from(cordis::AnyModel& net, const std::string& model, const std::string& file,
                       bool keep_head, std::size_t classes);

struct TrainingJob {
  std::string title, model;
  std::filesystem::path folder;
  FitOptions fit;
  int seed = 0;
  RunOptions run;
  cordis::ecg::ModelCard card;
};
// Samples that a job trains on: what progress counts.
std::int64_t work_of(const FitOptions& fit, std::size_t records);
// Trains, or finds it finished. `net` gives the initial weights, and is asked only where there is work to do.
void run_job(const TrainingJob& job, const cordis::ecg::CellData& data,
             const std::function<cordis::AnyModel()>& net, Progress& progress);

// "AUROC 0.812, weighted F1 0.640", of the test part where there is one.
std::string scores_note(const cordis::ecg::EpochRow& row);

}  // namespace app
