// examples/ecg/cmd_train.cpp: ecg pretrain and ecg train: one network on one data set
#include <cordis/core/parallel.hpp>
#include <cordis/io/atomic_file.hpp>
#include <memory>

#include "commands.hpp"
#include "options_json.hpp"
#include "training.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;

int train_one(TrainOptions o, bool pretrain) {
  cordis::ecg::check_options(o.signal);
  if (o.run.threads > 0) cordis::set_num_threads(o.run.threads);
  o.run.threads = cordis::num_threads();
  const cordis::Device device = use_device(o.run.device);
  const Records records = load_records(o.data, o.signal, o.run.cache);
  Split split = pretrain ? upstream_split(records, o.holdout) : downstream_splits(records, o.split)[0];
  std::vector<std::string> warnings;
  if (o.size > 0 && static_cast<std::size_t>(o.size) < split.train.size())
    split.train.resize(static_cast<std::size_t>(o.size));
  else if (o.size > static_cast<int>(split.train.size()))
    throw cordis::IoError(
        concat("--size ", o.size, ": only ", split.train.size(), " training records are there"));
  for (auto& text : check_split(records, split, records.name, false, true)) {
    warn(text);
    warnings.push_back(std::move(text));
  }
  const auto model = model_options(o.net, o.signal, records.classes.size());
  // A file that does not fit is refused before anything is written; its digest is part of what the run is.
  std::string origin;
  const Stage stage = pretrain ? Stage::upstream : Stage::downstream;
  if (!o.init.empty()) {
    cordis::AnyModel trial = fresh_model(o.model, model, stage, o.seed);
    origin = start_from(trial, o.model, o.init, o.keep_head, records.classes.size());
  }
  Json config = {{"command", pretrain ? "pretrain" : "train"},
                 {"options", options_json(o, pretrain)},
                 {"init", origin.empty() ? Json() : Json(origin)},
                 {"data", digest_json(records)},
                 {"build", build_info()},
                 {"device", device_info(device)}};
  const RunFolder folder(o.run.out, config);

  TrainingJob job{.title = o.model,
                  .model = o.model,
                  .folder = folder.path(),
                  .fit = o.fit,
                  .seed = o.seed,
                  .run = o.run,
                  .card = {.model = o.model,
                           .options = model,
                           .classes = records.classes,
                           .preprocess = o.signal,
                           .remarks = {{"trained_on", records.name},
                                       {"init", o.init.empty() ? "random" : "pretrained"}}}};
  const bool before = cordis::ecg::finished(folder.path());
  const auto data = cell_data(records, split);
  Progress progress(work_of(o.fit, split.train.size()));
  run_job(
      job, data,
      [&] {
        cordis::AnyModel net = fresh_model(o.model, model, stage, o.seed);
        if (!o.init.empty()) start_from(net, o.model, o.init, o.keep_head, records.classes.size());
        cordis::to(net, device);
        return net;
      },
      progress);

  TrainReport report;
  report.title = concat(pretrain ? "Pretraining: " : "Training: ", o.model, " on ", records.name);
  report.config = config;
  report.config["host"] = host_info();
  report.warnings = warnings;
  report.result = cordis::ecg::read_cell(folder.path(), {.model = o.model}, records.classes);
  report.run = {o.model, o.init.empty() ? "random" : "pretrained", report.result.epochs,
                cordis::ecg::parse_timing(cordis::ecg::read_csv(folder / cordis::ecg::kTimingFile))};
  report.data = {
      data_section(records.name, records,
                   {{"training", split.train}, {"validation", split.validation}, {"test", split.test}})};
  if (!before || !fs::exists(folder / "report.html"))
    cordis::atomic_write(folder / "report.html", train_report(report, folder.path()));
  say();
  for (const auto& p : report.result.predictions) {
    const cordis::Scorer scorer(p.probability, report.result.test.truth, records.classes.size());
    using cordis::Metric;
    if (scorer.records() > 0)
      say(concat("  ", p.at, std::string(18 - p.at.size(), ' '), "epoch ", p.epoch, "  weighted F1 ",
                 fixed(scorer(Metric::f1_weighted), 3), "  macro F1 ", fixed(scorer(Metric::f1_macro), 3),
                 "  macro AUROC ", fixed(scorer(Metric::auroc), 3)));
  }
  say(concat("report:  ", (folder / "report.html").string()));
  if (o.run.keep != cordis::ecg::KeepWeights::none)
    say(concat("weights: ", (folder / cordis::ecg::kWeightsFile).string()));
  return 0;
}

