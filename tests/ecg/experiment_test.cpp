// tests/ecg/experiment_test.cpp: a training stopped anywhere ends with the bits of one left alone
#include <doctest/doctest.h>

#include <cordis/ecg/experiment.hpp>
#include <cordis/io/atomic_file.hpp>
#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/dropout.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/op/pool1d.hpp>

#include "scratch.hpp"

using namespace cordis;
using ecg::CellData;
using ecg::CellOptions;
using scratch::message;
using scratch::says;
namespace fs = std::filesystem;

namespace {

// Buffers, and draws of its own while it trains.
struct Small {
  Linear in{3, 6};
  BatchNorm1d norm{6};
  Dropout dropout{.p = 0.3};
  Linear out{6, 2};
  static void visit(auto& m, auto&& f) {
    f("in", m.in), f("norm", m.norm), f("dropout", m.dropout), f("out", m.out);
  }
  Variable operator()(const Variable& x) const { return out(dropout(norm(in(global_avg_pool1d(x))))); }
};

Small fresh() {
  seed(77);
  return {};
}

// Class k is told by the sign of lead k, and noise.
TensorDataset records(std::int64_t n, std::uint64_t stream) {
  Generator generator(stream);
  const auto uniform = [&] { return static_cast<float>(generator.below(2001)) / 1000 - 1; };
  TensorDataset data{Tensor({n, 4, 3}), Tensor({n, 2})};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < 3; ++k) {
      const float mean = uniform();
      for (std::int64_t t = 0; t < 4; ++t) data.x.data<float>()[(i * 4 + t) * 3 + k] = mean + uniform() / 2;
      if (k < 2) data.y.data<float>()[i * 2 + k] = mean > 0 ? 1.0F : 0.0F;
    }
  return data;
}

CellData cell_data(std::int64_t validation = 7, std::int64_t test = 9) {
  CellData data{.train = records(13, 1), .validation = {}, .test = {}, .names = {{}, {"A", "B"}, {}}};
  if (validation) data.validation = records(validation, 2);
  if (test) data.test = records(test, 3);
  for (std::int64_t i = 0; i < test; ++i) {
    data.names.records.push_back(concat("r", i));
    for (std::int64_t k = 0; k < 2; ++k) data.names.truth.push_back(data.test.y.data<float>()[i * 2 + k] > 0);
  }
  return data;
}

// Every file but timing.csv, by name.
std::map<std::string, std::string> files(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename() != ecg::kTimingFile)
      out[entry.path().filename().string()] = read_file(entry.path());
  return out;
}

CellOptions options(const fs::path& folder) {
  return {.folder = folder,
          .epochs = 6,
          .batch = 4,
          .lr = 0.05,
          .seed = 5,
          .checkpoint_seconds = 0,
          .metadata = {{"note", "x"}}};
}

struct Stop {};

}  // namespace

TEST_CASE(
    "experiment: stopped in any batch or after any epoch and started again, a training keeps its bits") {
  const scratch::Folder alone;
  const CellData data = cell_data();
  Small net = fresh();
  ecg::run_cell(net, data, options(alone.path));
  const auto wanted = files(alone.path);
  CHECK(wanted.size() == 4);  // done, epochs.csv, predictions.csv, weights.safetensors
  CHECK(ecg::finished(alone.path));

  for (const bool every_epoch : {true, false}) {
    const scratch::Folder folder;
    CellOptions o = options(folder.path);
    if (!every_epoch) o.checkpoint_seconds = 1e9;  // then each start begins again
    int stops = 0, resumed = -1;
    for (int stop = 1; stop < (every_epoch ? 22 : 5) && !ecg::finished(folder.path); ++stop) {
      Small part = fresh();
      default_generator() = Generator(static_cast<std::uint64_t>(stop));  // nothing may hang on it
      int left = 1 + stop % 5;  // three full batches an epoch: the last record is left out
      try {
        ecg::run_cell(part, data, o,
                      {.resumed = [&](int done) { resumed = done; },
                       .batch =
                           [&](int, std::int64_t, double) {
                             if (stop % 2 && --left == 0) throw Stop{};
                           },
                       .epoch =
                           [&](const ecg::EpochRow&, double) {
                             if (stop % 2 == 0) throw Stop{};
                           }});
      } catch (const Stop&) {
        ++stops;
      }
    }
    CHECK(stops >= 4);
    CHECK((resumed > 0) == every_epoch);
    Small last = fresh();
    if (!ecg::finished(folder.path)) ecg::run_cell(last, data, o);
    CHECK(files(folder.path) == wanted);
  }
}

