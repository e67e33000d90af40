// cordis/mpi/trainer.hpp: one pass over the training records by several ranks
#pragma once

#include <cordis/mpi/data_parallel.hpp>
#include <cordis/train/trainer.hpp>

namespace cordis::inline CORDIS_ABI {

// train_epoch with the same batches, of which each rank takes its rows; options, loss and number of records
// are those of whole batches, on every rank. A last batch of fewer records than ranks is left out. Dropout
// draws other numbers than on a single rank. Collective.
template <Walkable Net, class Sums, Optimizer O>
double train_epoch(DataParallel<Net, Sums>& parallel, O& optimizer, const TensorDataset& data,
                   const EpochOptions& options, const OnBatch& on_batch = {},
                   const LossFunction& loss_of = default_loss) {
  Net& net = parallel.net();
  train(net);
  const std::int64_t ranks = parallel.ranks().size();
  CORDIS_CHECK(options.batch >= ranks, "[train_epoch] batches of ", options.batch, " for ", ranks,
               " ranks: each needs a record");
  seed(mix_seed(~options.seed, static_cast<std::uint64_t>(options.epoch)) +
       static_cast<std::uint64_t>(parallel.rank()));
  const Loader loader(data, {.batch = options.batch,
                             .shuffle = true,
                             .seed = options.seed,
                             .epoch = options.epoch,
                             .min_batch = std::max(ranks, std::min<std::int64_t>(2, options.batch)),
                             .shard = parallel.shard(),
                             .device = device_of(net)});
  double sum = 0;
  std::int64_t batch = 0, records = 0;
  for (const auto& [x, y] : loader) {
    const double value = parallel.backward(loss_of(net(Variable(x)), Variable(y)), x.size(0));
    const std::int64_t all = std::min(options.batch, data.size() - batch * options.batch);
    ++batch;
    if (!std::isfinite(value))
      throw NonFiniteLoss(concat("epoch ", options.epoch, ", batch ", batch, " of ",
                                 loader.batches_per_epoch(), ": the loss is ", value));
    if (options.max_norm > 0) clip_grad_norm_(net, options.max_norm);
    optimizer.step();
    sum += value * static_cast<double>(all);
    records += all;
    if (on_batch) on_batch(all, value);
  }
  CORDIS_CHECK(records > 0, "[train_epoch] ", data.size(), " records in batches of ", options.batch,
               ": there is nothing to train on");
  return sum / static_cast<double>(records);
}

}  // namespace cordis::inline CORDIS_ABI
