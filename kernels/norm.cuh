// kernels/norm.cuh: norms of many tensors as one vector
#pragma once

#include <cordis/cuda/norm.hpp>

#include "tensors.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

// The larger, NaN where there is one.
__device__ inline double larger(double a, double b) { return a != a || a > b ? a : b; }

// partial[block] = the sum of squares, or the largest |x|, of the block's elements.
template <class T>
__global__ void __launch_bounds__(kBlock) squares_kernel(double* partial, TensorList<const T*> list) {
  __shared__ double warps[32];
  double sum = 0;
  list.for_elements([&](const T* x, std::int64_t i) {
    const double v = static_cast<double>(x[i]);
    sum += v * v;
  });
  sum = block_sum(warps, sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}
template <class T>
__global__ void __launch_bounds__(kBlock) largest_kernel(double* partial, TensorList<const T*> list) {
  __shared__ double tops[kBlock];
  double top = 0;
  list.for_elements(
      [&](const T* x, std::int64_t i) { top = larger(top, std::abs(static_cast<double>(x[i]))); });
  tops[threadIdx.x] = top;
  for (int step = kBlock / 2; step > 0; step /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < step)
      tops[threadIdx.x] = larger(tops[threadIdx.x], tops[threadIdx.x + step]);
  }
  if (threadIdx.x == 0) partial[blockIdx.x] = tops[0];
}

struct Squares {
  template <class T>
  auto kernel() const {
    return squares_kernel<T>;
  }
};
struct Largest {
  template <class T>
  auto kernel() const {
    return largest_kernel<T>;
  }
};

// Each tensor's partial results, on the CPU, block after block of all lists.
template <class Norm>
std::vector<double> partial_norms(Cuda device, const Tensors& xs, Norm norm) {
  std::vector<double> all;
  for (const DType dtype : {DType::f32, DType::f64})
    dispatch_float(dtype, "norm", [&]<class T>() {
      Tensors own;
      for (const auto& x : xs)
        if (x.dtype() == dtype) own.push_back(x);
      std::int64_t total = 0;
      for (const auto& x : own) total += (x.numel() + kChunk - 1) / kChunk;
      if (total == 0) return;
      const Tensor partial({total}, DType::f64, Device::cuda(device.index));
      std::int64_t done = 0;
      for_tensor_lists<const T*>(
          own, [](const Tensor& x) { return static_cast<const T*>(x.data<T>()); },
          [](const Tensor& x) { return x.numel(); },
          [&](const TensorList<const T*>& list, int blocks) {
            run(device, "norm", norm.template kernel<T>(), blocks, kBlock, 0, partial.data<double>() + done,
                list);
            done += blocks;
          });
      const Tensor host = partial.to(Device::cpu());
      all.insert(all.end(), host.data<double>(), host.data<double>() + total);
    });
  return all;
}

}  // namespace detail

double sum_of_squares(Cuda device, const Tensors& xs) {
  double sum = 0;
  for (const double part : detail::partial_norms(device, xs, detail::Squares{})) sum += part;
  return sum;
}

double largest(Cuda device, const Tensors& xs) {
  double top = 0;
  for (const double part : detail::partial_norms(device, xs, detail::Largest{}))
    top = part != part || part > top ? part : top;
  return top;
}

}  // namespace cordis::inline CORDIS_ABI