TEST_CASE(
    "experiment: the epoch kept is the one that validation chose, and every moment's scores are its "
    "epoch's") {
  const scratch::Folder folder;
  const CellData data = cell_data();
  Small net = fresh();
  ecg::run_cell(net, data, options(folder.path));
  const auto result = ecg::read_cell(folder.path, {.model = "small"}, {"A", "B"});
  REQUIRE(result.epochs.size() == 6);
  CHECK(result.test.records == data.names.records);
  CHECK(result.test.truth == data.names.truth);
  std::size_t chosen = 0, best_auroc = 0, best_f1 = 0;
  for (std::size_t i = 1; i < 6; ++i) {
    const auto &v = result.epochs[i].validation, &w = result.epochs[chosen].validation;
    if (v.auroc > w.auroc || (v.auroc == w.auroc && v.loss < w.loss)) chosen = i;
    if (result.epochs[i].test.auroc > result.epochs[best_auroc].test.auroc) best_auroc = i;
    if (result.epochs[i].test.f1_weighted > result.epochs[best_f1].test.f1_weighted) best_f1 = i;
  }
  REQUIRE(result.predictions.size() == 5);
  const std::map<std::string, std::size_t> epochs = {{"first", 0},
                                                     {"selected", chosen},
                                                     {"last", 5},
                                                     {"best_f1_weighted", best_f1},
                                                     {"best_auroc", best_auroc}};
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& p = result.predictions[i];
    CHECK(p.at == ecg::kMoments[i]);
    CHECK(p.epoch == static_cast<int>(epochs.at(p.at)) + 1);
    const Scorer scorer(p.probability, result.test.truth, 2);
    const auto& row = result.epochs[epochs.at(p.at)].test;
    CHECK(scorer(Metric::auroc) == row.auroc);
    CHECK(scorer(Metric::f1_weighted) == row.f1_weighted);
    CHECK(scorer.f1(1) == row.class_f1[1]);
  }
  // The weights are that epoch's: they give its predictions.
  Small kept = fresh();
  load(kept, folder.path / ecg::kWeightsFile);
  CHECK(read_safetensors(folder.path / ecg::kWeightsFile).metadata.at("note") == "x");
  const auto p = probabilities(evaluate(kept, data.test, 3).logits);
  const auto& said = result.predictions[1].probability;
  CHECK(std::vector<float>(p.values<float>().begin(), p.values<float>().end()) == said);
}

TEST_CASE("experiment: weights of the last epoch, or none; no validation, no test") {
  const CellData data = cell_data();
  const scratch::Folder last, none, bare;
  CellOptions o = options(last.path);
  o.keep = ecg::KeepWeights::last;
  Small net = fresh();
  ecg::run_cell(net, data, o);
  Small kept = fresh();
  load(kept, last.path / ecg::kWeightsFile);
  CHECK(std::ranges::equal(kept.in.weight.value().values<float>(), net.in.weight.value().values<float>()));

  o = options(none.path);
  o.keep = ecg::KeepWeights::none;
  Small second = fresh();
  ecg::run_cell(second, data, o);
  CHECK(!fs::exists(none.path / ecg::kWeightsFile));

  Small third = fresh();
  ecg::run_cell(third, cell_data(0, 0), options(bare.path));
  const auto result = ecg::read_cell(bare.path, {}, {"A", "B"});
  CHECK(result.predictions.empty());
  CHECK(std::isnan(result.epochs[5].test.auroc));
  CHECK(!std::isnan(result.epochs[5].train_loss));
  Small loaded = fresh();
  load(loaded, bare.path / ecg::kWeightsFile);
  CHECK(std::ranges::equal(loaded.out.weight.value().values<float>(),
                           third.out.weight.value().values<float>()));
}

