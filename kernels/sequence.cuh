// kernels/sequence.cuh: the final state of each direction
#pragma once

#include <cordis/cuda/sequence.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

template <class T>
__global__ void __launch_bounds__(kBlock)
    last_state_kernel(T* y, const T* x, std::int64_t N, std::int64_t L, std::int64_t C, std::int64_t H) {
  for (std::int64_t i = first_element(); i < N * C; i += element_step()) {
    const std::int64_t n = i / C, c = i % C, l = c < H ? L - 1 : 0;
    y[i] = x[(n * L + l) * C + c];
  }
}

template <class T>
__global__ void __launch_bounds__(kBlock)
    last_state_backward_kernel(T* dx, const T* dy, std::int64_t N, std::int64_t L, std::int64_t C,
                               std::int64_t H) {
  for (std::int64_t i = first_element(); i < N * L * C; i += element_step()) {
    const std::int64_t c = i % C, l = i / C % L, n = i / C / L;
    dx[i] = l == (c < H ? L - 1 : 0) ? dy[n * C + c] : T{0};
  }
}

}  // namespace detail

void last_state_forward(Cuda device, Tensor& y, const Tensor& x, std::int64_t directions) {
  if (y.numel() == 0) return;
  dispatch_float(x.dtype(), "last_state", [&]<class T>() {
    detail::run(device, "last_state", detail::last_state_kernel<T>, detail::blocks_for(y.numel()),
                detail::kBlock, 0, y.data<T>(), x.data<T>(), x.size(0), x.size(1), x.size(2),
                x.size(2) / directions);
  });
}

void last_state_backward(Cuda device, Tensor& dx, const Tensor& dy, std::int64_t directions) {
  if (dx.numel() == 0) return;
  dispatch_float(dy.dtype(), "last_state", [&]<class T>() {
    detail::run(device, "last_state_backward", detail::last_state_backward_kernel<T>,
                detail::blocks_for(dx.numel()), detail::kBlock, 0, dx.data<T>(), dy.data<T>(), dx.size(0),
                dx.size(1), dx.size(2), dx.size(2) / directions);
  });
}

}  // namespace cordis::inline CORDIS_ABI
