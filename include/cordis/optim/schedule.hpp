// cordis/optim/schedule.hpp: learning rates over epochs: StepLR, CosineAnnealingLR, ReduceLROnPlateau
// As PyTorch's torch.optim.lr_scheduler: call step() once an epoch, after the optimizer's steps.
#pragma once

#include <cmath>
#include <cordis/nn/module.hpp>
#include <cordis/optim/optimizer.hpp>
#include <limits>
#include <numbers>

namespace cordis::inline CORDIS_ABI {

// Of StepLR.
struct StepLROptions {
  std::int64_t step_size = 1;
  double gamma = 0.1;
};

// lr *= gamma every step_size epochs.
class StepLR {
 public:
  // Throws where step_size is below 1.
  explicit StepLR(const StepLROptions& options) : options_(options) {
    CORDIS_CHECK(options.step_size >= 1, "[StepLR] step_size ", options.step_size, " is not at least 1");
  }
  // After an epoch: changes every group's lr.
  template <Optimizer O>
  void step(O& optimizer) {
    if (++epoch_ % options_.step_size == 0)
      for (auto& group : optimizer.groups()) group.options.lr *= options_.gamma;
  }
  // what restore() takes
  StateDict state() const { return {{"epoch", Tensor::scalar<std::int64_t>(epoch_)}}; }
  void restore(const StateDict& state);  // throws where `state` lacks what it needs

 private:
  StepLROptions options_;
  std::int64_t epoch_ = 0;
};

// Of CosineAnnealingLR.
struct CosineAnnealingLROptions {
  std::int64_t T_max = 1;
  double eta_min = 0;
};

// From the first lr to eta_min over T_max epochs along half a cosine, and back over the next T_max, by the
// recursion
//   lr_t = eta_min + (lr_(t-1) - eta_min) (1 + cos(pi t / T_max)) / (1 + cos(pi (t - 1) / T_max)).
class CosineAnnealingLR {
 public:
  // Throws where T_max is below 1.
  explicit CosineAnnealingLR(const CosineAnnealingLROptions& options) : options_(options) {
    CORDIS_CHECK(options.T_max >= 1, "[CosineAnnealingLR] T_max ", options.T_max, " is not at least 1");
  }
  // After an epoch: changes every group's lr, from the one it had at the first call.
  template <Optimizer O>
  void step(O& optimizer) {
    if (base_.empty())
      for (const auto& group : optimizer.groups()) base_.push_back(group.options.lr);
    CORDIS_CHECK(base_.size() == optimizer.groups().size(), "[CosineAnnealingLR] made for ", base_.size(),
                 " groups, the optimizer has ", optimizer.groups().size());
    ++epoch_;
    const double angle = std::numbers::pi / static_cast<double>(options_.T_max);
    for (std::size_t g = 0; g < base_.size(); ++g) {
      double& lr = optimizer.groups()[g].options.lr;
      if ((epoch_ - 1 - options_.T_max) % (2 * options_.T_max) ==
          0)  // leaving the minimum: the ratio is 0 / 0
        lr += (base_[g] - options_.eta_min) * (1 - std::cos(angle)) / 2;
      else
        lr = (1 + std::cos(angle * static_cast<double>(epoch_))) /
                 (1 + std::cos(angle * static_cast<double>(epoch_ - 1))) * (lr - options_.eta_min) +
             options_.eta_min;
    }
  }
  // What restore() takes.
  StateDict state() const {
    return {{"epoch", Tensor::scalar<std::int64_t>(epoch_)},
            {"base", Tensor::of({static_cast<std::int64_t>(base_.size())}, base_)}};
  }
  void restore(const StateDict& state);  // throws where `state` lacks what it needs

