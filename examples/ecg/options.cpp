// examples/ecg/options.cpp: what can be set on the command line, its defaults and limits
#include "options.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::ecg::exact;
using cordis::ecg::join;
using cordis::ecg::kHeads;
using cordis::ecg::kMissings;
using cordis::ecg::kResamplings;
using cordis::ecg::kScalings;
using cordis::ecg::to_int;
using cordis::ecg::to_real;

constexpr std::array<std::string_view, 2> kProtocols = {"default", "study"};

std::string long_name(const std::string& name) { return name.substr(name.rfind("--")); }

[[noreturn]] void refuse(const std::string& name, const auto&... parts) {
  throw CLI::ValidationError(long_name(name), concat(parts...));
}

template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& value, auto low, auto high,
                        const std::string& text) {
  const auto read = [name, low, high, &value](const std::string& given) {
    if constexpr (std::is_integral_v<T>) {
      const auto number = to_int(given);
      if (!number || *number < low || *number > high)
        refuse(name, "\"", given, "\" is not a whole number from ", low, " to ", high);
      value = static_cast<T>(*number);
    } else {
      const auto number = to_real(given);
      if (!number || *number < low || *number > high)
        refuse(name, "\"", given, "\" is not a number from ", low, " to ", high);
      value = *number;
    }
  };
  auto* option = app.add_option_function<std::string>(name, read, text)->type_name("N");
  return option->default_str(exact(static_cast<double>(value)));
}

template <class Choices, class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& value, const Choices& choices,
                        const std::string& text) {
  std::string names, now;
  for (const auto& [key, each] : choices) {
    names += (names.empty() ? "" : "|") + std::string(key);
    if (each == value) now = key;
  }
  const auto read = [name, names, &value, &choices](const std::string& given) {
    for (const auto& [key, each] : choices)
      if (key == given) {
        value = each;
        return;
      }
    refuse(name, "\"", given, "\" is not one of ", names);
  };
  return app.add_option_function<std::string>(name, read, text)->type_name(names)->default_str(now);
}

template <class Names>
CLI::Option* add_name(CLI::App& app, const std::string& name, std::string& value, const Names& names,
                      const std::string& text) {
  std::string all;
  for (const auto& each : names) all += (all.empty() ? "" : "|") + std::string(each);
  const auto read = [name, all, &value, &names](const std::string& given) {
    if (std::ranges::find(names, given) == names.end()) refuse(name, "\"", given, "\" is not one of ", all);
    value = given;
  };
  return app.add_option_function<std::string>(name, read, text)->type_name(all)->default_str(value);
}

std::string comma_list(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ",") + item;
  return text;
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& list,
                      const std::string& type, const std::string& text, const std::string& shown) {
  const auto read = [name, &list](const std::vector<std::string>& given) {
    list.clear();
    for (const auto& item : given) {
      if (item.empty()) refuse(name, "an empty name in the list");
      if (std::ranges::find(list, item) != list.end()) refuse(name, "\"", item, "\" is named twice");
      list.push_back(item);
    }
  };
  return app.add_option_function<std::vector<std::string>>(name, read, text)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name(type)
      ->default_str(shown);
}

}  // namespace

cordis::ecg::PreprocessOptions default_signal() {
  return {.band_pass = true,
          .resampling = cordis::ecg::Resampling::polyphase,
          .scaling = cordis::ecg::Scaling::z_score};
}

void apply_study(CompareOptions& o) {
  o.up = o.down = {.epochs = 100, .batch = 256, .lr = 0.01};
  o.split.test = 0.33;
  o.split.validation = 0;
  o.signal = {.scaling = cordis::ecg::Scaling::min_max};
}

void apply_study(TrainOptions& o) {
  o.fit = {.epochs = 100, .batch = 256, .lr = 0.01};
  o.split.test = 0.33;
  o.split.validation = 0;
  o.signal = {.scaling = cordis::ecg::Scaling::min_max};
}

std::string example_data(const std::string& name) {
  const fs::path here = fs::path("examples/data") / name, built = fs::path(ECG_DATA_DIR) / name;
  std::error_code ignored;
  return !fs::is_directory(here, ignored) && fs::is_directory(built, ignored) ? built.string()
                                                                              : here.string();
}

bool parse_band(const std::string& text, cordis::ecg::PreprocessOptions& signal) {
  signal.band_pass = text != "none";
  if (!signal.band_pass) return true;
  const auto comma = text.find(',');
  const auto low = to_real(text.substr(0, comma));
  const auto high = comma == std::string::npos ? std::nullopt : to_real(text.substr(comma + 1));
  if (!low || !high || *low <= 0 || *high <= *low || *high > 10000) return false;
  signal.low = *low;
  signal.high = *high;
  return true;
}

