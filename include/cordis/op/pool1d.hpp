// cordis/op/pool1d.hpp: maximum over windows, mean over the whole record
// Kernels: cordis/cpu/pool1d.hpp.
#pragma once

#include <algorithm>
#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/pool1d.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/pool1d.hpp>
#else
#include <cordis/cpu/pool1d.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// The largest sample of each window, by channel.
// x: (N, L, C). Returns (N, floor((L + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, C). Padding
// never wins; of equal samples the first does; NaN wins over all.
inline Variable max_pool1d(const Variable& x, MaxPool1dOptions options) {
  if (options.stride == 0) options.stride = options.kernel;
  const auto& [kernel, stride, padding, dilation] = options;
  CORDIS_CHECK(kernel >= 1 && stride >= 1 && dilation >= 1 && padding >= 0 && padding <= kernel / 2,
               "[max_pool1d] kernel ", kernel, ", stride ", stride, ", padding ", padding, ", dilation ",
               dilation, ": padding is 0 to kernel / 2, the others are at least 1");
  CORDIS_CHECK(std::max({kernel, stride, dilation}) <= INT32_MAX, "[max_pool1d] kernel ", kernel, ", stride ",
               stride, ", dilation ", dilation, ": each is at most ", INT32_MAX);
  CORDIS_CHECK(x.value().rank() == 3, "[max_pool1d] x has shape ", x.shape(), ", (N, L, C) is needed");
  const std::int64_t span = dilation * (kernel - 1) + 1, room = x.size(1) + 2 * padding - span;
  CORDIS_CHECK(room >= 0 && x.size(1) > 0, "[max_pool1d] window spans ", span, " samples, but x ", x.shape(),
               " has ", x.size(1), " and ", 2 * padding, " of padding");
  for (std::int64_t l = 0; l <= room / stride; ++l) {
    const std::int64_t start = l * stride - padding,
                       skipped = start < 0 ? (-start + dilation - 1) / dilation : 0;
    CORDIS_CHECK(skipped < kernel && start + skipped * dilation < x.size(1),
                 "[max_pool1d] the window of output sample ", l, " touches padding alone: kernel ", kernel,
                 ", padding ", padding, ", dilation ", dilation, ", x ", x.shape());
  }
  Tensor y({x.size(0), room / stride + 1, x.size(2)}, x.dtype(), x.device());
  Storage winner;
  if (grad_enabled() && x.requires_grad())
    winner = Storage(static_cast<std::size_t>(y.numel()) * winner_bytes(kernel), x.device());
  on(y.device(), [&](auto device) { max_pool1d_forward(device, y, winner, x.value(), options); });
  return record("max_pool1d", y, {x}, [winner, options, shape = x.shape()](const Tensor& dy) {
    Tensor dx(shape, dy.dtype(), dy.device());
    on(dy.device(), [&](auto device) { max_pool1d_backward(device, dx, dy, winner, options); });
    return Tensors{dx};
  });
}

// The mean over each record, by channel.
// x: (N, L, C). Returns the mean over the record (N, C).
inline Variable global_avg_pool1d(const Variable& x) {
  CORDIS_CHECK(x.value().rank() == 3 && x.size(1) > 0, "[global_avg_pool1d] x has shape ", x.shape(),
               ", (N, L, C) with L > 0 is needed");
  Tensor y({x.size(0), x.size(2)}, x.dtype(), x.device());
  on(y.device(), [&](auto device) { global_avg_pool1d_forward(device, y, x.value()); });
  return record("global_avg_pool1d", y, {x}, [shape = x.shape()](const Tensor& dy) {
    Tensor dx(shape, dy.dtype(), dy.device());
    on(dy.device(), [&](auto device) { global_avg_pool1d_backward(device, dx, dy); });
    return Tensors{dx};
  });
}

}  // namespace cordis::inline CORDIS_ABI