TEST_CASE(
    "experiment: a checkpoint of another net, of other records or cut short is refused and changes nothing") {
  const scratch::Folder folder;
  const CellData data = cell_data();
  const auto stop_after = [&](int epoch) {
    Small net = fresh();
    try {
      ecg::run_cell(net, data, options(folder.path), {.epoch = [&](const ecg::EpochRow& row, double) {
                      if (row.epoch == epoch) throw Stop{};
                    }});
    } catch (const Stop&) {
    }
  };
  stop_after(3);
  const auto path = folder.path / ecg::kCheckpointFile;
  REQUIRE(fs::exists(path));
  const auto before = read_file(path);

  Small wider = fresh();
  wider.in = Linear(3, 7), wider.norm = BatchNorm1d(7), wider.out = Linear(7, 2);
  const auto untouched = clone(state_dict(wider));
  CHECK(!message<std::invalid_argument>([&] { ecg::run_cell(wider, data, options(folder.path)); }).empty());
  for (std::size_t i = 0; i < untouched.size(); ++i)
    CHECK(std::memcmp(untouched[i].tensor.raw(), state_dict(wider)[i].tensor.raw(),
                      untouched[i].tensor.bytes()) == 0);

  CellData other = data;
  other.names.records[2] = "another";
  Small net = fresh();
  const auto refused = [&](const CellData& with) {
    return message([&] { ecg::run_cell(net, with, options(folder.path)); });
  };
  CHECK(says(refused(other), {"checkpoint.safetensors", "another test set"}));
  other = data;
  other.names.truth[0] ^= 1;
  CHECK(says(refused(other), {"checkpoint.safetensors", "another test set"}));
  other = data;
  other.names.classes = {"A", "C"};
  CHECK(says(refused(other), {"checkpoint.safetensors", "columns are"}));
  CHECK(read_file(path) == before);

  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, before.size() - 1}) {
    atomic_write(path, before.substr(0, size));
    CHECK(says(refused(data), {"checkpoint.safetensors"}));
  }
  write_safetensors(path, state_dict(net));
  CHECK(says(refused(data), {"checkpoint.safetensors", "does not belong into a checkpoint"}));
  write_checkpoint(path, {state_dict(net), Adam(net, {}).state(), Generator(1), {}, {}});
  CHECK(says(refused(data), {"checkpoint.safetensors", "no epochs"}));

  atomic_write(path, before);
  int resumed = 0;
  ecg::run_cell(net, data, options(folder.path), {.resumed = [&](int done) { resumed = done; }});
  CHECK(resumed == 3);
  CHECK(ecg::finished(folder.path));
}

TEST_CASE(
    "experiment: Stopped leaves the state of the last whole epoch, from which the training ends as one left "
    "alone") {
  const scratch::Folder alone, folder;
  const CellData data = cell_data();
  Small net = fresh();
  ecg::run_cell(net, data, options(alone.path));
  CellOptions o = options(folder.path);
  o.checkpoint_seconds = 1e9;  // so that it is the stop that saves
  int resumed = 0;
  for (const int stop : {1, 3, 0}) {
    Small part = fresh();
    const auto batch = [&](int epoch, std::int64_t, double) {
      if (epoch == stop) throw ecg::Stopped("asked to");
    };
    CHECK(message<ecg::Stopped>([&] {
            ecg::run_cell(part, data, o, {.resumed = [&](int done) { resumed = done; }, .batch = batch});
          }) == (stop ? "asked to" : ""));
    CHECK(fs::exists(folder.path / ecg::kCheckpointFile) == (stop == 3));
  }
  CHECK(resumed == 2);
  CHECK(files(folder.path) == files(alone.path));
}

