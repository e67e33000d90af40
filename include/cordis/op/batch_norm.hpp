// cordis/op/batch_norm.hpp: normalisation of each channel over batch and time
// Kernels: cordis/cpu/batch_norm.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/batch_norm.hpp>
#include <cordis/cuda/batch_norm.hpp>

namespace cordis::inline CORDIS_ABI {

struct BatchNormOptions {
  double momentum = 0.1;  // weight of the new statistics in the running ones
  double eps = 1e-5;
  bool training = true;  // batch statistics; else the running ones
  bool relu = false;     // y = max(y, 0) at the end
};

// y = (x - mean) / sqrt(var + eps) w + b per channel, plus `residual` (of x's shape) where defined, then ReLU
// where options.relu. x: (N, L, C) or (N, C); w, b: (C,) or undefined (1 and 0). In training mean and
// (biased) var are the batch's, and running_mean, running_var (C,), where defined, move towards them by
// `momentum`, the variance unbiased (divided by count - 1), as PyTorch's. In evaluation they are used.
//
// Saved: x, and y where both a residual and ReLU are there. The gradient is written over dy where nobody else
// holds it.
inline Variable batch_norm(const Variable& x, const Variable& w, const Variable& b, Tensor running_mean,
                           Tensor running_var, const BatchNormOptions& options = {},
                           const Variable& residual = {}) {
  CORDIS_CHECK(x.value().rank() == 2 || x.value().rank() == 3, "[batch_norm] x has shape ", x.shape(),
               ", (N, L, C) or (N, C) is needed");
  const Shape channels{x.size(-1)};
  const auto value = [](const Variable& v) { return v.defined() ? v.value() : Tensor{}; };
  const Tensor weight = value(w), bias = value(b), added = value(residual);
  for (const Tensor& each : {weight, bias, running_mean, running_var})
    CORDIS_CHECK(!each.defined() || (each.shape() == channels && each.dtype() == x.dtype()),
                 "[batch_norm] x is ", x.dtype(), ' ', x.shape(), ", but a per-channel tensor is ",
                 each.dtype(), ' ', each.shape(), ", not ", channels);
  CORDIS_CHECK(w.defined() == b.defined(), "[batch_norm] weight and bias come together or not at all");
  CORDIS_CHECK(running_mean.defined() == running_var.defined(),
               "[batch_norm] running mean and variance come together or not at all");
  CORDIS_CHECK(!added.defined() || (added.shape() == x.shape() && added.dtype() == x.dtype()),
               "[batch_norm] x is ", x.dtype(), ' ', x.shape(), ", but the residual is ", added.dtype(), ' ',
               added.shape());
  check_device("batch_norm", x, w, b, running_mean, running_var, residual);
  const bool batch_statistics = options.training || !running_mean.defined();
  const std::int64_t count = channels[0] ? x.value().numel() / channels[0] : 0;
  CORDIS_CHECK(!batch_statistics || count > 1 || channels[0] == 0, "[batch_norm] x has shape ", x.shape(),
               ": more than one value per channel is needed to train");
  Tensor fit({5, channels[0]}, x.dtype(), x.device()), y = empty_like(x.value());
  on(x.device(), [&](auto device) {
    if (batch_statistics)
      batch_norm_fit_batch(device, fit, running_mean, running_var, x.value(), weight, bias, options.momentum,
                           options.eps);
    else
      batch_norm_fit_running(device, fit, running_mean, running_var, weight, bias, options.eps);
    batch_norm_forward(device, y, x.value(), added, fit, options.relu);
  });
  return record("batch_norm", y, {x, w, b, residual},
                [x = x.value(), y = options.relu && added.defined() ? y : Tensor{}, fit, channels,
                 relu = options.relu, batch_statistics](const Tensor& dy, const Needs& needs) {
                  const bool branches = needs[3] && relu;  // the residual's gradient is dy masked by ReLU
                  Tensor dw(channels, x.dtype(), x.device()), db = empty_like(dw), dx, g;
                  Tensor& over = branches ? g : dx;
                  if (branches || needs[0]) over = dy.unique() && !(needs[3] && !relu) ? dy : empty_like(x);
                  if (branches && needs[0]) dx = empty_like(x);
                  on(dy.device(), [&](auto device) {
                    batch_norm_backward(device, dx, dw, db, g, dy, x, y, fit, relu, batch_statistics);
                  });
                  return Tensors{dx, needs[1] ? dw : Tensor{}, needs[2] ? db : Tensor{},
                                 !needs[3] ? Tensor{}
                                 : relu    ? g
                                           : dy};
                });
}

}  // namespace cordis::inline CORDIS_ABI
