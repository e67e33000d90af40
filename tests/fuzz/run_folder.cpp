// tests/fuzz/run_folder.cpp: what a run leaves for later ones: tables, weights, checkpoint, cache, settings
// Input: a byte that chooses the file, and what it holds; all others are those of a small grid.
#include <cordis/ecg/cache.hpp>
#include <cordis/ecg/experiment.hpp>

#include "ecg/grid_cell.hpp"
#include "ecg/grid_data.hpp"
#include "ecg/grid_results.hpp"
#include "ecg/json_reader.hpp"
#include "ecg/records.hpp"
#include "target.hpp"

namespace {

namespace fs = std::filesystem;
namespace ecg = cordis::ecg;

constexpr const char* kGrid = R"({"data": {"up": {"folders": ["/up"], "length": 16},
  "down": {"folders": ["/down"], "length": 16}}, "models": ["gru"], "upstream": ["up"], "downstream": ["down"],
  "seeds": 1, "net": {"hidden": 2}, "up": {"epochs": 2}, "down": {"epochs": 2}, "resamples": 100})";
const std::string kCell = "cells/down-gru-from-up-seed0/";
const fs::path kFiles[] = {kCell + ecg::kEpochsFile,
                           kCell + ecg::kPredictionsFile,
                           kCell + ecg::kTimingFile,
                           kCell + app::kPartsFile,
                           kCell + ecg::kWeightsFile,
                           "state.safetensors",
                           "cache.safetensors",
                           "data/down.json",
                           "config.json"};
const std::string kKey = "key";
const app::Json kConfig = {{"options", {{"lr", 0.001}, {"model", {"gru"}}}}, {"data", app::Json::array()}};

struct Folder {
  app::Grid grid = app::parse_grid(app::parse_json(kGrid, "grid"), "grid", "/");
  ecg::TestSet names;
  std::vector<std::string> whole;  // by file

  cordis::AnyModel net() const {
    return cordis::make_model("gru", app::model_options(grid.net, grid.data[0].signal, 2));
  }

  Folder() {
    const auto folder = app::GridFolder::plan(fuzz::folder(), grid);
    cordis::set_num_threads(1);
    cordis::Tensor x({6, 16, 12}, cordis::DType::f32), y({6, 2}, cordis::DType::f32);
    for (int i = 0; i < 6 * 16 * 12; ++i) x.data<float>()[i] = static_cast<float>(i % 17) / 17;
    for (int i = 0; i < 12; ++i) y.data<float>()[i] = static_cast<float>(i % 3 == 0);
    names.classes = {"NORM", "MI"};
    ecg::EcgData account{.size = 6, .length = 16, .classes = names.classes};
    std::string parts = "record,patient,part\n";
    for (int i = 0; i < 6; ++i) {
      names.records.push_back(cordis::concat("r", i));
      for (int k = 0; k < 2; ++k) names.truth.push_back(y.data<float>()[2 * i + k] > 0);
      parts += cordis::concat("r", i, ",p", i / 2, i < 2 ? ",training\n" : ",test\n");
      account.records.push_back({.name = cordis::concat("r", i), .path = "r", .labels = {1, 0}});
    }
    account.dropped = {{"r6", "no file", "r6.dat: no such file"}};
    account.steps = {{"has a label", 7, 6}};
    account.warnings = {{"checksum", "r1.dat: checksum"}};
    account.unused_codes = {{"SR", 2}};
    auto model = net();
    const cordis::Adam adam(model, {});
    const ecg::Scores scores{0.5, 0.5, 0.25, 0.75, {1, 0}, {0.5, 0.25}};
    ecg::CellState state;
    state.rows = {{1, 0.75, scores, scores}, {2, 0.5, {.class_f1 = {}, .class_auroc = {}}, scores}};
    state.seconds = {0.5, 0.25};
    for (const char* at : ecg::kMoments) state.kept.push_back({at, 1, std::vector<float>(12, 0.5F)});
    state.selected = cordis::clone(cordis::state_dict(model));
    ecg::write_cell_state(fuzz::folder() / kFiles[5], cordis::checkpoint_of(model, adam), state, names);
    const ecg::ModelCard card{.model = "gru",
                              .options = app::model_options(grid.net, grid.data[0].signal, 2),
                              .classes = names.classes,
                              .preprocess = grid.data[0].signal};
    for (const auto& cell : folder.cells()) {
      const auto path = folder.folder_of(cell.id);
      fs::create_directories(path);
      cordis::save(model, path / ecg::kWeightsFile, ecg::card_metadata(card));
      cordis::atomic_write(path / ecg::kEpochsFile, ecg::epochs_csv(state.rows, names.classes));
      cordis::atomic_write(path / ecg::kPredictionsFile, ecg::predictions_csv(state.kept, names));
      cordis::atomic_write(path / ecg::kTimingFile, ecg::timing_csv(state.seconds));
      cordis::atomic_write(path / app::kPartsFile, parts);
      cordis::atomic_write(path / ecg::kDoneFile, "2 epochs\n");
    }
    ecg::write_cache(fuzz::folder() / kFiles[6], kKey, account, x, y);
    app::Records records;
    records.records = account.records;
    records.classes = account.classes;
    records.accounts = {account};
    app::write_account(folder, "down", records);
    app::write_json(fuzz::folder() / kFiles[8], kConfig);
    for (const auto& file : kFiles) whole.push_back(ecg::read_text(fuzz::folder() / file));
  }

  void read(std::size_t which) const {
    const auto path = fuzz::folder() / kFiles[which];
    if (which < 4) {
      const auto results = app::read_results(app::GridFolder::open(fuzz::folder()), 100);
      for (const auto& text : {app::cells_csv(results), app::contrasts_csv(results), app::speed_csv(results),
                               app::grid_classes_csv(results), app::claims_json(results).dump()})
        if (text.empty()) std::abort();
    } else if (which == 4) {
      const auto weights = cordis::read_safetensors(path);
      ecg::make_model(ecg::parse_card(weights.metadata, "weights"), weights.tensors, "weights");
      auto start = net();
      cordis::load_state_dict(start, weights.tensors, {.skip = {"fc."}}, path.string());
    } else if (which == 5) {
      auto model = net();
      cordis::Adam adam(model, {});
      ecg::read_cell_state(path, model, adam, names);
    } else if (which == 6) {
      ecg::read_cache(path, kKey);
    } else if (which == 7) {
      app::read_account(app::GridFolder::open(fuzz::folder()), "down");
    } else {
      const app::RunFolder run(fuzz::folder(), kConfig);
    }
  }
};

const Folder& folder() {
  static const Folder made;
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  fuzz::offer_seeds(*argc, *argv, [](auto put) {
    for (std::size_t which = 0; which < std::size(kFiles); ++which)
      put(static_cast<char>(which) + folder().whole[which]);
  });
  return 0;
}

void one_input(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t which = static_cast<unsigned char>(bytes[0]) % std::size(kFiles);
  bytes.remove_prefix(1);
  const Folder& here = folder();
  fuzz::write(kFiles[which], bytes);
  fuzz::try_it([&] { here.read(which); });
  fuzz::write(kFiles[which], here.whole[which]);
}