TEST_CASE("experiment: a loss that is not finite stops with epoch and batch, and keeps the last good state") {
  const scratch::Folder folder, good;
  const CellData data = cell_data();
  // What the checkpoint is to hold: the state after epoch 2, and nothing of the bad epoch.
  for (const auto* at : {&good, &folder}) {
    Small net = fresh();
    CellOptions o = options(at->path);
    if (at == &folder) o.checkpoint_seconds = 1e9;  // so that it is the failure that saves
    const auto text = message<NonFiniteLoss>([&] {
      try {
        ecg::run_cell(net, data, o,
                      {.batch =
                           [&](int epoch, std::int64_t, double) {
                             if (at == &folder && epoch == 3)
                               net.out.weight.value().data<float>()[0] =
                                   std::numeric_limits<float>::infinity();
                           },
                       .epoch =
                           [&](const ecg::EpochRow& row, double) {
                             if (at == &good && row.epoch == 2) throw Stop{};
                           }});
      } catch (const Stop&) {
      }
    });
    if (at == &folder) CHECK(says(text, {"epoch 3, batch 2 of 3", "the loss is"}));
  }
  const auto a = read_checkpoint(good.path / ecg::kCheckpointFile);
  const auto b = read_checkpoint(folder.path / ecg::kCheckpointFile);
  const auto same = [](const StateDict& x, const StateDict& y) {
    bool all = x.size() == y.size();
    for (std::size_t i = 0; all && i < x.size(); ++i)
      all = x[i].name == y[i].name && x[i].tensor.bytes() == y[i].tensor.bytes() &&
            std::memcmp(x[i].tensor.raw(), y[i].tensor.raw(), x[i].tensor.bytes()) == 0;
    return all;
  };
  CHECK(same(a.net, b.net));
  CHECK(same(a.optimizer, b.optimizer));
  CHECK(same(a.more, b.more));
  CHECK(a.metadata.at("epochs") == b.metadata.at("epochs"));
  CHECK(a.metadata.at("predictions") == b.metadata.at("predictions"));
  CHECK(!ecg::finished(folder.path));

  // Both go on from there to the same end.
  for (const auto* at : {&good, &folder}) {
    Small net = fresh();
    ecg::run_cell(net, data, options(at->path));
  }
  CHECK(files(good.path) == files(folder.path));

  const scratch::Folder first;
  Small net = fresh();
  net.in.bias.value().data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(says(message<NonFiniteLoss>([&] { ecg::run_cell(net, data, options(first.path)); }),
             {"epoch 1, batch 1"}));
  CHECK(!fs::exists(first.path / ecg::kCheckpointFile));
}

TEST_CASE("experiment: an epoch beats the earlier ones only if it is strictly better; undefined never does") {
  const auto score = [](const ecg::EpochRow& row) { return std::pair(row.test.auroc, -row.test.loss); };
  const auto row = [](double auroc, double loss) {
    ecg::EpochRow r;
    r.test.auroc = auroc, r.test.loss = loss;
    return r;
  };
  const std::vector<ecg::EpochRow> earlier = {row(0.7, 0.3), row(kUndefined, 0.1), row(0.6, 0.2)};
  CHECK(ecg::detail::beats(earlier, row(0.71, 9), score));
  CHECK(ecg::detail::beats(earlier, row(0.7, 0.29), score));
  CHECK(!ecg::detail::beats(earlier, row(0.7, 0.3), score));
  CHECK(!ecg::detail::beats(earlier, row(0.69, 0.0), score));
  CHECK(!ecg::detail::beats(earlier, row(kUndefined, 0), score));
  CHECK(ecg::detail::beats({}, row(0, 9), score));
  ecg::Scores s;
  s.loss = 2, s.auroc = 0.6, s.f1_weighted = 0.4, s.f1_macro = 0.3;
  CHECK(ecg::detail::selection_score(s, ecg::SelectBy::loss) == -2);
  CHECK(ecg::detail::selection_score(s, ecg::SelectBy::auroc) == 0.6);
  CHECK(ecg::detail::selection_score(s, ecg::SelectBy::f1_weighted) == 0.4);
  CHECK(ecg::detail::selection_score(s, ecg::SelectBy::f1_macro) == 0.3);
  CHECK(std::isnan(ecg::detail::selection_score(s, static_cast<ecg::SelectBy>(9))));
}
