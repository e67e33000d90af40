// kernels/device.cuh: what kernels share: launching over n elements, vectors, sums over a block
#pragma once

#include <algorithm>
#include <cordis/core/tensor.hpp>
#include <cstdint>

#include "check.hpp"
#include "launch.cuh"

namespace cordis::inline CORDIS_ABI::detail {

inline constexpr int kBlock = 256;  // threads of most kernels' blocks
inline constexpr int kMostBlocks =
    2048;  // of kernels that stride over their elements: several waves of any GPU

inline int blocks_for(std::int64_t n, std::int64_t per_block = kBlock) {
  return static_cast<int>(std::clamp<std::int64_t>((n + per_block - 1) / per_block, 1, kMostBlocks));
}

// Puts a kernel into this thread's current stream.
template <class... Parameters, class... Arguments>
void run(Cuda device, const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block,
         std::size_t shared, Arguments&&... arguments) {
  use(device);
  check(launch(kernel, grid, block, shared, current_stream(device).native(), arguments...), name);
}

__device__ inline std::int64_t first_element() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t element_step() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

// V elements that are loaded and stored at once: 16 bytes, where the address allows it.
template <class T, int V>
struct alignas(sizeof(T) * V) Pack {
  T v[V];
};
template <class T>
inline constexpr int kPack = 16 / sizeof(T);

inline bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

// y[i] = op(in[i] ...), V elements a thread; the rest one by one. y may alias an input.
template <int V, class T, class Op, class... In>
__global__ void __launch_bounds__(kBlock) map_kernel(std::int64_t n, T* y, Op op, const In*... in) {
  const std::int64_t packs = n / V;
  for (std::int64_t p = first_element(); p < packs; p += element_step()) {
    Pack<T, V> out;
    [&](const Pack<In, V>... loaded) {
#pragma unroll
      for (int k = 0; k < V; ++k) out.v[k] = op(loaded.v[k]...);
    }(reinterpret_cast<const Pack<In, V>*>(in)[p]...);
    reinterpret_cast<Pack<T, V>*>(y)[p] = out;
  }
  for (std::int64_t i = packs * V + first_element(); i < n; i += element_step()) y[i] = op(in[i]...);
}

template <class T, class Op, class... In>
void map(Cuda device, const char* name, std::int64_t n, T* y, Op op, const In*... in) {
  if (n == 0) return;
  constexpr int V = kPack<T>;
  if (aligned(y) && (aligned(in) && ...))
    run(device, name, map_kernel<V, T, Op, In...>, blocks_for(n / V), kBlock, 0, n, y, op, in...);
  else
    run(device, name, map_kernel<1, T, Op, In...>, blocks_for(n), kBlock, 0, n, y, op, in...);
}

// The sum of `value` over the block's threads, in thread 0; every thread of the block takes part. The order
// is fixed. Threads: a multiple of 32, at most 1024. warps: shared.
template <class T>
__device__ T block_sum(T (&warps)[32], T value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(0xFFFFFFFFu, value, step);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    value = threadIdx.x < blockDim.x / 32 ? warps[threadIdx.x] : T{0};
#pragma unroll
    for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(0xFFFFFFFFu, value, step);
  }
  __syncthreads();  // warps may be written again
  return value;
}

// out[0] = scale times the sum of partial[0 .. n), divided by *divisor where given. One block.
template <class T>
__global__ void __launch_bounds__(kBlock)
    finish_sum_kernel(T* out, const double* partial, int n, double scale, const double* divisor) {
  __shared__ double warps[32];
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kBlock) sum += partial[i];
  sum = block_sum(warps, sum);
  if (threadIdx.x == 0) out[0] = static_cast<T>(divisor ? sum * scale / *divisor : sum * scale);
}

template <class T>
void finish_sum(Cuda device, T* out, const Tensor& partial, double scale = 1,
                const double* divisor = nullptr) {
  run(device, "finish_sum", finish_sum_kernel<T>, 1, kBlock, 0, out, partial.data<double>(),
      static_cast<int>(partial.numel()), scale, divisor);
}

// out[o] = the sum of partial[split, o] over splits.
template <class T>
__global__ void __launch_bounds__(kBlock)
    add_splits_kernel(T* out, const double* partial, std::int64_t outputs, int splits) {
  for (std::int64_t o = first_element(); o < outputs; o += element_step()) {
    double sum = 0;
    for (int s = 0; s < splits; ++s) sum += partial[s * outputs + o];
    out[o] = static_cast<T>(sum);
  }
}

template <class T>
T* data_or_null(const Tensor& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

// Product of the extents before the last: rows of a channels-last array.
inline std::int64_t rows_of(const Tensor& x) {
  const std::int64_t C = x.rank() ? x.size(-1) : 1;
  return C ? x.numel() / C : 0;
}

}  // namespace cordis::inline CORDIS_ABI::detail
