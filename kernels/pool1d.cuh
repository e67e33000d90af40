// kernels/pool1d.cuh: maximum over windows, mean over the record
#pragma once

#include <cordis/cuda/pool1d.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

struct PoolSizes {
  std::int64_t L, C, L_out, kernel, stride, padding, dilation;
  PoolSizes(const Tensor& x, const Tensor& y, const MaxPool1dOptions& o)
      : L(x.size(1)),
        C(x.size(2)),
        L_out(y.size(1)),
        kernel(o.kernel),
        stride(o.stride),
        padding(o.padding),
        dilation(o.dilation) {}
};

template <class T, class Place>
__global__ void __launch_bounds__(kBlock)
    max_pool_kernel(T* y, Place* winner, const T* x, std::int64_t n, PoolSizes s) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const std::int64_t c = i % s.C, o = i / s.C % s.L_out, record = i / s.C / s.L_out;
    const T* from = x + record * s.L * s.C + c;
    T best{};
    std::int64_t at = -1;
    for (std::int64_t k = 0; k < s.kernel; ++k) {
      const std::int64_t l = o * s.stride - s.padding + k * s.dilation;
      if (l < 0 || l >= s.L) continue;
      const T v = from[l * s.C];
      if (at < 0 || v > best || v != v) best = v, at = k;
    }
    y[i] = best;
    if (winner) winner[i] = static_cast<Place>(at);
  }
}

// Sample l of a record sums dy over the windows it won, the first window first.
template <class T, class Place>
__global__ void __launch_bounds__(kBlock)
    max_pool_backward_kernel(T* dx, const T* dy, const Place* winner, std::int64_t n, PoolSizes s) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const std::int64_t c = i % s.C, l = i / s.C % s.L + s.padding, record = i / s.C / s.L;
    T sum{0};
    for (std::int64_t k = s.kernel - 1; k >= 0; --k) {
      const std::int64_t from = l - k * s.dilation, o = from / s.stride;
      if (from < 0 || from % s.stride != 0 || o >= s.L_out) continue;
      const std::int64_t at = (record * s.L_out + o) * s.C + c;
      if (winner[at] == static_cast<Place>(k)) sum += dy[at];
    }
    dx[i] = sum;
  }
}

template <class T>
__global__ void __launch_bounds__(kBlock)
    global_avg_kernel(T* y, const T* x, std::int64_t n, std::int64_t L, std::int64_t C) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const T* from = x + i / C * L * C + i % C;
    T sum{0};
    for (std::int64_t l = 0; l < L; ++l) sum += from[l * C];
    y[i] = sum / static_cast<T>(L);
  }
}
template <class T>
__global__ void __launch_bounds__(kBlock)
    global_avg_backward_kernel(T* dx, const T* dy, std::int64_t n, std::int64_t L, std::int64_t C) {
  for (std::int64_t i = first_element(); i < n; i += element_step())
    dx[i] = dy[i / C / L * C + i % C] / static_cast<T>(L);
}

}  // namespace detail

void max_pool1d_forward(Cuda device, Tensor& y, const Storage& winner, const Tensor& x,
                        const MaxPool1dOptions& options) {
  if (y.numel() == 0) return;
  dispatch_float(x.dtype(), "max_pool1d", [&]<class T>() {
    dispatch_winner(options.kernel, [&]<class Place>() {
      detail::run(device, "max_pool1d", detail::max_pool_kernel<T, Place>, detail::blocks_for(y.numel()),
                  detail::kBlock, 0, y.data<T>(), static_cast<Place*>(winner.data()), x.data<T>(), y.numel(),
                  detail::PoolSizes(x, y, options));
    });
  });
}

void max_pool1d_backward(Cuda device, Tensor& dx, const Tensor& dy, const Storage& winner,
                         const MaxPool1dOptions& options) {
  if (dx.numel() == 0) return;
  dispatch_float(dx.dtype(), "max_pool1d", [&]<class T>() {
    dispatch_winner(options.kernel, [&]<class Place>() {
      detail::run(device, "max_pool1d_backward", detail::max_pool_backward_kernel<T, Place>,
                  detail::blocks_for(dx.numel()), detail::kBlock, 0, dx.data<T>(), dy.data<T>(),
                  static_cast<const Place*>(winner.data()), dx.numel(), detail::PoolSizes(dx, dy, options));
    });
  });
}

void global_avg_pool1d_forward(Cuda device, Tensor& y, const Tensor& x) {
  if (y.numel() == 0) return;
  dispatch_float(x.dtype(), "global_avg_pool1d", [&]<class T>() {
    detail::run(device, "global_avg_pool1d", detail::global_avg_kernel<T>, detail::blocks_for(y.numel()),
                detail::kBlock, 0, y.data<T>(), x.data<T>(), y.numel(), x.size(1), x.size(2));
  });
}

void global_avg_pool1d_backward(Cuda device, Tensor& dx, const Tensor& dy) {
  if (dx.numel() == 0) return;
  dispatch_float(dy.dtype(), "global_avg_pool1d", [&]<class T>() {
    detail::run(device, "global_avg_pool1d_backward", detail::global_avg_backward_kernel<T>,
                detail::blocks_for(dx.numel()), detail::kBlock, 0, dx.data<T>(), dy.data<T>(), dx.numel(),
                dx.size(1), dx.size(2));
  });
}

}  // namespace cordis::inline CORDIS_ABI
