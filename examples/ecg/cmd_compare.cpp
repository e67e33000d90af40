// examples/ecg/cmd_compare.cpp: ecg compare: pretrained against random weights
#include <cordis/core/parallel.hpp>
#include <cordis/ecg/experiment_compare.hpp>
#include <cordis/io/atomic_file.hpp>
#include <memory>

#include "commands.hpp"
#include "options_json.hpp"
#include "training.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::ecg::CellKey;
using cordis::ecg::CellResult;

// All that is to be trained, known before the first batch.
struct Plan {
  Split upstream;
  std::vector<Split> folds;  // downstream
  std::vector<int> sizes;    // of the training set, rising; the last is all of it
  std::vector<std::string> warnings;
};

Plan make_plan(const CompareOptions& o, const Records& up, const Records& down) {
  Plan plan;
  const auto note = [&](std::vector<std::string> list) {
    for (auto& text : list)
      if (std::ranges::find(plan.warnings, text) == plan.warnings.end())
        plan.warnings.push_back(std::move(text));
  };
  plan.upstream = upstream_split(up, o.up_holdout);
  note(check_split(up, plan.upstream, up.name, false, true));
  plan.folds = downstream_splits(down, o.split);
  std::size_t most = SIZE_MAX;
  for (std::size_t f = 0; f < plan.folds.size(); ++f) {
    const std::string where = plan.folds.size() > 1 ? concat(down.name, ", fold ", f) : down.name;
    note(check_split(down, plan.folds[f], where, true, true));
    most = std::min(most, plan.folds[f].train.size());
  }
  for (const int size : o.sizes.empty() ? std::vector<int>{static_cast<int>(most)} : o.sizes) {
    const int there = std::min(size, static_cast<int>(most));
    if (there < size)
      note({concat("--sizes ", size, ": only ", most, " training records are left after ",
                   plan.folds[0].test.size(), " for test and ", plan.folds[0].validation.size(),
                   " for validation; all of them are taken")});
    if (std::ranges::find(plan.sizes, there) == plan.sizes.end()) plan.sizes.push_back(there);
  }
  for (const int size : plan.sizes)
    for (const Split& fold : plan.folds) {
      Split part = fold;
      part.train.resize(static_cast<std::size_t>(size));
      note(check_split(down, part, concat(down.name, ", ", size, " training records"), true, false));
    }
  return plan;
}

std::string cell_name(const CellKey& key, bool folds) {
  return concat(key.model, "-n", key.size, folds ? concat("-fold", key.fold) : "", "-seed", key.seed,
                key.pretrained ? "-pretrained" : "-random");
}

std::string cell_title(const CellKey& key, bool folds, bool sizes) {
  return concat(key.model, sizes ? concat(" n", key.size) : "", folds ? concat(" fold ", key.fold) : "",
                " seed ", key.seed, key.pretrained ? " pretrained" : " random");
}

// Pairs follow each other, so that a stopped run has whole ones.
std::vector<CellKey> cells_of(const CompareOptions& o, const Plan& plan, const std::string& model) {
  std::vector<CellKey> keys;
  for (const int size : plan.sizes)
    for (int fold = 0; fold < static_cast<int>(plan.folds.size()); ++fold)
      for (int seed = o.first_seed; seed < o.first_seed + o.seeds; ++seed)
        for (const bool pretrained : {true, false}) keys.push_back({model, size, fold, seed, pretrained});
  return keys;
}

// records.csv: what each record was used for.
std::string records_csv(const Records& up, const Records& down, const Plan& plan) {
  std::string text = "set,record,fold,part\n";
  const auto put = [&](const char* set, const Records& records, const Split& split, std::size_t fold) {
    const auto part = [&](const Rows& rows, const char* name) {
      for (const auto row : rows)
        text += concat(set, ',', cordis::ecg::csv_field(records.records[static_cast<std::size_t>(row)].name),
                       ',', fold, ',', name, '\n');
    };
    part(split.train, "training");
    part(split.validation, "validation");
    part(split.test, "test");
  };
  put("upstream", up, plan.upstream, 0);
  for (std::size_t f = 0; f < plan.folds.size(); ++f) put("downstream", down, plan.folds[f], f);
  return text;
}

