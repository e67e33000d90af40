// examples/ecg/cmd_export.cpp: ecg export: a weights file in, the network as an ONNX file out
#include <cordis/ecg/experiment_card.hpp>
#include <memory>

#include "commands.hpp"
#include "console.hpp"
#include "onnx_file.hpp"

namespace app {

void add_export(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "export",
      "A trained network as an ONNX file, for ONNX Runtime and others\n\n"
      "Its input x is (records, samples, leads), prepared as the file's metadata says (ecg.*: rate, length, "
      "scaling, ...), its output y one logit per class, in the order of ecg.classes; a sigmoid makes "
      "probabilities of them. Batch norm is in its inference form.");
  struct Options {
    std::string model, onnx;
  };
  const auto o = std::make_shared<Options>();
  command->add_option("-m,--model", o->model, "Weights (.safetensors) written by ecg")
      ->required()
      ->type_name("FILE");
  command->add_option("--onnx", o->onnx, "The ONNX file to write")->required()->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  ecg export --model runs/compare/cells/resnet1d18-n96-seed0-pretrained/weights.safetensors \\\n"
      "      --onnx resnet1d18.onnx\n");
  command->callback([o, &action] {
    action = [o] {
      const auto weights = cordis::read_safetensors(o->model);
      const auto card = cordis::ecg::parse_card(weights.metadata, o->model);
      write_onnx(cordis::ecg::make_model(card, weights.tensors, o->model), o->onnx, card.preprocess.length,
                 weights.metadata);
      say(cordis::concat(o->onnx, ": ", card.model, ", x (N, ", card.preprocess.length, ", ",
                         card.options.leads, ") -> y (N, ", card.classes.size(), ")"));
      return 0;
    };
  });
}

}  // namespace app