 private:
  CosineAnnealingLROptions options_;
  std::int64_t epoch_ = 0;
  std::vector<double> base_;
};

// Of ReduceLROnPlateau; PyTorch's.
struct ReduceLROnPlateauOptions {
  // Whether a lower or a higher metric is better.
  enum class Mode { min, max };
  Mode mode = Mode::min;
  double factor = 0.1;
  std::int64_t patience = 10;  // epochs without improvement that are let pass
  double threshold = 1e-4;
  // The threshold is a share of the best, or a difference.
  enum class ThresholdMode { rel, abs };
  ThresholdMode threshold_mode = ThresholdMode::rel;
  std::int64_t cooldown = 0;  // epochs after a reduction in which none count
  double min_lr = 0;
  double eps = 1e-8;  // a smaller change of lr is not made
};

// lr *= factor where the metric has not improved for more than `patience` epochs.
class ReduceLROnPlateau {
 public:
  using Mode = ReduceLROnPlateauOptions::Mode;                    // of the options
  using ThresholdMode = ReduceLROnPlateauOptions::ThresholdMode;  // of the options

  // Throws where factor is not below 1, or patience or cooldown is negative.
  explicit ReduceLROnPlateau(const ReduceLROnPlateauOptions& options)
      : options_(options),
        best_((options.mode == Mode::min ? 1 : -1) * std::numeric_limits<double>::infinity()) {
    CORDIS_CHECK(options.factor < 1, "[ReduceLROnPlateau] factor ", options.factor, " is not below 1");
    CORDIS_CHECK(options.patience >= 0 && options.cooldown >= 0, "[ReduceLROnPlateau] patience ",
                 options.patience, ", cooldown ", options.cooldown, ": neither may be negative");
  }
  // After an epoch, with what validation gave.
  template <Optimizer O>
  void step(O& optimizer, double metric) {
    if (better(metric)) {
      best_ = metric;
      bad_ = 0;
    } else {
      ++bad_;
    }
    if (cooling_ > 0) {
      --cooling_;
      bad_ = 0;
    }
    if (bad_ <= options_.patience) return;
    for (auto& group : optimizer.groups()) {
      const double lr = std::max(group.options.lr * options_.factor, options_.min_lr);
      if (group.options.lr - lr > options_.eps) group.options.lr = lr;
    }
    cooling_ = options_.cooldown;
    bad_ = 0;
  }
  // What restore() takes.
  StateDict state() const {
    return {{"best", Tensor::scalar<double>(best_)},
            {"bad", Tensor::scalar<std::int64_t>(bad_)},
            {"cooling", Tensor::scalar<std::int64_t>(cooling_)}};
  }
  void restore(const StateDict& state);  // throws where `state` lacks what it needs

 private:
  bool better(double metric) const {
    const double sign = options_.mode == Mode::min ? -1 : 1;
    const double margin = options_.threshold_mode == ThresholdMode::rel
                              ? best_ * (1 + sign * options_.threshold)
                              : best_ + sign * options_.threshold;
    return options_.mode == Mode::min ? metric < margin : metric > margin;
  }

  ReduceLROnPlateauOptions options_;
  double best_;
  std::int64_t bad_ = 0, cooling_ = 0;
};

namespace detail {
inline const Tensor& schedule_entry(const StateDict& state, const char* name) {
  for (const auto& [key, tensor] : state)
    if (key == name) return tensor;
  fail("[schedule] the state has no \"", name, "\"");
}
}  // namespace detail

inline void StepLR::restore(const StateDict& state) {
  epoch_ = detail::schedule_entry(state, "epoch").item<std::int64_t>();
}
inline void CosineAnnealingLR::restore(const StateDict& state) {
  const auto base = detail::schedule_entry(state, "base").values<double>();
  epoch_ = detail::schedule_entry(state, "epoch").item<std::int64_t>();
  base_.assign(base.begin(), base.end());
}
inline void ReduceLROnPlateau::restore(const StateDict& state) {
  const double best = detail::schedule_entry(state, "best").item();
  const auto bad = detail::schedule_entry(state, "bad").item<std::int64_t>();
  cooling_ = detail::schedule_entry(state, "cooling").item<std::int64_t>();
  best_ = best, bad_ = bad;
}

}  // namespace cordis::inline CORDIS_ABI
