// cordis/op/batch_norm.hpp: normalisation of each channel over batch and time
// Kernels: cordis/cpu/batch_norm.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/batch_norm.hpp>

namespace cordis::inline CORDIS_ABI {

struct BatchNormOptions {
  double momentum = 0.1;  // weight of the new statistics in the running ones
  double eps = 1e-5;
  bool training = true;  // batch statistics; else the running ones
};

// y = (x - mean) / sqrt(var + eps) w + b per channel. x: (N, L, C) or (N, C); w, b: (C,) or undefined (1 and
// 0). In training mean and (biased) var are the batch's, and running_mean, running_var (C,), where defined,
// move towards them by `momentum`, the variance unbiased (divided by count - 1), as PyTorch's. In evaluation
// they are used.
inline Variable batch_norm(const Variable& x, const Variable& w, const Variable& b, Tensor running_mean,
                           Tensor running_var, const BatchNormOptions& options = {}) {
  CORDIS_CHECK(x.value().rank() == 2 || x.value().rank() == 3, "[batch_norm] x has shape ", x.shape(),
               ", (N, L, C) or (N, C) is needed");
  const Shape channels{x.size(-1)};
  for (const Tensor& each :
       {w.defined() ? w.value() : Tensor{}, b.defined() ? b.value() : Tensor{}, running_mean, running_var})
    CORDIS_CHECK(!each.defined() || (each.shape() == channels && each.dtype() == x.dtype()),
                 "[batch_norm] x is ", x.dtype(), ' ', x.shape(), ", but a per-channel tensor is ",
                 each.dtype(), ' ', each.shape(), ", not ", channels);
  CORDIS_CHECK(w.defined() == b.defined(), "[batch_norm] weight and bias come together or not at all");
  CORDIS_CHECK(running_mean.defined() == running_var.defined(),
               "[batch_norm] running mean and variance come together or not at all");
  const bool batch_statistics = options.training || !running_mean.defined();
  const std::int64_t count = channels[0] ? x.value().numel() / channels[0] : 0;
  CORDIS_CHECK(!batch_statistics || count > 1 || channels[0] == 0, "[batch_norm] x has shape ", x.shape(),
               ": more than one value per channel is needed to train");
  Tensor mean(channels, x.dtype(), x.device()), rstd(channels, x.dtype(), x.device()),
      y = empty_like(x.value());
  on(x.device(), [&](auto device) {
    if (batch_statistics)
      batch_norm_statistics(device, mean, rstd, running_mean, running_var, x.value(), options.momentum,
                            options.eps);
    else
      batch_norm_running(device, mean, rstd, running_mean, running_var, options.eps);
    batch_norm_forward(device, y, x.value(), mean, rstd, w.defined() ? w.value() : Tensor{},
                       b.defined() ? b.value() : Tensor{});
  });
  return record("batch_norm", y, {x, w, b},
                [x = x.value(), mean, rstd, w = w.defined() ? w.value() : Tensor{}, batch_statistics](
                    const Tensor& dy, const Needs& needs) {
                  Tensor dx = needs[0] ? empty_like(x) : Tensor{}, dw = empty_like(mean),
                         db = empty_like(mean);
                  on(dy.device(), [&](auto device) {
                    batch_norm_backward(device, dx, dw, db, dy, x, mean, rstd, w, batch_statistics);
                  });
                  return Tensors{dx, needs[1] ? dw : Tensor{}, needs[2] ? db : Tensor{}};
                });
}

}  // namespace cordis::inline CORDIS_ABI
