// tests/mpi/trainer_test.cpp: an epoch of several ranks is an epoch of one
#include <cordis/models/resnet1d.hpp>
#include <cordis/mpi/batch_norm.hpp>
#include <cordis/mpi/trainer.hpp>
#include <cordis/optim/adam.hpp>

#include "refusal.hpp"
#include "support.hpp"

using namespace cordis;

namespace {
ResNet1d18 small_resnet() {
  seed(2);
  ResNet1d18 net({.leads = 2, .classes = 3, .width = 4, .fc = 8});
  to(net, DType::f64);
  return net;
}
}  // namespace

TEST_CASE("trainer: batches, losses and clipped steps are those of a single rank") {
  const auto data = records(26, 32, 2, 3);
  ResNet1d18 one = small_resnet(), all = small_resnet();
  synchronise_batch_norm(all, world());
  Adam one_adam(one, {.lr = 1e-3}), all_adam(all, {.lr = 1e-3});
  DataParallel parallel(all, world());
  for (const std::int64_t epoch : {1, 2, 3}) {
    const EpochOptions options{.batch = 7, .seed = 9, .epoch = epoch, .max_norm = 0.5};
    std::vector<std::pair<std::int64_t, double>> expected, seen;
    const double loss = train_epoch(one, one_adam, data, options,
                                    [&](std::int64_t n, double value) { expected.emplace_back(n, value); });
    const double mine = train_epoch(parallel, all_adam, data, options,
                                    [&](std::int64_t n, double value) { seen.emplace_back(n, value); });
    CHECK(std::abs(mine - loss) < 1e-9);
    REQUIRE(seen.size() == expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      CHECK(seen[i].first == expected[i].first);
      CHECK(std::abs(seen[i].second - expected[i].second) < 1e-9);
    }
  }
  CHECK(apart(state_dict(all), state_dict(one)) < 1e-9);
  if (world().rank() == 0) MESSAGE("net ", apart(state_dict(all), state_dict(one)));
}

TEST_CASE("trainer: a loss that is not finite ends the epoch on every rank") {
  auto data = records(8, 64, 2, 3);
  data.x.fill(std::numeric_limits<double>::infinity());
  ResNet1d18 net = small_resnet();
  DataParallel parallel(net, world());
  Adam adam(net);
  CHECK(says(refusal<NonFiniteLoss>([&] { train_epoch(parallel, adam, data, {.batch = 4}); }),
             {"epoch 1, batch 1 of 2: the loss is"}));
  CHECK(says(refusal([&] { train_epoch(parallel, adam, data, {.batch = 0}); }),
             {"[train_epoch] batches of 0"}));
}
