// examples/ecg/cmd_predict.cpp: ecg predict: records and a model in, class probabilities out
#include <cmath>
#include <cordis/ecg/experiment_card.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "console.hpp"
#include "options.hpp"

namespace app {
namespace {

using cordis::concat;
using cordis::IoError;
using cordis::Tensor;

// (1, L, 12) as the network was trained on.
Tensor prepare(const std::string& path, const cordis::ecg::PreprocessOptions& signal) {
  const auto record = cordis::ecg::read_record(path);
  for (const auto& warning : record.warnings) warn(warning.text);
  auto prepared = cordis::ecg::preprocess(cordis::ecg::reorder_leads(record), signal);
  if (prepared.rejected) throw IoError(prepared.rejected->text);
  if (prepared.filled > 0) warn(concat(path, ": ", prepared.filled, " missing samples filled"));
  return Tensor::of({1, signal.length, 12}, prepared.samples);
}

int predict(const std::string& file, const std::vector<std::string>& records, bool filtered, bool csv,
            DeviceOptions where) {
  const cordis::Device device = use_device(where);
  const auto weights = cordis::read_safetensors(file);
  auto card = cordis::ecg::parse_card(weights.metadata, file);
  if (card.options.leads != 12)
    throw IoError(
        concat(file, ": ecg.leads is ", card.options.leads, ", records of 12 leads are what ecg reads"));
  if (filtered) card.preprocess.band_pass = false;
  cordis::AnyModel net = cordis::ecg::make_model(card, weights.tensors, file);
  cordis::to(net, device);
  cordis::eval(net);
  const cordis::NoGrad off;
  std::size_t width = 0;
  for (const auto& name : card.classes) width = std::max(width, name.size());
  if (csv) {
    std::string head = "record";
    for (const auto& name : card.classes) head += ',' + cordis::ecg::csv_field(name);
    say(head);
  }
  for (const auto& path : records) {
    const Tensor logits = net(prepare(path, card.preprocess).to(device)).value().to(cordis::Device::cpu());
    std::string line = cordis::ecg::csv_field(path);
    if (!csv) say(concat(path, "  (", card.model, ")"));
    for (std::size_t k = 0; k < card.classes.size(); ++k) {
      const double p = 1 / (1 + std::exp(-static_cast<double>(logits.data<float>()[k])));
      if (!std::isfinite(p))
        throw IoError(concat(path, ": the probability of ", card.classes[k], " is not finite"));
      if (csv)
        line += ',' + fixed(p, 6);
      else
        say(concat("  ", card.classes[k], std::string(width - card.classes[k].size() + 2, ' '), fixed(p, 3),
                   p > 0.5 ? "  yes" : ""));
    }
    if (csv) say(line);
  }
  return 0;
}

}  // namespace

void add_predict(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "predict",
      "Class probabilities of records, by a weights file that pretrain, train or compare left\n\n"
      "The file names its network, classes and preprocessing, so nothing else is needed. Leads are matched "
      "by name; the "
      "record may have another sampling rate. A class is said yes to above 0.5. This is research, not a "
      "diagnosis.");
  struct Options {
    std::string model;
    std::vector<std::string> records;
    bool filtered = false, csv = false;
    DeviceOptions device;
  };
  const auto o = std::make_shared<Options>();
  command->add_option("-m,--model", o->model, "Weights (.safetensors) written by ecg")
      ->required()
      ->type_name("FILE");
  command->add_option("RECORD", o->records, "Records: WFDB headers, with or without .hea")->required();
  command->add_flag(
      "--filtered", o->filtered,
      "The records have been through the band-pass already, as those of ptb-xl-derived: leave it out");
  add_device_options(*command, o->device);
  command->add_flag("--csv", o->csv, "A line per record instead of a block: record,CLASS,...");
  command->footer(
      "Examples:\n"
      "  ecg predict --model runs/compare/cells/resnet1d18-n96-seed0-pretrained/weights.safetensors \\\n"
      "      examples/data/ludb/data/1 examples/data/ludb/data/2\n");
  command->callback([o, &action] {
    action = [o] { return predict(o->model, o->records, o->filtered, o->csv, o->device); };
  });
}

}  // namespace app