void add_common(CLI::App& command, TrainOptions& o) {
  command.add_option("DIR", o.data.folders, "Folders of ECGs (see ecg data --help)")
      ->required(o.data.folders.empty());
  add_set_options(command, o.data, "", "");
  add_model(command, o.model, "Network")->group("Network");
  add_net_options(command, o.net);
  add_fit_options(command, o.fit, "", "");
  add_whole(command, "--seed", o.seed, 0, 2147483647, "Seed of initial weights and of the batches' order")
      ->group("Training");
  add_signal_options(command, o.signal);
  add_run_options(command, o.run);
}

constexpr const char* kFiles =
    "\nThe folder holds config.json (all options, data digests, compiler), epochs.csv (loss and scores after "
    "each "
    "epoch),\npredictions.csv (test probabilities at the first, selected, last and best epochs), timing.csv, "
    "weights.safetensors\n(with classes and preprocessing inside) and report.html (self-contained, with "
    "curves).\n";

}  // namespace

void add_pretrain(CLI::App& app, Action& action, bool study) {
  auto* command =
      app.add_subcommand("pretrain",
                         "Train a network from random weights on a large set, for others to start from\n\n"
                         "Same as the first step of compare, and to the same bits with the same options. The "
                         "first folder's held-out part "
                         "tells whether the network has learnt; the weights are those of the last epoch.");
  const auto o = std::make_shared<TrainOptions>();
  o->data.folders = {example_data("ptb-xl-derived"), example_data("ptb-xl-mini")};
  o->fit = {.epochs = 12, .batch = 64, .lr = 1e-3};
  o->signal = default_signal();
  o->run.out = "runs/pretrain";
  o->run.keep = cordis::ecg::KeepWeights::last;
  if (study) apply_study(*o);
  add_common(*command, *o);
  add_real(*command, "--holdout", o->holdout, 0, 0.95,
           "Share of the first folder that is held out, rounded down")
      ->group("Split");
  const auto protocol = std::make_shared<std::string>(study ? "study" : "default");
  add_protocol_option(*command, *protocol);
  command->footer(
      std::string(
          "Examples:\n  ecg pretrain\n  ecg pretrain --model gru --head mean --epochs 20 -o runs/gru\n") +
      kFiles);
  command->callback([o, protocol, &action] { action = [o] { return train_one(*o, true); }; });
}

void add_train(CLI::App& app, Action& action, bool study) {
  auto* command = app.add_subcommand(
      "train",
      "Train a network on one set: from a file's weights with --init, else from random ones\n\n"
      "With --init all weights but the top layer's come from the file, and all of them are trained.");
  const auto o = std::make_shared<TrainOptions>();
  o->data.folders = {example_data("ludb")};
  o->signal = default_signal();
  o->run.out = "runs/train";
  if (study) apply_study(*o);
  add_common(*command, *o);
  command
      ->add_option("--init", o->init,
                   "Weights to start from (.safetensors, as pretrain leaves them, or a PyTorch state dict of "
                   "the same network)")
      ->type_name("FILE")
      ->group("Training");
  command
      ->add_flag("--keep-head", o->keep_head,
                 "Take the file's top layer as well: the classes have to be the same")
      ->group("Training");
  add_whole(*command, "--size", o->size, 0, 10000000, "Training records, the first of the split's; 0: all")
      ->group("Split");
  add_split_options(*command, o->split, false);
  const auto protocol = std::make_shared<std::string>(study ? "study" : "default");
  add_protocol_option(*command, *protocol);
  command->footer(
      std::string("Examples:\n  ecg train examples/data/ludb --epochs 30 -o runs/scratch\n"
                  "  ecg train examples/data/ludb --init runs/pretrain/weights.safetensors -o runs/tuned\n") +
      kFiles);
  command->callback([o, protocol, &action] {
    action = [o] {
      if (o->keep_head && o->init.empty()) throw CLI::ValidationError("--keep-head", "needs --init FILE");
      return train_one(*o, false);
    };
  });
}

}  // namespace app
