// tests/mpi/data_parallel_test.cpp: several ranks take the step of one rank on the whole batch
#include <cordis/data/loader.hpp>
#include <cordis/models/recurrent.hpp>
#include <cordis/models/resnet1d.hpp>
#include <cordis/mpi/batch_norm.hpp>
#include <cordis/mpi/data_parallel.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>
#include <cordis/optim/sgd.hpp>

#include "refusal.hpp"
#include "support.hpp"

using namespace cordis;

namespace {

constexpr std::int64_t kLeads = 3, kClasses = 4, kLength = 40;

struct Training {
  std::vector<double> losses;
  StateDict net, optimizer;
};

LoaderOptions batches_of(std::int64_t batch) {
  return {
      .batch = batch, .epochs = 2, .shuffle = true, .seed = 4, .min_batch = std::min<std::int64_t>(batch, 4)};
}

StateDict copied(const StateDict& state) {
  StateDict copy;
  for (const auto& [name, tensor] : state) copy.push_back({name, tensor.clone()});
  return copy;
}

template <class Net, class O>
Training several(Net net, O make_optimizer, const TensorDataset& data, std::int64_t batch,
                 const DataParallelOptions& options = {}) {
  if (world().rank() > 0)
    walk(net, [](const std::string&, auto& leaf) {  // must come from rank 0
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Variable>) leaf.value().fill(0.25);
    });
  DataParallel parallel(net, world(), options);
  auto optimizer = make_optimizer(net);
  Training result;
  LoaderOptions loading = batches_of(batch);
  loading.shard = parallel.shard();
  for (const auto& [x, y] : Loader(data, loading)) {
    result.losses.push_back(parallel.backward(bce_with_logits(net(Variable(x)), Variable(y)), x.size(0)));
    optimizer.step();
  }
  parallel.check();
  result.net = copied(state_dict(net));
  result.optimizer = copied(state(optimizer));
  return result;
}

// One rank. Where `shards` > 1, batch norm sees the batch in that many pieces, and keeps the first one's
// statistics.
template <class Net, class O>
Training one(Net net, O make_optimizer, const TensorDataset& data, std::int64_t batch, std::int64_t shards) {
  auto optimizer = make_optimizer(net);
  Training result;
  for (const auto& [x, y] : Loader(data, batches_of(batch))) {
    double loss = 0;
    StateDict first;
    const std::int64_t n = x.size(0);
    for (std::int64_t index = 0; index < shards; ++index) {
      const Shard shard{index, shards};
      const auto cut = [&](const Tensor& t) {
        return Variable(t.rows(shard.begin(n), shard.end(n)).clone());
      };
      const Variable part = bce_with_logits(net(cut(x)), cut(y));
      if (index == 0) first = copied(state_dict(net));
      const double share = static_cast<double>(shard.end(n) - shard.begin(n)) / static_cast<double>(n);
      backward({part}, {full({}, share, DType::f64)});
      loss += share * part.value().item();
    }
    const StateDict now =
        state_dict(net);  // the values have not moved since the first shard, the buffers have
    for (std::size_t i = 0; i < now.size(); ++i) now[i].tensor.copy_from(first[i].tensor);
    optimizer.step();
    result.losses.push_back(loss);
  }
  result.net = copied(state_dict(net));
  result.optimizer = copied(state(optimizer));
  return result;
}

void check_equal(const Training& all, const Training& alone, double tolerance = 1e-10) {
  REQUIRE(all.losses.size() == alone.losses.size());
  CHECK(all.losses.size() >= 4);
  for (std::size_t i = 0; i < all.losses.size(); ++i)
    CHECK(std::abs(all.losses[i] - alone.losses[i]) < tolerance);
  const double net = apart(all.net, alone.net), optimizer = apart(all.optimizer, alone.optimizer);
  CHECK(net < tolerance);
  CHECK(optimizer < tolerance);
  if (world().rank() == 0) MESSAGE("net ", net, ", optimizer ", optimizer);
}

ResNet1d18 resnet() {
  seed(1);
  ResNet1d18 net({.leads = kLeads, .classes = kClasses, .width = 4, .fc = 8});
  to(net, DType::f64);
  return net;
}
template <class Net>
Net recurrent() {
  seed(1);
  Net net({.leads = kLeads, .classes = kClasses, .length = kLength, .hidden = 6});
  to(net, DType::f64);
  return net;
}

const auto sgd = [](const auto& net) { return SGD(net, {.lr = 0.05, .momentum = 0.9}); };
const auto adam = [](const auto& net) { return Adam(net, {.lr = 1e-2}); };

}  // namespace

TEST_CASE("data parallel: ResNet1d18, batch norm per shard, equal and unequal shards") {
  const auto data = records(20, kLength, kLeads, kClasses);
  for (const std::int64_t batch : {6, 7, 11}) {
    CAPTURE(batch);
    check_equal(several(resnet(), sgd, data, batch), one(resnet(), sgd, data, batch, world().size()));
  }
}

TEST_CASE("data parallel: ResNet1d18 with synchronised batch norm is one rank on the whole batch") {
  const auto data = records(20, kLength, kLeads, kClasses);
  for (const std::int64_t batch : {6, 7, 11})
    for (const bool broadcast : {true, false}) {
      CAPTURE(batch);
      ResNet1d18 net = resnet();
      synchronise_batch_norm(net, world());
      check_equal(several(net, sgd, data, batch, {.broadcast_buffers = broadcast}),
                  one(resnet(), sgd, data, batch, 1));
    }
}

TEST_CASE("data parallel: LSTM, BiLSTM and GRU with Adam") {
  const auto data = records(20, kLength, kLeads, kClasses);
  for (const std::int64_t batch : {6, 7}) {
    CAPTURE(batch);
    check_equal(several(recurrent<LstmClassifier>(), adam, data, batch),
                one(recurrent<LstmClassifier>(), adam, data, batch, 1));
    check_equal(several(recurrent<BiLstmClassifier>(), adam, data, batch),
                one(recurrent<BiLstmClassifier>(), adam, data, batch, 1));
    check_equal(several(recurrent<GruClassifier>(), adam, data, batch),
                one(recurrent<GruClassifier>(), adam, data, batch, 1));
  }
}

TEST_CASE("data parallel: runs repeat bit for bit, and buckets of any size give the same") {
  const auto data = records(20, kLength, kLeads, kClasses);
  const Training once = several(resnet(), sgd, data, 7);
  CHECK(apart(several(resnet(), sgd, data, 7).net, once.net) == 0);
  for (const std::int64_t bytes : {1, 1000, 20'000}) {
    CAPTURE(bytes);
    const double difference = apart(several(resnet(), sgd, data, 7, {.bucket_bytes = bytes}).net, once.net);
    CHECK(difference <= (world().size() < 3 ? 0 : 1e-12));  // three terms may be added in another order
  }
}
