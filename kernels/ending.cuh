// kernels/ending.cuh: what follows a product: bias, residual, ReLU, in one pass over the output
#pragma once

#include "device.cuh"

namespace cordis::inline CORDIS_ABI::detail {

template <int V, class T>
__global__ void __launch_bounds__(kBlock)
    finish_kernel(T* y, const T* bias, const T* residual, std::int64_t n, int C, bool relu) {
  for (std::int64_t p = first_element(); p < n / V; p += element_step()) {
    Pack<T, V> value = reinterpret_cast<Pack<T, V>*>(y)[p], add{};
    if (residual) add = reinterpret_cast<const Pack<T, V>*>(residual)[p];
    const int c = static_cast<int>(p * V % C);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      T v = value.v[k];
      if (bias) v += bias[c + k];
      if (residual) v += add.v[k];
      if (relu) v = v < 0 ? T{0} : v;
      value.v[k] = v;
    }
    reinterpret_cast<Pack<T, V>*>(y)[p] = value;
  }
}

// y (..., C) += bias (C,) + residual, of y's shape, then ReLU; bias and residual may be undefined.
template <class T>
void finish(Cuda device, Tensor& y, const Tensor& bias, const Tensor& residual, bool relu) {
  if (y.numel() == 0 || !(bias.defined() || residual.defined() || relu)) return;
  const T *b = data_or_null<T>(bias), *r = data_or_null<T>(residual);
  const int C = static_cast<int>(y.size(-1));
  constexpr int V = kPack<T>;
  if (C % V == 0 && aligned(y.raw()) && aligned(r))
    run(device, "finish", finish_kernel<V, T>, blocks_for(y.numel() / V), kBlock, 0, y.data<T>(), b, r,
        y.numel(), C, relu);
  else
    run(device, "finish", finish_kernel<1, T>, blocks_for(y.numel()), kBlock, 0, y.data<T>(), b, r, y.numel(),
        C, relu);
}

}  // namespace cordis::inline CORDIS_ABI::detail
