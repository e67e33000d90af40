// cordis/op/conv1d.hpp: 1-D cross-correlation over channels-last records
// Kernels: cordis/cpu/conv1d.hpp.
#pragma once

#include <algorithm>
#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/conv1d.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/conv1d.hpp>
#else
#include <cordis/cpu/conv1d.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// Cross-correlation along the samples: PyTorch's conv1d.
// x: (N, L, C_in); w: (O, C_in / groups, K), PyTorch's layout; b: (O,) or undefined. Returns (N, L_out, O)
// with L_out = floor((L + 2 padding - dilation (K - 1) - 1) / stride) + 1.
//
// A NaN or an infinity in a sample reaches the windows that hold it. By Winograd's kernels of the CPU (three
// taps, stride 1, channels that fill vectors) an infinity may come out as NaN, and both reach outputs up to
// three samples further, in the same record.
inline Variable conv1d(const Variable& x, const Variable& w, const Variable& b = {},
                       const Conv1dOptions& options = {}) {
  const auto& [stride, padding, dilation, groups] = options;
  CORDIS_CHECK(stride >= 1 && padding >= 0 && dilation >= 1 && groups >= 1, "[conv1d] stride ", stride,
               ", padding ", padding, ", dilation ", dilation, ", groups ", groups,
               ": padding may be 0, the others are at least 1");
  CORDIS_CHECK(std::max({stride, padding, dilation, groups}) <= INT32_MAX, "[conv1d] stride ", stride,
               ", padding ", padding, ", dilation ", dilation, ", groups ", groups, ": each is at most ",
               INT32_MAX);
  CORDIS_CHECK(x.value().rank() == 3, "[conv1d] x has shape ", x.shape(), ", (N, L, C_in) is needed");
  CORDIS_CHECK(w.value().rank() == 3 && w.value().numel() > 0, "[conv1d] w has shape ", w.shape(),
               ", (O, C_in / groups, K) is needed");
  CORDIS_CHECK(w.size(0) % groups == 0, "[conv1d] ", w.size(0), " output channels do not divide into ",
               groups, " groups");
  CORDIS_CHECK(x.size(2) == w.size(1) * groups, "[conv1d] x has shape ", x.shape(), ", but w ", w.shape(),
               " expects ", w.size(1) * groups, " channels", detail::layout_hint(x, w.size(1) * groups));
  CORDIS_CHECK(!b.defined() || b.shape() == Shape{w.size(0)}, "[conv1d] b has shape ", b.shape(), " for w ",
               w.shape());
  CORDIS_CHECK(x.dtype() == w.dtype(), "[conv1d] x is ", x.dtype(), ", w ", w.dtype());
  CORDIS_CHECK(!b.defined() || b.dtype() == w.dtype(), "[conv1d] x is ", x.dtype(), ", w ", w.dtype(), ", b ",
               b.dtype());
  check_device("conv1d", x, w, b);
  const std::int64_t span = dilation * (w.size(2) - 1) + 1, room = x.size(1) + 2 * padding - span;
  CORDIS_CHECK(room >= 0, "[conv1d] kernel spans ", span, " samples, but x ", x.shape(), " has ", x.size(1),
               " and ", 2 * padding, " of padding");
  Tensor y({x.size(0), room / stride + 1, w.size(0)}, x.dtype(), x.device());
  on(y.device(), [&](auto device) {
    conv1d_forward(device, y, x.value(), w.value(), b.defined() ? b.value() : Tensor{}, options);
  });
  return record("conv1d", y, {x, w, b},
                [x = x.value(), w = w.value(), options](const Tensor& dy, const Needs& needs) {
                  Tensor dx = needs[0] ? empty_like(x) : Tensor{}, dw = needs[1] ? empty_like(w) : Tensor{},
                         db = needs[2] ? Tensor({w.size(0)}, w.dtype(), w.device()) : Tensor{};
                  on(dy.device(), [&](auto device) {
                    if (dx.defined()) conv1d_backward_data(device, dx, dy, w, options);
                    if (dw.defined()) conv1d_backward_weight(device, dw, dy, x, options);
                    if (db.defined()) conv1d_backward_bias(device, db, dy);
                  });
                  return Tensors{dx, dw, db};
                });
}

}  // namespace cordis::inline CORDIS_ABI
