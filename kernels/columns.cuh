// kernels/columns.cuh: sums over the rows of a channels-last array, in two levels
#pragma once

#include "device.cuh"

namespace cordis::inline CORDIS_ABI::detail {

// partial[split, c] = the sum of x (M, C) over the split's rows. Block (32, 8): 32 columns, 8 rows at a time.
template <class T>
__global__ void __launch_bounds__(kBlock)
    column_sums_kernel(double* partial, const T* x, std::int64_t M, std::int64_t C, std::int64_t share) {
  __shared__ double sums[8][33];
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * 32 + threadIdx.x, begin = blockIdx.y * share,
                     end = begin + share < M ? begin + share : M;
  double sum = 0;
  if (c < C)
    for (std::int64_t m = begin + threadIdx.y; m < end; m += 8) sum += static_cast<double>(x[m * C + c]);
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || c >= C) return;
  for (int i = 1; i < 8; ++i) sum += sums[i][threadIdx.x];
  partial[blockIdx.y * C + c] = sum;
}

// How the rows of (M, C) are shared among blocks of 32 columns each.
struct RowSplits {
  std::int64_t share;
  int splits;
  dim3 grid;
  RowSplits(std::int64_t M, std::int64_t C) {
    const std::int64_t columns = (C + 31) / 32, wish = std::clamp<std::int64_t>(512 / columns, 1, 128),
                       count = std::max<std::int64_t>(1, std::min(wish, M / 128));
    share = std::max<std::int64_t>(1, (M + count - 1) / count);
    splits = static_cast<int>(std::max<std::int64_t>(1, (M + share - 1) / share));
    grid = dim3(static_cast<unsigned>(columns), static_cast<unsigned>(splits));
  }
};
inline dim3 column_block() { return dim3(32, 8); }

// sums (C,) of the rows of x (M, C).
template <class T>
void column_sums(Cuda device, T* sums, const T* x, std::int64_t M, std::int64_t C) {
  if (C == 0) return;
  const RowSplits by(M, C);
  const Tensor partial({by.splits, C}, DType::f64, Device::cuda(device.index));
  run(device, "column_sums", column_sums_kernel<T>, by.grid, column_block(), 0, partial.data<double>(), x, M,
      C, by.share);
  run(device, "add_splits", add_splits_kernel<T>, blocks_for(C), kBlock, 0, sums, partial.data<double>(), C,
      by.splits);
}

}  // namespace cordis::inline CORDIS_ABI::detail
