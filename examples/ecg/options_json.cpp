// examples/ecg/options_json.cpp: options as JSON, under their names on the command line
#include "options_json.hpp"

namespace app {
namespace {

using cordis::ecg::choice_name;
using cordis::ecg::exact;
using cordis::ecg::kHeads;
using cordis::ecg::kMissings;
using cordis::ecg::kResamplings;
using cordis::ecg::kScalings;

// Adds the keys of `more`, with `prefix` before each.
void put(Json& json, const Json& more, const std::string& prefix = {}) {
  for (const auto& [key, value] : more.items()) json[prefix + key] = value;
}

void put_run(Json& json, const RunOptions& run) {
  json["select"] = choice_name(kSelects, run.select);
  json["keep"] = choice_name(kKeeps, run.keep);
  json["threads"] = run.threads;
  json["device"] = run.device.name;
  json["tf32"] = run.device.tf32;
}

std::string band_text(const cordis::ecg::PreprocessOptions& signal) {
  return signal.band_pass ? exact(signal.low) + ',' + exact(signal.high) : "none";
}

}  // namespace

Json set_json(const SetOptions& set) {
  return {{"folders", set.folders},
          {"classes", set.classes},
          {"drop-unreadable", set.drop_unreadable},
          {"merge-equivalent", set.merge_equivalent}};
}
Json fit_json(const FitOptions& fit) {
  return {{"epochs", fit.epochs}, {"batch", fit.batch}, {"lr", fit.lr}};
}
Json split_json(const SplitOptions& split) {
  return {{"split", split.kind},
          {"test", split.test},
          {"validation", split.validation},
          {"split-seed", split.seed},
          {"folds", split.folds}};
}
Json net_json(const NetOptions& net) {
  return {
      {"width", net.width}, {"fc", net.fc}, {"hidden", net.hidden}, {"head", choice_name(kHeads, net.head)}};
}
Json signal_json(const cordis::ecg::PreprocessOptions& signal) {
  return {{"rate", signal.rate},
          {"length", signal.length},
          {"skip", signal.skip},
          {"band", band_text(signal)},
          {"resampling", choice_name(kResamplings, signal.resampling)},
          {"scaling", choice_name(kScalings, signal.scaling)},
          {"missing", choice_name(kMissings, signal.missing)}};
}

Json options_json(const CompareOptions& o) {
  Json json;
  json["model"] = o.models;
  json["up"] = set_json(o.upstream);
  json["down"] = set_json(o.downstream);
  put(json, fit_json(o.up), "up-");
  json["up-holdout"] = o.up_holdout;
  json["up-seed"] = o.up_seed;
  put(json, fit_json(o.down));
  put(json, split_json(o.split));
  json["sizes"] = o.sizes;
  json["seeds"] = o.seeds;
  json["first-seed"] = o.first_seed;
  json["resamples"] = o.resamples;
  put(json, net_json(o.net));
  put(json, signal_json(o.signal));
  put_run(json, o.run);
  return json;
}

Json options_json(const TrainOptions& o, bool pretrain) {
  Json json;
  json["model"] = o.model;
  json["data"] = set_json(o.data);
  put(json, fit_json(o.fit));
  json["seed"] = o.seed;
  if (pretrain) {
    json["holdout"] = o.holdout;
  } else {
    json["init"] = o.init;
    json["keep-head"] = o.keep_head;
    put(json, split_json(o.split));
    json["size"] = o.size;
  }
  put(json, net_json(o.net));
  put(json, signal_json(o.signal));
  put_run(json, o.run);
  return json;
}

void read_set(JsonReader& json, SetOptions& set) {
  json.names("folders", set.folders);
  if (set.folders.empty()) json.refuse("folders", "a list of at least one folder");
  json.names("classes", set.classes);
  json.flag("drop-unreadable", set.drop_unreadable);
  json.flag("merge-equivalent", set.merge_equivalent);
}
void read_fit(JsonReader& json, FitOptions& fit) {
  json.whole("epochs", fit.epochs, 1, 100000);
  json.whole("batch", fit.batch, 1, 1000000);
  json.real("lr", fit.lr, 1e-12, 1e30);
}
void read_split(JsonReader& json, SplitOptions& split) {
  json.name("split", split.kind, {kSplits.begin(), kSplits.end()});
  json.real("test", split.test, 0, 0.95);
  json.real("validation", split.validation, 0, 0.9);
  json.whole("split-seed", split.seed, 0, 2147483647);
  json.whole("folds", split.folds, 1, 1000);
}
void read_net(JsonReader& json, NetOptions& net) {
  json.whole("width", net.width, 1, 1024);
  json.whole("fc", net.fc, 1, 65536);
  json.whole("hidden", net.hidden, 1, 4096);
  json.choice("head", net.head, kHeads);
}
void read_signal(JsonReader& json, cordis::ecg::PreprocessOptions& signal) {
  json.real("rate", signal.rate, 1, 10000);
  json.whole("length", signal.length, 16, 1000000);
  json.whole("skip", signal.skip, 0, 1000000);
  std::string band = band_text(signal);
  json.text("band", band);
  if (!parse_band(band, signal)) json.refuse("band", "\"LOW,HIGH\" in Hz with 0 < LOW < HIGH, or \"none\"");
  json.choice("resampling", signal.resampling, kResamplings);
  json.choice("scaling", signal.scaling, kScalings);
  json.choice("missing", signal.missing, kMissings);
}

}  // namespace app
