// tests/simt/selftest_kernels.cuh: kernels of the emulation's own test, right and with a mistake
#pragma once

#include "../../kernels/launch.cuh"

namespace selftest {

enum class Mistake {
  none,
  dropped_barrier,
  dropped_syncwarp,
  divergent_barrier,
  barrier_after_exit,
  mask_without_caller,
  masks_differ,
  exited_lane,
  write_past_end,
  read_past_end,
  shared_overrun,
  dynamic_shared_overrun,
  uninitialised_read,
  uninitialised_shared,
  race_between_blocks,
  freed_read,
  missing_wait,
  missing_host_wait,
  host_dereference,
  double_free,
  copy_past_end,
  wrong_kind,
  too_many_threads,
  too_much_shared,
  empty_grid,
};
inline constexpr const char* kNames[] = {"none",
                                         "dropped_barrier",
                                         "dropped_syncwarp",
                                         "divergent_barrier",
                                         "barrier_after_exit",
                                         "mask_without_caller",
                                         "masks_differ",
                                         "exited_lane",
                                         "write_past_end",
                                         "read_past_end",
                                         "shared_overrun",
                                         "dynamic_shared_overrun",
                                         "uninitialised_read",
                                         "uninitialised_shared",
                                         "race_between_blocks",
                                         "freed_read",
                                         "missing_wait",
                                         "missing_host_wait",
                                         "host_dereference",
                                         "double_free",
                                         "copy_past_end",
                                         "wrong_kind",
                                         "too_many_threads",
                                         "too_much_shared",
                                         "empty_grid"};

template <class T>
__device__ T warp_sum(T value, unsigned mask = 0xFFFFFFFFu) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(mask, value, step);
  return value;
}

// out[0] += the sum of x. Blocks of 256.
template <class T, Mistake kMistake>
__global__ void __launch_bounds__(256) sum_kernel(T* out, const T* x, int n) {
  __shared__ T warps[8];
  T sum{0};
  const int step = static_cast<int>(gridDim.x * blockDim.x);
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += step) sum += x[i];
  sum = warp_sum(sum, kMistake == Mistake::mask_without_caller ? 0x0FFFFFFFu : 0xFFFFFFFFu);
  const unsigned warp = threadIdx.x / 32;
  if (threadIdx.x % 32 == 0 && !(kMistake == Mistake::uninitialised_shared && warp == 5))
    warps[kMistake == Mistake::shared_overrun && warp == 7 ? 8 : warp] = sum;
  if (kMistake == Mistake::divergent_barrier && threadIdx.x >= 128) {
    __syncthreads();
  } else if (kMistake != Mistake::dropped_barrier) {
    __syncthreads();
  }
  if (threadIdx.x != 0) return;
  if (kMistake == Mistake::shared_overrun) warps[7] = T{0};
  sum = T{0};
  for (int w = 0; w < 8; ++w) sum += warps[w];
  if (kMistake == Mistake::race_between_blocks)
    *out += sum;
  else
    atomicAdd(out, sum);
}

// y (columns, rows) = the transpose of x (rows, columns). Blocks of 16 x 16.
template <Mistake kMistake>
__global__ void __launch_bounds__(256) transpose_kernel(float* y, const float* x, int rows, int columns) {
  __shared__ float tile[16][17];
  int row = static_cast<int>(blockIdx.y * 16 + threadIdx.y),
      column = static_cast<int>(blockIdx.x * 16 + threadIdx.x);
  if (kMistake == Mistake::barrier_after_exit && (row >= rows || column >= columns)) return;
  if (row < rows && column < columns)
    tile[threadIdx.y][threadIdx.x] = x[row * columns + column + (kMistake == Mistake::read_past_end)];
  __syncthreads();
  row = static_cast<int>(blockIdx.y * 16 + threadIdx.x),
  column = static_cast<int>(blockIdx.x * 16 + threadIdx.y);
  if (row < rows && column < columns)
    y[column * rows + row + (kMistake == Mistake::write_past_end)] = tile[threadIdx.x][threadIdx.y];
}

// C (m, n) = A (m, k) B (k, n). Blocks of 16 x 16.
__global__ inline void product_kernel(float* c, const float* a, const float* b, int m, int n, int k) {
  __shared__ float left[16][16], right[16][16];
  const int row = static_cast<int>(blockIdx.y * 16 + threadIdx.y),
            column = static_cast<int>(blockIdx.x * 16 + threadIdx.x);
  float sum = 0;
  for (int from = 0; from < k; from += 16) {
    const int ka = from + static_cast<int>(threadIdx.x), kb = from + static_cast<int>(threadIdx.y);
    left[threadIdx.y][threadIdx.x] = row < m && ka < k ? a[row * k + ka] : 0.f;
    right[threadIdx.y][threadIdx.x] = kb < k && column < n ? b[kb * n + column] : 0.f;
    __syncthreads();
    for (int d = 0; d < 16; ++d) sum += left[threadIdx.y][d] * right[d][threadIdx.x];
    __syncthreads();
  }
  if (row < m && column < n) c[row * n + column] = sum;
}

// Reverses each row in place, by way of shared memory. A block a row.
template <Mistake kMistake>
__global__ void reverse_kernel(float* x, int columns) {
  KERNEL_DYNAMIC_SHARED(float, row);
  x += static_cast<int>(blockIdx.x) * columns;
  const int step = static_cast<int>(blockDim.x), first = static_cast<int>(threadIdx.x);
  for (int i = first; i < columns; i += step) row[i + (kMistake == Mistake::dynamic_shared_overrun)] = x[i];
  __syncthreads();
  for (int i = first; i < columns; i += step) x[i] = row[columns - 1 - i];
}

// y[i] = x[i] rotated by one within each warp, by way of shared memory. One block.
template <Mistake kMistake>
__global__ void rotate_kernel(int* y, const int* x) {
  __shared__ int values[64];
  const unsigned i = threadIdx.x, lane = i % 32, first = i - lane;
  values[i] = x[i];
  if (kMistake == Mistake::masks_differ)
    __syncwarp(lane < 16 ? 0xFFFFFFFFu : 0xFFFFFFFEu);
  else if (kMistake != Mistake::dropped_syncwarp)
    __syncwarp();
  y[i] = values[first + (lane + 1) % 32];
  if (kMistake != Mistake::exited_lane || lane == 31) return;
  y[i] = __shfl_sync(0xFFFFFFFFu, y[i], static_cast<int>(lane + 1));
}

__global__ inline void add_kernel(float* y, const float* x, float scale, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += scale * x[i];
}

// votes[0]: threads with x < 0; [1]: warps with any; [2]: warps with only such; [3]: the least of all.
__global__ inline void vote_kernel(int* votes, const int* x, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const bool negative = i < n && x[i] < 0;
  const unsigned ballot = __ballot_sync(0xFFFFFFFFu, negative);
  const int any = __any_sync(0xFFFFFFFFu, negative), all = __all_sync(0xFFFFFFFFu, negative);
  if (threadIdx.x % 32 == 0) {
    atomicAdd(&votes[0], __popc(ballot));
    atomicAdd(&votes[1], any);
    atomicAdd(&votes[2], all);
  }
  if (i < n) atomicMin(&votes[3], x[i]);
  const int count = __syncthreads_count(negative), some = __syncthreads_or(negative);
  if (threadIdx.x == 0 && (count > 0) != (some != 0)) atomicExch(&votes[0], -1);
}

}  // namespace selftest