class Comparer {
 public:
  Comparer(const CompareOptions& options, const Records& up, const Records& down, const Plan& plan,
           const RunFolder& folder, const cordis::Device& device)
      : o_(options),
        up_(up),
        down_(down),
        plan_(plan),
        folder_(folder),
        device_(device),
        progress_(total_work()) {}

  void train() {
    for (const auto& model : o_.models) {
      const auto weights = upstream(model);
      for (const auto& key : cells_of(o_, plan_, model)) downstream(key, weights);
    }
  }

  fs::path upstream_folder(const std::string& model) const { return folder_ / "upstream" / model; }
  fs::path cell_folder(const CellKey& key) const {
    return folder_ / "cells" / cell_name(key, plan_.folds.size() > 1);
  }

 private:
  std::int64_t total_work() const {
    std::int64_t downstream = 0;
    for (const int size : plan_.sizes)
      downstream += 2 * o_.seeds * static_cast<std::int64_t>(plan_.folds.size()) *
                    work_of(o_.down, static_cast<std::size_t>(size));
    return static_cast<std::int64_t>(o_.models.size()) *
           (downstream + work_of(o_.up, plan_.upstream.train.size()));
  }

  TrainingJob job(const std::string& model, const Records& records, const std::string& init) const {
    return {.title = {},
            .model = model,
            .folder = {},
            .fit = {},
            .seed = 0,
            .run = o_.run,
            .card = {.model = model,
                     .options = model_options(o_.net, o_.signal, records.classes.size()),
                     .classes = records.classes,
                     .preprocess = o_.signal,
                     .remarks = {{"trained_on", records.name}, {"init", init}}}};
  }

  fs::path upstream(const std::string& model) {
    TrainingJob j = job(model, up_, "random");
    j.title = model + " upstream";
    j.folder = upstream_folder(model);
    j.fit = o_.up;
    j.seed = o_.up_seed;
    j.run.keep = cordis::ecg::KeepWeights::last;
    if (!up_data_) up_data_ = cell_data(up_, plan_.upstream);
    run_job(
        j, *up_data_,
        [&] {
          cordis::AnyModel net = fresh_model(model, j.card.options, Stage::upstream, o_.up_seed);
          cordis::to(net, device_);
          return net;
        },
        progress_);
    return j.folder / cordis::ecg::kWeightsFile;
  }

  void downstream(const CellKey& key, const fs::path& weights) {
    TrainingJob j = job(key.model, down_, key.pretrained ? "pretrained" : "random");
    j.title = cell_title(key, plan_.folds.size() > 1, plan_.sizes.size() > 1);
    j.folder = cell_folder(key);
    j.fit = o_.down;
    j.seed = key.seed;
    if (key.pretrained) j.card.remarks["upstream"] = up_.name;
    Split split = plan_.folds[static_cast<std::size_t>(key.fold)];
    split.train.resize(static_cast<std::size_t>(key.size));
    run_job(
        j, cell_data(down_, split),
        [&] {
          cordis::AnyModel net = fresh_model(key.model, j.card.options, Stage::downstream, key.seed);
          if (key.pretrained) start_from(net, key.model, weights.string(), false, down_.classes.size());
          cordis::to(net, device_);
          return net;
        },
        progress_);
  }

  const CompareOptions& o_;
  const Records &up_, &down_;
  const Plan& plan_;
  const RunFolder& folder_;
  cordis::Device device_;
  std::optional<cordis::ecg::CellData> up_data_;
  Progress progress_;
};

std::vector<double> seconds_in(const fs::path& folder) {
  return cordis::ecg::parse_timing(cordis::ecg::read_csv(folder / cordis::ecg::kTimingFile));
}

std::string timing_table(const CompareReport& report) {
  std::string text = "run,epochs,seconds\n";
  const auto put = [&](const std::string& name, const std::vector<double>& seconds) {
    double sum = 0;
    for (const double s : seconds) sum += s;
    text += concat(name, ',', seconds.size(), ',', fixed(sum, 3), '\n');
  };
  for (const auto& run : report.upstream) put("upstream/" + run.model, run.seconds);
  for (const auto& time : report.times) put(cell_name(time.key, true), time.seconds);
  return text;
}

