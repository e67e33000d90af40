// cordis/op/batch_norm.hpp: normalisation of each channel over batch and time
// Kernels: cordis/cpu/batch_norm.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/batch_norm.hpp>
#include <functional>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/batch_norm.hpp>
#else
#include <cordis/cpu/batch_norm.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// Where the rows of one batch lie with several processes: takes this one's tensor (K, C) f64, gives those of
// all as (processes, K, C), the same to each. Every process calls it the same number of times.
using BatchNormGather = std::function<Tensor(const Tensor& own)>;

// Of batch_norm.
struct BatchNormOptions {
  double momentum = 0.1;  // weight of the new statistics in the running ones
  double eps = 1e-5;
  bool training = true;         // batch statistics; else the running ones
  bool relu = false;            // y = max(y, 0) at the end
  BatchNormGather gather = {};  // where defined, the batch's statistics are those of all processes' rows
};

namespace detail {
// The sum of the parts (P, K, C) in their order: (K, C).
inline Tensor sum_of_parts(const Tensor& parts) {
  Tensor sum({parts.size(1), parts.size(2)}, parts.dtype());
  sum.copy_from(parts.rows(0, 1).reshaped(sum.shape()));
  for (std::int64_t part = 1; part < parts.size(0); ++part)
    accumulate(Cpu{}, sum, parts.rows(part, part + 1).reshaped(sum.shape()));
  return sum;
}

// fit from the statistics of the rows of all processes; returns how many there are.
inline double batch_norm_fit_gathered(Tensor& fit, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                                      const Tensor& w, const Tensor& b, const BatchNormOptions& options) {
  Tensor moments({3, fit.size(1)}, DType::f64);
  batch_norm_moments(Host{}, moments, x);
  batch_norm_merge(Host{}, moments, options.gather(moments));
  const double rows = fit.size(1) ? moments.data<double>()[0] : 0;
  CORDIS_CHECK(rows > 1 || fit.size(1) == 0, "[batch_norm] x has shape ", x.shape(), " here, and all ", rows,
               " values per channel of all processes: more than one is needed to train");
  batch_norm_fit_moments(Host{}, fit, running_mean, running_var, moments, w, b, options.momentum,
                         options.eps);
  return rows;
}
}  // namespace detail

// y = (x - mean) / sqrt(var + eps) w + b per channel, plus `residual` (of x's shape) where defined, then ReLU
// where options.relu. x: (N, L, C) or (N, C); w, b: (C,) or undefined (1 and 0). In training mean and
// (biased) var are the batch's, and running_mean, running_var (C,), where defined, move towards them by
// `momentum`, the variance unbiased (divided by count - 1), as PyTorch's. In evaluation they are used.
//
// With `gather`, on the CPU, y, dx and the running statistics are those of the one batch that all processes'
// rows make, where the loss is the sum of theirs; dw and db stay sums over this process's rows.
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
  const BatchNormGather gather = batch_statistics ? options.gather : nullptr;
  CORDIS_CHECK(!gather || x.device() == Device::cpu(), "[batch_norm] x ", x.shape(), " lives on ", x.device(),
               ": statistics over several processes are computed on the CPU alone");
  CORDIS_CHECK(!batch_statistics || gather || count > 1 || channels[0] == 0, "[batch_norm] x has shape ",
               x.shape(), ": more than one value per channel is needed to train");
  Tensor fit({5, channels[0]}, x.dtype(), x.device()), y = empty_like(x.value());
  double rows = static_cast<double>(count);
  on(x.device(), [&](auto device) {
    if (gather)
      rows =
          detail::batch_norm_fit_gathered(fit, running_mean, running_var, x.value(), weight, bias, options);
    else if (batch_statistics)
      batch_norm_fit_batch(device, fit, running_mean, running_var, x.value(), weight, bias, options.momentum,
                           options.eps);
    else
      batch_norm_fit_running(device, fit, running_mean, running_var, weight, bias, options.eps);
    batch_norm_forward(device, y, x.value(), added, fit, options.relu);
  });
  return record("batch_norm", y, {x, w, b, residual},
                [x = x.value(), y = options.relu && added.defined() ? y : Tensor{}, fit, channels,
                 relu = options.relu, batch_statistics, gather, rows](const Tensor& dy, const Needs& needs) {
                  const bool branches = needs[3] && relu;  // the residual's gradient is dy masked by ReLU
                  Tensor dw(channels, x.dtype(), x.device()), db = empty_like(dw), dx, g;
                  Tensor& over = branches ? g : dx;
                  if (branches || needs[0]) over = dy.unique() && !(needs[3] && !relu) ? dy : empty_like(x);
                  if (branches && needs[0]) dx = empty_like(x);
                  if (gather) {
                    Tensor sums({2, channels[0]}, DType::f64);
                    batch_norm_gradient_sums(Host{}, sums, g, dy, x, y, fit, relu);
                    batch_norm_affine_gradient(Host{}, dw, db, sums, fit);
                    if (dx.defined())
                      batch_norm_input_gradient(Host{}, dx, g, dy, x, y, fit, relu,
                                                detail::sum_of_parts(gather(sums)), rows);
                  } else {
                    on(dy.device(), [&](auto device) {
                      batch_norm_backward(device, dx, dw, db, g, dy, x, y, fit, relu, batch_statistics);
                    });
                  }
                  return Tensors{dx, needs[1] ? dw : Tensor{}, needs[2] ? db : Tensor{},
                                 !needs[3] ? Tensor{}
                                 : relu    ? g
                                           : dy};
                });
}

}  // namespace cordis::inline CORDIS_ABI
