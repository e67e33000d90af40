// examples/ecg/options.hpp: what can be set on the command line, its defaults and limits
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <cordis/ecg/experiment.hpp>
#include <cordis/ecg/experiment_card.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "device.hpp"
#include "run_folder.hpp"

namespace app {

// Names of the choices, on the command line and in JSON.
inline constexpr std::array<std::pair<std::string_view, cordis::ecg::SelectBy>, 4> kSelects = {
    {{"auroc", cordis::ecg::SelectBy::auroc},
     {"loss", cordis::ecg::SelectBy::loss},
     {"f1-weighted", cordis::ecg::SelectBy::f1_weighted},
     {"f1-macro", cordis::ecg::SelectBy::f1_macro}}};
inline constexpr std::array<std::pair<std::string_view, cordis::ecg::KeepWeights>, 3> kKeeps = {
    {{"selected", cordis::ecg::KeepWeights::selected},
     {"last", cordis::ecg::KeepWeights::last},
     {"none", cordis::ecg::KeepWeights::none}}};
inline constexpr std::array<std::string_view, 4> kSplits = {"random", "stratified", "patients", "folds"};

// Where records come from, and which of them count.
struct SetOptions {
  std::vector<std::string> folders;
  std::vector<std::string> classes;  // empty: the data set's own
  bool drop_unreadable = false;
  bool merge_equivalent = false;
};

struct FitOptions {
  int epochs = 20;
  int batch = 16;
  double lr = 1e-3;
};

struct NetOptions {
  std::int64_t width = 64, fc = 512;  // ResNets
  std::int64_t hidden = 100;          // recurrent nets
  cordis::Head head = cordis::Head::flatten;
};

// How a data set is cut into test, validation and training records.
struct SplitOptions {
  std::string kind = "random";  // random, stratified, patients or folds
  double test = 0.25;           // share, rounded up
  double validation = 0.2;      // share of what the test leaves, rounded down
  int seed = 1;
  int folds = 1;  // above 1: cross-validation, each fold once the test
};

struct RunOptions {
  std::string out;
  int threads = 0;  // 0: all cores
  DeviceOptions device;
  std::string cache;  // folder of preprocessed records; empty: none
  double checkpoint_seconds = 10;
  cordis::ecg::SelectBy select = cordis::ecg::SelectBy::auroc;
  cordis::ecg::KeepWeights keep = cordis::ecg::KeepWeights::selected;
};

struct CompareOptions {
  std::vector<std::string> models = {"resnet1d18", "gru"};
  SetOptions upstream, downstream;
  FitOptions up = {.epochs = 12, .batch = 64, .lr = 1e-3}, down = {.epochs = 20, .batch = 16, .lr = 1e-3};
  double up_holdout = 0.2;
  int up_seed = 0;
  SplitOptions split;
  std::vector<int> sizes;  // empty: all training records
  int seeds = 3, first_seed = 0;
  int resamples = 2000;
  NetOptions net;
  cordis::ecg::PreprocessOptions signal;
  RunOptions run;
};

// `pretrain` and `train`: one network on one set.
struct TrainOptions {
  std::string model = "resnet1d18";
  SetOptions data;
  FitOptions fit;
  double holdout = 0.2;  // pretrain: share of the first folder that is held out
  SplitOptions split;    // train
  int size = 0;          // train: training records; 0: all
  int seed = 0;
  std::string init;  // weights to start from; empty: random
  bool keep_head = false;
  NetOptions net;
  cordis::ecg::PreprocessOptions signal;
  RunOptions run;
};

// The band-pass, polyphase resampling and z-score of this project's own protocol.
cordis::ecg::PreprocessOptions default_signal();
// "LOW,HIGH" in Hz, or "none"; false where the text is neither.
bool parse_band(const std::string& text, cordis::ecg::PreprocessOptions& signal);
// arXiv 2402.02021: decimation, min-max, Adam 0.01, batches of 256, 100 epochs, a test third, no validation.
void apply_study(CompareOptions& options);
void apply_study(TrainOptions& options);

// examples/data of this repository: below the working directory, else where it was when this was built.
std::string example_data(const std::string& name);

// Options under their headings. Each refuses what is out of its limits by its own name.
void add_set_options(CLI::App& app, SetOptions& set, const std::string& prefix, const std::string& what);
void add_fit_options(CLI::App& app, FitOptions& fit, const std::string& prefix, const std::string& what);
void add_net_options(CLI::App& app, NetOptions& net);
void add_split_options(CLI::App& app, SplitOptions& split, bool cross_validation);
void add_signal_options(CLI::App& app, cordis::ecg::PreprocessOptions& signal);
void add_run_options(CLI::App& app, RunOptions& run);
void add_protocol_option(CLI::App& app, std::string& protocol);

CLI::Option* add_whole(CLI::App& app, const std::string& name, int& value, long low, long high,
                       const std::string& text);
CLI::Option* add_whole(CLI::App& app, const std::string& name, std::int64_t& value, long low, long high,
                       const std::string& text);
CLI::Option* add_real(CLI::App& app, const std::string& name, double& value, double low, double high,
                      const std::string& text);
CLI::Option* add_models(CLI::App& app, std::vector<std::string>& models, const std::string& text);
CLI::Option* add_model(CLI::App& app, std::string& model, const std::string& text);
CLI::Option* add_sizes(CLI::App& app, std::vector<int>& sizes, const std::string& text);

cordis::ModelOptions model_options(const NetOptions& net, const cordis::ecg::PreprocessOptions& signal,
                                   std::size_t classes);

}  // namespace app