CLI::Option* add_whole(CLI::App& app, const std::string& name, int& value, long low, long high,
                       const std::string& text) {
  return add_number(app, name, value, low, high, text);
}
CLI::Option* add_whole(CLI::App& app, const std::string& name, std::int64_t& value, long low, long high,
                       const std::string& text) {
  return add_number(app, name, value, low, high, text);
}
CLI::Option* add_real(CLI::App& app, const std::string& name, double& value, double low, double high,
                      const std::string& text) {
  return add_number(app, name, value, low, high, text);
}

CLI::Option* add_model(CLI::App& app, std::string& model, const std::string& text) {
  return add_name(app, "--model", model, cordis::model_names(), text);
}

CLI::Option* add_models(CLI::App& app, std::vector<std::string>& models, const std::string& text) {
  auto* option = add_list(app, "--model", models, "NAME,...", text, comma_list(models));
  option->check([](const std::string& name) {
    return std::ranges::find(cordis::model_names(), name) != cordis::model_names().end()
               ? std::string()
               : concat('"', name, "\" is not one of ", join(cordis::model_names()));
  });
  return option;
}

CLI::Option* add_sizes(CLI::App& app, std::vector<int>& sizes, const std::string& text) {
  const auto read = [&sizes](const std::vector<std::string>& given) {
    sizes.clear();
    for (const auto& item : given) {
      const auto number = to_int(item);
      if (!number || *number < 2 || *number > 10000000)
        refuse("--sizes", "\"", item, "\" is not a whole number from 2 to 10000000");
      if (std::ranges::find(sizes, *number) != sizes.end()) refuse("--sizes", item, " is named twice");
      sizes.push_back(static_cast<int>(*number));
    }
    std::ranges::sort(sizes);
  };
  return app.add_option_function<std::vector<std::string>>("--sizes", read, text)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N,...")
      ->default_str("all");
}

void add_set_options(CLI::App& app, SetOptions& set, const std::string& prefix, const std::string& what) {
  if (!prefix.empty())
    add_list(app, "--" + prefix, set.folders, "DIR,...", what, comma_list(set.folders))->group("Data");
  const std::string stem = prefix.empty() ? "--" : "--" + prefix + "-";
  add_list(app, stem + "classes", set.classes, "NAME,...",
           "Classes to learn, in this order. Default: PTB-XL's five superclasses, LUDB's six, every 0/1 "
           "column of another labels.csv, the study's classes of the other sets",
           "by data set")
      ->group("Data");
  app.add_flag(stem + "drop-unreadable", set.drop_unreadable,
               "Leave out and count records whose files are damaged, instead of stopping at the first")
      ->group("Data");
  app.add_flag(
         stem + "merge-equivalent", set.merge_equivalent,
         "Challenge folders: count codes as one that the Challenge scores as one (RBBB with CRBBB, ...)")
      ->group("Data");
}

void add_fit_options(CLI::App& app, FitOptions& fit, const std::string& prefix, const std::string& what) {
  const std::string stem = prefix.empty() ? "--" : "--" + prefix + "-";
  add_whole(app, stem + "epochs", fit.epochs, 1, 100000, what + "passes over the training records")
      ->group("Training");
  add_whole(app, stem + "batch", fit.batch, 1, 1000000,
            what + "records in a batch; a last one is kept if it holds two or more")
      ->group("Training");
  add_real(app, stem + "lr", fit.lr, 1e-12, 1e30, what + "learning rate of Adam")->group("Training");
}

void add_net_options(CLI::App& app, NetOptions& net) {
  add_whole(app, "--width", net.width, 1, 1024,
            "ResNets: channels of the first stage; the later ones double it")
      ->group("Network");
  add_whole(app, "--fc", net.fc, 1, 65536, "ResNets: features before the top layer")->group("Network");
  add_whole(app, "--hidden", net.hidden, 1, 4096, "Recurrent nets: size of the state")->group("Network");
  add_choice(
      app, "--head", net.head, kHeads,
      "Recurrent nets: what the top layer sees: all outputs (the study's; it holds over 90 % of the weights, "
      "and they are not transferred), their mean over time, or the last state")
      ->group("Network");
}

