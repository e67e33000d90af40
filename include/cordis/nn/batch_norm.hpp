// cordis/nn/batch_norm.hpp: BatchNorm1d
#pragma once

#include <cordis/nn/module.hpp>
#include <cordis/op/batch_norm.hpp>
#include <optional>

namespace cordis::inline CORDIS_ABI {

// PyTorch's, and the gathering over processes.
struct BatchNorm1dOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // none: the running statistics are the plain average of all batches
  bool affine = true;
  bool track_running_stats = true;
  BatchNormGather gather = {};  // of several processes that train as one; synchronise_batch_norm sets it
};

// (N, L, C) or (N, C), each channel normalised over the rest.
struct BatchNorm1d {
  static constexpr const char* kName = "BatchNorm1d";
  Variable weight, bias;             // (C,)
  Tensor running_mean, running_var;  // (C,)
  Tensor num_batches_tracked;        // () i64
  BatchNorm1dOptions options;
  bool training = true;

  static void visit(auto& m, auto&& f) {
    f("weight", m.weight), f("bias", m.bias), f("running_mean", m.running_mean),
        f("running_var", m.running_var), f("num_batches_tracked", m.num_batches_tracked);
  }

  BatchNorm1d() = default;
  // Weight 1, bias 0, running mean 0 and variance 1; throws where channels or eps are negative.
  explicit BatchNorm1d(std::int64_t channels, const BatchNorm1dOptions& o = {}) : options(o) {
    CORDIS_CHECK(channels >= 0 && o.eps >= 0, "[BatchNorm1d] ", channels, " channels, eps ", o.eps);
    if (o.affine) {
      weight = Variable(ones({channels}), true);
      bias = Variable(zeros({channels}), true);
    }
    if (o.track_running_stats) {
      running_mean = zeros({channels});
      running_var = ones({channels});
      num_batches_tracked = zeros({}, DType::i64);
    }
  }

  // In training by the batch's statistics, which move the running ones; else by the running ones (Ioffe and
  // Szegedy 2015).
  Variable operator()(const Variable& x) const { return normalised(x, {}, false); }
  // relu((*this)(x)) and relu((*this)(x) + shortcut), in the same passes over memory.
  Variable relu(const Variable& x) const { return normalised(x, {}, true); }
  // x and shortcut of one shape.
  Variable add_relu(const Variable& x, const Variable& shortcut) const {
    return normalised(x, shortcut, true);
  }

 private:
  Variable normalised(const Variable& x, const Variable& shortcut, bool relu) const {
    const bool tracking = training && num_batches_tracked.defined();
    const auto count = tracking ? num_batches_tracked.item<std::int64_t>() + 1 : 1;
    const double momentum = options.momentum.value_or(1 / static_cast<double>(count));
    const Variable y = batch_norm(x, weight, bias, running_mean, running_var,
                                  {.momentum = momentum,
                                   .eps = options.eps,
                                   .training = training,
                                   .relu = relu,
                                   .gather = options.gather},
                                  shortcut);
    if (tracking) *num_batches_tracked.data<std::int64_t>() = count;
    return observed(*this, y);
  }
};

}  // namespace cordis::inline CORDIS_ABI