DataSection downstream_section(const Records& down, const Plan& plan) {
  std::vector<std::pair<std::string, Rows>> parts;
  for (const int size : plan.sizes)
    parts.emplace_back(plan.sizes.size() > 1 ? concat("training, first ", size) : "training",
                       Rows(plan.folds[0].train.begin(), plan.folds[0].train.begin() + size));
  parts.emplace_back("validation", plan.folds[0].validation);
  parts.emplace_back("test", plan.folds[0].test);
  return data_section(concat("Downstream: ", down.name, plan.folds.size() > 1 ? " (fold 0)" : ""), down,
                      parts);
}

int compare_all(CompareOptions o) {
  cordis::ecg::check_options(o.signal);
  if (o.run.threads > 0) cordis::set_num_threads(o.run.threads);
  o.run.threads = cordis::num_threads();
  const cordis::Device device = use_device(o.run.device);
  const Records up = load_records(o.upstream, o.signal, o.run.cache),
                down = load_records(o.downstream, o.signal, o.run.cache);
  const Plan plan = make_plan(o, up, down);
  for (const auto& text : plan.warnings) warn(text);
  const Json config = {{"command", "compare"},
                       {"options", options_json(o)},
                       {"data", {{"up", digest_json(up)}, {"down", digest_json(down)}}},
                       {"build", build_info()},
                       {"device", device_info(device)}};
  const RunFolder folder(o.run.out, config);
  say(concat(folder.resumed() ? "going on in " : "writing to ", folder.path().string(), ", ", o.run.threads,
             " threads"));
  if (!fs::exists(folder / "records.csv"))
    cordis::atomic_write(folder / "records.csv", records_csv(up, down, plan));

  Comparer comparer(o, up, down, plan, folder, device);
  comparer.train();

  // From here on everything is read back from the folder, so that a run gone on with has no path of its own.
  CompareReport report;
  report.config = config;
  report.config["host"] = host_info();
  report.upstream_name = up.name;
  report.downstream_name = down.name;
  report.warnings = plan.warnings;
  report.data = {data_section("Upstream: " + up.name, up,
                              {{"training", plan.upstream.train}, {"held out", plan.upstream.test}}),
                 downstream_section(down, plan)};
  for (const auto& model : o.models) {
    const fs::path at = comparer.upstream_folder(model);
    report.upstream.push_back(
        {model, "random", cordis::ecg::read_cell(at, {.model = model}, up.classes).epochs, seconds_in(at)});
    for (const auto& key : cells_of(o, plan, model)) {
      report.cells.push_back(cordis::ecg::read_cell(comparer.cell_folder(key), key, down.classes));
      report.times.push_back({key, seconds_in(comparer.cell_folder(key))});
    }
  }
  report.comparison =
      cordis::ecg::compare(report.cells, o.resamples, static_cast<std::uint64_t>(o.split.seed));

  for (const auto& [model, size] : groups_of(report.comparison)) {
    say(concat("\n", model, ", ", size, " training records"));
    std::string table = results_table(report.comparison, model, size);
    table.pop_back();
    say(table);
    const Verdict v = verdict(report.comparison, model, size);
    say("  => " + v.answer);
    for (const auto& reason : v.reasons) say("     " + reason);
  }
  if (!fs::exists(folder / cordis::ecg::kDoneFile) || !fs::exists(folder / "report.html")) {
    cordis::atomic_write(folder / "results.csv", results_csv(report.comparison));
    cordis::atomic_write(folder / "classes.csv", classes_csv(report.comparison, down.classes));
    cordis::atomic_write(folder / "convergence.csv", convergence_csv(report.comparison));
    cordis::atomic_write(folder / "timing.csv", timing_table(report));
    write_json(folder / "results.json", results_json(report.comparison, down.classes));
    cordis::atomic_write(folder / "report.html", compare_report(report, folder.path()));
    cordis::atomic_write(folder / cordis::ecg::kDoneFile, "compared\n");
  }
  double seconds = 0;
  for (const auto& run : report.upstream)
    for (const double s : run.seconds) seconds += s;
  for (const auto& time : report.times)
    for (const double s : time.seconds) seconds += s;
  say(concat("\ntraining and scoring took ", clock(seconds),
             " in all\nreport: ", (folder / "report.html").string()));
  return 0;
}

}  // namespace

