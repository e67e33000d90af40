// kernels/conv1d.cuh: 1-D convolution as an implicit matrix product
// Weights are packed to (O, K, C / groups), in which the patch of a channels-last record is one row: the
// layout of cuDNN's channels-last filters too.
#pragma once

#include <cordis/cuda/conv1d.hpp>

#include "columns.cuh"
#include "ending.cuh"
#include "product.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

struct ConvSizes {
  int L, C, L_out, O, K, stride, padding, dilation, group_in,
      group_out;  // group_in: channels of x in a group
};

// Row m = (n, l_out), depth (tap, channel of the group): samples of x, zero where the padding is.
template <class T>
struct PatchOperand {
  static constexpr bool kAlongDepth = true;
  const T* x;  // at the group's first channel
  ConvSizes s;
  __device__ T operator()(std::int64_t row, std::int64_t k) const {
    const int n = static_cast<int>(row / s.L_out), o = static_cast<int>(row % s.L_out),
              tap = static_cast<int>(k) / s.group_in, c = static_cast<int>(k) % s.group_in,
              l = o * s.stride - s.padding + tap * s.dilation;
    return l >= 0 && l < s.L ? x[(static_cast<std::int64_t>(n) * s.L + l) * s.C + c] : T{0};
  }
};
// The same patches with columns (tap, channel) and depth (n, l_out).
template <class T>
struct PatchColumnOperand {
  static constexpr bool kAlongDepth = false;
  PatchOperand<T> patches;
  __device__ T operator()(std::int64_t column, std::int64_t k) const { return patches(k, column); }
};
// Row (n, l), depth (tap, output channel of the group): the gradient of the output sample that sample l
// reached through the tap.
template <class T>
struct GradientOperand {
  static constexpr bool kAlongDepth = true;
  const T* dy;  // at the group's first channel
  ConvSizes s;
  __device__ T operator()(std::int64_t row, std::int64_t k) const {
    const int n = static_cast<int>(row / s.L), l = static_cast<int>(row % s.L),
              tap = static_cast<int>(k) / s.group_out, o = static_cast<int>(k) % s.group_out,
              at = l + s.padding - tap * s.dilation;
    if (at < 0 || at % s.stride != 0 || at / s.stride >= s.L_out) return T{0};
    return dy[(static_cast<std::int64_t>(n) * s.L_out + at / s.stride) * s.O + o];
  }
};
// Column c, depth (tap, output channel): the packed weight.
template <class T>
struct WeightOperand {
  static constexpr bool kAlongDepth = false;
  const T* w;  // at the group's first output channel
  ConvSizes s;
  __device__ T operator()(std::int64_t c, std::int64_t k) const {
    const std::int64_t tap = k / s.group_out, o = k % s.group_out;
    return w[(o * s.K + tap) * s.group_in + c];
  }
};

// to (O, K, C) of from (O, C, K).
template <class T>
__global__ void __launch_bounds__(kBlock)
    swap_last_axes_kernel(T* to, const T* from, std::int64_t n, int C, int K) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const std::int64_t c = i % C, k = i / C % K, o = i / C / K;
    to[i] = from[(o * C + c) * K + k];
  }
}
template <class T>
void swap_last_axes(Cuda device, T* to, const T* from, std::int64_t O, std::int64_t C, std::int64_t K) {
  if (O * C * K == 0) return;
  run(device, "swap_last_axes", swap_last_axes_kernel<T>, blocks_for(O * C * K), kBlock, 0, to, from,
      O * C * K, static_cast<int>(C), static_cast<int>(K));
}
// Weights (O, C, K) as (O, K, C).
template <class T>
Tensor packed_weights(Cuda device, const Tensor& w) {
  Tensor packed({w.size(0), w.size(2), w.size(1)}, w.dtype(), w.device());
  swap_last_axes(device, packed.data<T>(), w.data<T>(), w.size(0), w.size(1), w.size(2));
  return packed;
}

// One call: x (N, L, C), w packed, y (N, L_out, O); one of them is written.
template <class T>
struct ConvCall {
  Cuda device;
  ConvSizes s;
  std::int64_t N, groups;

  ConvCall(Cuda on, const Tensor& x, const Tensor& y, std::int64_t K, const Conv1dOptions& o) : device(on) {
    const auto small = [](std::int64_t value) {
      CORDIS_CHECK(value <= INT32_MAX / 4, "[conv1d] an extent of ", value, " is more than the kernels take");
      return static_cast<int>(value);
    };
    N = x.size(0), groups = o.groups;
    s = {small(x.size(1)),           small(x.size(2)),  small(y.size(1)),
         small(y.size(2)),           small(K),          small(o.stride),
         small(o.padding),           small(o.dilation), small(x.size(2) / o.groups),
         small(y.size(2) / o.groups)};
    small(K * s.group_in), small(K * s.group_out), small((K - 1) * o.dilation + x.size(1) + 2 * o.padding);
  }

