// cordis/op/conv1d_packed.hpp: convolution in inference, its weights packed beforehand; nothing for the tape
// Kernels: cordis/cpu/conv1d_packed.hpp.
#pragma once

#include <algorithm>
#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/conv1d.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/conv1d.hpp>
#else
#include <cordis/cpu/conv1d_packed.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// A convolution's weights in the order in which kernels read them.
// w: (O, C, K); b: (O,). Copies both: later changes of w do not reach the packed weights.
inline PackedConv1d pack_conv1d(const Tensor& w, const Tensor& b, const Conv1dOptions& options = {}) {
  CORDIS_CHECK(options.dilation == 1 && options.groups == 1, "[pack_conv1d] dilation ", options.dilation,
               ", groups ", options.groups, ": both must be 1");
  CORDIS_CHECK(options.stride >= 1 && options.padding >= 0, "[pack_conv1d] stride ", options.stride,
               ", padding ", options.padding);
  CORDIS_CHECK(std::max(options.stride, options.padding) <= INT32_MAX, "[pack_conv1d] stride ",
               options.stride, ", padding ", options.padding, ": each is at most ", INT32_MAX);
  CORDIS_CHECK(w.rank() == 3 && w.numel() > 0 && b.shape() == Shape{w.size(0)} && b.dtype() == w.dtype(),
               "[pack_conv1d] w is ", w.dtype(), ' ', w.shape(), ", b ", b.dtype(), ' ', b.shape());
  return on(w.device(), [&](auto device) { return pack_conv1d(device, w, b.clone(), options); });
}

// y = conv1d(x, w, b), plus the residual, then the ReLU, where they are asked for. x: (N, L, C). No gradient
// flows: x must not want one while ops are recorded.
inline Tensor conv1d_packed(const Variable& x, const PackedConv1d& w, const Conv1dEnd& end = {}) {
  CORDIS_CHECK(!grad_enabled() || !x.requires_grad(),
               "[conv1d_packed] packed weights are for inference, but x requires a gradient");
  CORDIS_CHECK(x.value().rank() == 3 && x.size(2) == w.C, "[conv1d_packed] x has shape ", x.shape(),
               ", (N, L, ", w.C, ") is needed");
  CORDIS_CHECK(x.dtype() == w.direct.dtype(), "[conv1d_packed] x is ", x.dtype(), ", w ", w.direct.dtype());
  check_device("conv1d_packed", x, w.direct, end.residual);
  const std::int64_t room = x.size(1) + 2 * w.options.padding - w.K;
  CORDIS_CHECK(room >= 0, "[conv1d_packed] kernel spans ", w.K, " samples, but x ", x.shape(), " has ",
               x.size(1), " and ", 2 * w.options.padding, " of padding");
  Tensor y({x.size(0), room / w.options.stride + 1, w.O}, x.dtype(), x.device());
  CORDIS_CHECK(
      !end.residual.defined() || (end.residual.shape() == y.shape() && end.residual.dtype() == y.dtype()),
      "[conv1d_packed] the residual is ", end.residual.dtype(), ' ', end.residual.shape(), ", the output ",
      y.dtype(), ' ', y.shape());
  on(y.device(), [&](auto device) { conv1d_packed_forward(device, y, x.value(), w, end); });
  return y;
}

}  // namespace cordis::inline CORDIS_ABI