void add_compare(CLI::App& app, Action& action, bool study) {
  auto* command =
      app.add_subcommand("compare",
                         "Pretrained against random weights: the whole experiment, and its report\n\n"
                         "Trains each network upstream once. Then, for each seed, trains it downstream from "
                         "those weights (new top layer, all "
                         "layers trained) and from random ones, on the same records in the same batches, and "
                         "compares them on test records "
                         "that neither has seen: weighted F1 (the study's measure), macro F1 and AUROC at "
                         "several epochs, with paired "
                         "differences and bootstrap intervals, and how many epochs each needed.");
  const auto o = std::make_shared<CompareOptions>();
  o->upstream.folders = {example_data("ptb-xl-derived"), example_data("ptb-xl-mini")};
  o->downstream.folders = {example_data("ludb")};
  o->signal = default_signal();
  o->run.out = "runs/compare";
  if (study) apply_study(*o);
  add_models(*command, o->models, "Networks: resnet1d18, resnet1d50, resnet1d101, lstm, bilstm, gru")
      ->group("Network");
  add_net_options(*command, o->net);
  add_set_options(*command, o->upstream, "up",
                  "Upstream folders; a part of the first tells whether the network has learnt");
  add_real(*command, "--up-holdout", o->up_holdout, 0, 0.95,
           "Share of the first upstream folder that is held out, rounded down")
      ->group("Data");
  add_set_options(*command, o->downstream, "down",
                  "Downstream folders (see ecg data --help for what is known)");
  add_fit_options(*command, o->up, "up", "Upstream: ");
  add_whole(*command, "--up-seed", o->up_seed, 0, 2147483647, "Upstream: seed of initial weights and batches")
      ->group("Training");
  add_fit_options(*command, o->down, "", "Downstream: ");
  add_whole(*command, "--seeds", o->seeds, 1, 1000,
            "Seeds: each gives one run from pretrained and one from random weights")
      ->group("Training");
  add_whole(*command, "--first-seed", o->first_seed, 0, 2147480000, "The first of them")->group("Training");
  add_split_options(*command, o->split, true);
  add_sizes(*command, o->sizes,
            "Repeat over training sets of these sizes (the first N records of the full one)")
      ->group("Split");
  add_signal_options(*command, o->signal);
  add_run_options(*command, o->run);
  add_whole(*command, "--resamples", o->resamples, 100, 1000000, "Bootstrap resamples behind each interval")
      ->group("Run");
  const auto protocol = std::make_shared<std::string>(study ? "study" : "default");
  add_protocol_option(*command, *protocol);
  command->footer(
      "Examples:\n"
      "  ecg compare                                         PTB-XL to LUDB, a few minutes\n"
      "  ecg compare --model gru --head mean -o runs/gru     a net whose transferred share is like a "
      "ResNet's\n"
      "  ecg compare --sizes 20,40,96 -o runs/sizes          how the answer depends on the training set's "
      "size\n"
      "  ecg compare --folds 4 -o runs/folds                 every downstream record tests once\n"
      "  ecg compare --protocol study --up DIR --down DIR    arXiv 2402.02021 on the full data sets\n"
      "\nThe folder holds config.json (all options, data digests, compiler), records.csv (what each record "
      "was used for),\n"
      "upstream/ and cells/ (per training: epochs.csv, predictions.csv, timing.csv, weights.safetensors), "
      "results.csv and\n"
      ".json (means, spreads, differences), classes.csv, convergence.csv, timing.csv and report.html, which "
      "is\n"
      "self-contained. Stop it at any moment; the same command goes on.\n");
  command->callback([o, protocol, &action] { action = [o] { return compare_all(*o); }; });
}

}  // namespace app
