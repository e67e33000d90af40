// tests/ecg/experiment_state_test.cpp: how far a training has come, in one file
#include <doctest/doctest.h>

#include <cordis/ecg/experiment_state.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/optim/sgd.hpp>

#include "scratch.hpp"

using namespace cordis;
using ecg::CellState;
using scratch::message;
using scratch::says;

namespace {

CellState example() {
  CellState state;
  state.rows = {{.epoch = 1, .train_loss = 0.1 + 0.2}, {.epoch = 2, .train_loss = 1.0 / 3}};
  state.seconds = {0.5, 1.0 / 7};
  state.kept = {{"first", 1, {0.1F, 0.2F, 0.3F}}, {"best_auroc", 2, {1, 0, 1.0F / 3}}};
  state.selected = {{"w", Tensor::of({2}, std::vector<float>{1.5F, -0.0F})}};
  return state;
}

const ecg::TestSet kTest{{"r,0", "r1", "r2"}, {"A"}, {1, 0, 1}};

}  // namespace

TEST_CASE("state: net, optimizer, generator and all that epochs have given come back") {
  const scratch::Folder folder;
  seed(1);
  Linear net(3, 2);
  SGD sgd(net, {.lr = 0.1, .momentum = 0.9});
  ecg::write_cell_state(folder.path / "c", checkpoint_of(net, sgd), example(), kTest);
  const auto generator = default_generator();
  seed(2);
  Linear other(3, 2);
  SGD another(other, {.lr = 0.1, .momentum = 0.9});
  const auto state = ecg::read_cell_state(folder.path / "c", other, another, kTest);
  CHECK(state.epochs_done() == 2);
  CHECK(state.rows[0].train_loss == 0.1 + 0.2);
  CHECK(state.rows[1].epoch == 2);
  CHECK(state.seconds == example().seconds);
  REQUIRE(state.kept.size() == 2);
  CHECK(state.kept[1].at == "best_auroc");
  CHECK(state.kept[1].epoch == 2);
  CHECK(state.kept[1].probability == example().kept[1].probability);
  CHECK(safetensors_bytes(state.selected) == safetensors_bytes(example().selected));
  CHECK(safetensors_bytes(state_dict(other)) == safetensors_bytes(state_dict(net)));
  CHECK(default_generator().seed() == generator.seed());
  CHECK(default_generator().offset() == generator.offset());
}

TEST_CASE("state: without predictions it fits any test set; with them only their own") {
  const scratch::Folder folder;
  Linear net(3, 2);
  SGD sgd(net, {.lr = 0.1});
  const auto path = folder.path / "c";
  const auto refused = [&](const ecg::TestSet& test) {
    return message([&] { ecg::read_cell_state(path, net, sgd, test); });
  };
  const ecg::TestSet other{{"x"}, {"A"}, {1}};
  ecg::write_cell_state(path, checkpoint_of(net, sgd), {}, kTest);
  CHECK(refused(other).empty());
  ecg::write_cell_state(path, checkpoint_of(net, sgd), example(), kTest);
  CHECK(refused(kTest).empty());
  CHECK(says(refused(other), {path.string(), "another test set"}));
  CHECK(says(refused({kTest.records, {"B"}, kTest.truth}), {path.string(), "(epochs):1", "columns are"}));
}

TEST_CASE("state: each part that is missing is named") {
  const scratch::Folder folder;
  Linear net(3, 2);
  SGD sgd(net, {.lr = 0.1});
  const auto path = folder.path / "c";
  ecg::write_cell_state(path, checkpoint_of(net, sgd), example(), kTest);
  const Checkpoint good = read_checkpoint(path);
  for (const char* key : {"epochs", "predictions", "timing"}) {
    Checkpoint bad = good;
    bad.metadata.erase(key);
    write_checkpoint(path, bad);
    CHECK(says(message([&] { ecg::read_cell_state(path, net, sgd, kTest); }),
               {path.string(), concat("no ", key)}));
    bad.metadata[key] = "what\n";
    write_checkpoint(path, bad);
    CHECK(says(message([&] { ecg::read_cell_state(path, net, sgd, kTest); }),
               {path.string(), concat("(", key, "):1"), "columns are what"}));
  }
}