  bool library() const { return by_library(dtype_of<T>) && N > 0; }
  void vendor(vendor::Conv1dPass pass, T* x, T* w, T* y) const {
    vendor::conv1d(device, pass,
                   {dtype_of<T>, N, s.L, s.C, s.O, s.K, s.L_out, s.stride, s.padding, s.dilation, groups}, x,
                   w, y);
  }
  void forward(T* y, const T* x, const T* w) const {
    if (library()) return vendor(vendor::Conv1dPass::forward, const_cast<T*>(x), const_cast<T*>(w), y);
    const std::int64_t depth = static_cast<std::int64_t>(s.K) * s.group_in;
    for (std::int64_t g = 0; g < groups; ++g)
      own_product(device, y + g * s.group_out, s.O, PatchOperand<T>{x + g * s.group_in, s},
                  MatrixOperand<T, false>{w + g * s.group_out * depth, depth}, N * s.L_out, s.group_out,
                  depth);
  }
  void backward_data(T* dx, const T* dy, const T* w) const {
    if (library())
      return vendor(vendor::Conv1dPass::backward_data, dx, const_cast<T*>(w), const_cast<T*>(dy));
    const std::int64_t size = static_cast<std::int64_t>(s.K) * s.group_in * s.group_out;
    for (std::int64_t g = 0; g < groups; ++g)
      own_product(device, dx + g * s.group_in, s.C, GradientOperand<T>{dy + g * s.group_out, s},
                  WeightOperand<T>{w + g * size, s}, N * s.L, s.group_in,
                  static_cast<std::int64_t>(s.K) * s.group_out);
  }
  void backward_weight(T* dw, const T* dy, const T* x) const {
    if (library())
      return vendor(vendor::Conv1dPass::backward_weight, const_cast<T*>(x), dw, const_cast<T*>(dy));
    const std::int64_t depth = static_cast<std::int64_t>(s.K) * s.group_in;
    for (std::int64_t g = 0; g < groups; ++g)
      own_product(device, dw + g * s.group_out * depth, depth,
                  MatrixOperand<T, true>{dy + g * s.group_out, s.O},
                  PatchColumnOperand<T>{{x + g * s.group_in, s}}, s.group_out, depth, N * s.L_out);
  }
};

}  // namespace detail

void conv1d_forward(Cuda device, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                    const Conv1dOptions& options) {
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const Tensor packed = detail::packed_weights<T>(device, w);
    detail::ConvCall<T>(device, x, y, w.size(2), options).forward(y.data<T>(), x.data<T>(), packed.data<T>());
    detail::finish<T>(device, y, b, {}, false);
  });
}

void conv1d_backward_data(Cuda device, Tensor& dx, const Tensor& dy, const Tensor& w,
                          const Conv1dOptions& options) {
  dispatch_float(dx.dtype(), "conv1d", [&]<class T>() {
    const Tensor packed = detail::packed_weights<T>(device, w);
    detail::ConvCall<T>(device, dx, dy, w.size(2), options)
        .backward_data(dx.data<T>(), dy.data<T>(), packed.data<T>());
  });
}

void conv1d_backward_weight(Cuda device, Tensor& dw, const Tensor& dy, const Tensor& x,
                            const Conv1dOptions& options) {
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const std::int64_t O = dw.size(0), C = dw.size(1), K = dw.size(2);
    Tensor packed({O, K, C}, dw.dtype(), dw.device());
    if (dy.numel() == 0)
      packed.fill(0);
    else
      detail::ConvCall<T>(device, x, dy, K, options)
          .backward_weight(packed.data<T>(), dy.data<T>(), x.data<T>());
    detail::swap_last_axes(device, dw.data<T>(), packed.data<T>(), O, K, C);
  });
}

void conv1d_backward_bias(Cuda device, Tensor& db, const Tensor& dy) {
  dispatch_float(dy.dtype(), "conv1d", [&]<class T>() {
    detail::column_sums<T>(device, db.data<T>(), dy.data<T>(), detail::rows_of(dy), dy.size(2));
  });
}

PackedConv1d pack_conv1d(Cuda device, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
  return dispatch_float(w.dtype(), "conv1d", [&]<class T>() {
    return PackedConv1d{w.size(0), w.size(1), w.size(2), options, detail::packed_weights<T>(device, w),
                        {},        b};
  });
}

void conv1d_packed_forward(Cuda device, Tensor& y, const Tensor& x, const PackedConv1d& w,
                           const Conv1dEnd& end) {
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    detail::ConvCall<T>(device, x, y, w.K, w.options).forward(y.data<T>(), x.data<T>(), w.direct.data<T>());
    detail::finish<T>(device, y, w.bias, end.residual, end.relu);
  });
}

}  // namespace cordis::inline CORDIS_ABI