void add_split_options(CLI::App& app, SplitOptions& split, bool cross_validation) {
  add_name(app, "--split", split.kind, kSplits,
           "random: test first in numpy's RandomState(split-seed).permutation, as scikit-learn does it; "
           "stratified: "
           "the same shares of every label combination; patients: no patient on both sides; folds: the "
           "publishers' "
           "fold 10 tests, 9 validates")
      ->group("Split");
  add_real(app, "--test", split.test, 0, 0.95, "Share of records that test, rounded up")->group("Split");
  add_real(app, "--validation", split.validation, 0, 0.9,
           "Share of the rest that chooses the epoch of the validation-selected results; 0: no such results")
      ->group("Split");
  add_whole(app, "--split-seed", split.seed, 0, 2147483647, "Seed of the split")->group("Split");
  if (cross_validation)
    add_whole(app, "--folds", split.folds, 1, 1000,
              "Above 1: cross-validation; the records in that many parts, each once the test set. Takes that "
              "many times as long, and says more than one small test set can")
        ->group("Split");
}

void add_signal_options(CLI::App& app, cordis::ecg::PreprocessOptions& signal) {
  add_real(app, "--rate", signal.rate, 1, 10000, "Samples per second that the network sees")->group("Signal");
  add_whole(app, "--length", signal.length, 16, 1000000,
            "Samples that the network sees; shorter records are dropped")
      ->group("Signal");
  add_whole(app, "--skip", signal.skip, 0, 1000000, "Samples left out at the start")->group("Signal");
  const auto band = [&signal](const std::string& text) {
    if (!parse_band(text, signal))
      refuse("--band", "\"", text, "\" is neither LOW,HIGH in Hz with 0 < LOW < HIGH nor none");
  };
  app.add_option_function<std::string>(
         "--band", band,
         "Band-pass in Hz (Butterworth, forward and backward), or none. Left out "
         "for records that have been through it already")
      ->type_name("LOW,HIGH|none")
      ->default_str(signal.band_pass ? exact(signal.low) + ',' + exact(signal.high) : "none")
      ->group("Signal");
  add_choice(app, "--resampling", signal.resampling, kResamplings,
             "To the rate: with an anti-aliasing filter, or every k-th sample as the study does")
      ->group("Signal");
  add_choice(app, "--scaling", signal.scaling, kScalings,
             "Per record and lead: mean 0 and deviation 1, to [-1, 1], or millivolts as they are")
      ->group("Signal");
  add_choice(app, "--missing", signal.missing, kMissings,
             "Missing samples: filled from their neighbours, kept as NaN, or the record dropped")
      ->group("Signal");
}

void add_run_options(CLI::App& app, RunOptions& run) {
  app.add_option_function<std::string>(
         "-o,--out",
         [&run](const std::string& text) {
           if (text.empty()) refuse("--out", "is empty");
           run.out = text;
         },
         "Folder that the run leaves. The same command on the same folder goes on where it was stopped, "
         "however "
         "that was, and ends with the same bits")
      ->type_name("DIR")
      ->default_str(run.out)
      ->group("Run");
  add_whole(app, "--threads", run.threads, 0, 1024,
            "Threads that compute; 0: one per core. Sums depend on their number in the last bits")
      ->group("Run");
  app.add_option(
         "--cache", run.cache,
         "Folder in which preprocessed records are kept, and taken from the next time where neither the data "
         "nor the options have changed")
      ->type_name("DIR")
      ->default_str("none")
      ->group("Run");
  add_device_options(app, run.device);
  add_real(app, "--checkpoint-seconds", run.checkpoint_seconds, 0, 1e6,
           "Save the state at an epoch's end once this long has passed since the last time; 0: every epoch")
      ->group("Run");
  add_choice(app, "--select", run.select, kSelects, "What the validation part chooses the epoch by")
      ->group("Run");
  add_choice(app, "--keep", run.keep, kKeeps,
             "Weights that stay of each run: of the validation-selected epoch, of the last, or none")
      ->group("Run");
}

void add_protocol_option(CLI::App& app, std::string& protocol) {
  add_name(
      app, "--protocol", protocol, kProtocols,
      "Defaults to start from: this program's, or those of the study (arXiv 2402.02021): every k-th sample, "
      "min-max, Adam 0.01, batches of 256, 100 epochs, a third to test, no validation. Other options go on "
      "top; "
      "`--protocol study --help` shows them")
      ->group("Run");
}

cordis::ModelOptions model_options(const NetOptions& net, const cordis::ecg::PreprocessOptions& signal,
                                   std::size_t classes) {
  return {.leads = 12,
          .classes = static_cast<std::int64_t>(classes),
          .width = net.width,
          .fc = net.fc,
          .length = signal.length,
          .hidden = net.hidden,
          .head = net.head};
}

}  // namespace app
