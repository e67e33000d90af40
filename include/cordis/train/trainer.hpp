// cordis/train/trainer.hpp: one pass over the training records, and predictions
#pragma once

#include <cmath>
#include <cordis/data/loader.hpp>
#include <cordis/nn/module.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/clip.hpp>
#include <cordis/optim/optimizer.hpp>
#include <functional>

namespace cordis::inline CORDIS_ABI {

// A loss that is NaN or infinite. Thrown before the step that would have spoilt the weights.
class NonFiniteLoss : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Of train_epoch.
struct EpochOptions {
  std::int64_t batch = 256;
  std::uint64_t seed = 0;  // the batches' order and dropout depend on (seed, epoch) alone
  std::int64_t epoch = 1;  // its number; named in errors
  double max_norm = 0;     // gradients are clipped to this norm; 0: never
};

// After each step: how many records it took, and their mean loss.
using OnBatch = std::function<void(std::int64_t records, double loss)>;
// The loss of logits and labels: bce_with_logits unless another is given.
using LossFunction = std::function<Variable(const Variable& logits, const Variable& labels)>;

// bce_with_logits: the labels are 0 and 1, several may be 1.
inline Variable default_loss(const Variable& logits, const Variable& labels) {
  return bce_with_logits(logits, labels);
}

// Trains net, where it lives, on each record once, in shuffled batches; returns the mean loss over the
// records. A last batch of one record is left out: batch norm has no variance for it. Leaves net in training
// mode.
template <Walkable Net, Optimizer O>
double train_epoch(Net& net, O& optimizer, const TensorDataset& data, const EpochOptions& options,
                   const OnBatch& on_batch = {}, const LossFunction& loss_of = default_loss) {
  train(net);
  seed(mix_seed(~options.seed, static_cast<std::uint64_t>(options.epoch)));  // the loader draws from the seed
  double sum = 0;
  std::int64_t batch = 0, records = 0;
  const Loader loader(data, {.batch = options.batch,
                             .shuffle = true,
                             .seed = options.seed,
                             .epoch = options.epoch,
                             .min_batch = std::min<std::int64_t>(2, options.batch),
                             .device = device_of(net)});
  for (const auto& [x, y] : loader) {
    const Variable loss = loss_of(net(Variable(x)), Variable(y));
    const double value = loss.value().item();
    ++batch;
    if (!std::isfinite(value))
      throw NonFiniteLoss(concat("epoch ", options.epoch, ", batch ", batch, " of ",
                                 loader.batches_per_epoch(), ": the loss is ", value));
    loss.backward();
    if (options.max_norm > 0) clip_grad_norm_(net, options.max_norm);
    optimizer.step();
    sum += value * static_cast<double>(x.size(0));
    records += x.size(0);
    if (on_batch) on_batch(x.size(0), value);
  }
  CORDIS_CHECK(records > 0, "[train_epoch] ", data.size(), " records in batches of ", options.batch,
               ": there is nothing to train on");
  return sum / static_cast<double>(records);
}

// What evaluate gives.
struct Evaluation {
  Tensor logits;      // (N, K) on the CPU, undefined for an empty dataset
  double loss = NAN;  // mean over the records
};

// In evaluation mode, without a tape. `name` starts the message of NonFiniteLoss.
template <Walkable Net>
Evaluation evaluate(Net& net, const TensorDataset& data, std::int64_t batch,
                    const std::string& name = "evaluation", const LossFunction& loss_of = default_loss) {
  Evaluation result;
  if (data.size() == 0) return result;
  eval(net);
  const NoGrad off;
  double sum = 0;
  std::int64_t done = 0;
  for (const auto& [x, y] : Loader(data, {.batch = batch, .device = device_of(net)})) {
    const Variable logits = net(Variable(x));
    const double value = loss_of(logits, Variable(y)).value().item();
    if (!std::isfinite(value))
      throw NonFiniteLoss(
          concat(name, ", records ", done + 1, " to ", done + x.size(0), ": the loss is ", value));
    if (!result.logits.defined()) result.logits = Tensor({data.size(), logits.size(1)}, logits.dtype());
    result.logits.rows(done, done + x.size(0)).copy_from(logits.value().to(Device::cpu()));
    done += x.size(0);
    sum += value * static_cast<double>(x.size(0));
  }
  result.loss = sum / static_cast<double>(done);
  return result;
}

// The logistic function of each logit, computed in double: f32, of the logits' shape.
inline Tensor probabilities(const Tensor& logits) {
  CORDIS_CHECK(logits.defined(), "[probabilities] logits are undefined: those of an empty dataset?");
  const Tensor wide = logits.to(DType::f64);
  Tensor p(logits.shape(), DType::f32);
  for (std::int64_t i = 0; i < p.numel(); ++i)
    p.data<float>()[i] = static_cast<float>(1 / (1 + std::exp(-wide.data<double>()[i])));
  return p;
}

}  // namespace cordis::inline CORDIS_ABI
