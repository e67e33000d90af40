// kernels/product.cuh: tiled matrix products whose operands are read by functors
// C (m, n) = A (m, k) B (k, n). A block of 256 threads makes a tile of 64 x 64, a thread 4 x 4 of it, from
// slices 16 deep in shared memory; the next slice is on its way while one is multiplied. What an element of A
// or B is, an operand says: a matrix, or a record seen as the matrix of its patches, so that convolution
// needs no copy of it. Long sums are split among blocks and the parts added in a fixed order.
#pragma once

#include "device.cuh"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI::detail {

inline constexpr int kTile = 64, kDepth = 16, kPerThread = 4;

// Element (row, k) at p[row * ld + k], or p[k * ld + row] where kTransposed.
template <class T, bool kTransposed>
struct MatrixOperand {
  static constexpr bool kAlongDepth = !kTransposed;  // neighbours in memory are neighbours in k
  const T* p;
  std::int64_t ld;
  __device__ T operator()(std::int64_t row, std::int64_t k) const {
    return kTransposed ? p[k * ld + row] : p[row * ld + k];
  }
};

// Where a thread's elements of a slice are: (row0 + i * row_step, k0 + i * k_step), i < 4.
template <bool kAlongDepth>
struct SliceMap {
  static constexpr int kRowStep = kAlongDepth ? kBlock / kDepth : 0,
                       kDepthStep = kAlongDepth ? 0 : kBlock / kTile;
  int row, k;
  __device__ explicit SliceMap(int thread)
      : row(kAlongDepth ? thread / kDepth : thread % kTile),
        k(kAlongDepth ? thread % kDepth : thread / kTile) {}
};

// a(row, k) and b(column, k). c: splits parts of (m, n), each the sum over its share of k.
template <class T, class A, class B>
__global__ void __launch_bounds__(kBlock, 2)
    product_kernel(T* c, std::int64_t ldc, A a, B b, std::int64_t m, std::int64_t n, std::int64_t k,
                   std::int64_t share, T beta) {
  __shared__ T left[kDepth][kTile + kPerThread], right[kDepth][kTile + kPerThread];
  const int thread = static_cast<int>(threadIdx.x), x = thread % 16 * kPerThread,
            y = thread / 16 * kPerThread;
  const std::int64_t row0 = static_cast<std::int64_t>(blockIdx.x) * kTile,
                     column0 = static_cast<std::int64_t>(blockIdx.y) * kTile,
                     begin = static_cast<std::int64_t>(blockIdx.z) * share,
                     end = begin + share < k ? begin + share : k;
  const SliceMap<A::kAlongDepth> ma(thread);
  const SliceMap<B::kAlongDepth> mb(thread);
  T next_a[kPerThread], next_b[kPerThread], sum[kPerThread][kPerThread] = {};
  const auto fetch = [&](std::int64_t from) {
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
      const std::int64_t r = row0 + ma.row + i * ma.kRowStep, ka = from + ma.k + i * ma.kDepthStep,
                         q = column0 + mb.row + i * mb.kRowStep, kb = from + mb.k + i * mb.kDepthStep;
      next_a[i] = r < m && ka < end ? a(r, ka) : T{0};
      next_b[i] = q < n && kb < end ? b(q, kb) : T{0};
    }
  };
  if (begin < end) fetch(begin);
  for (std::int64_t from = begin; from < end; from += kDepth) {
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
      left[ma.k + i * ma.kDepthStep][ma.row + i * ma.kRowStep] = next_a[i];
      right[mb.k + i * mb.kDepthStep][mb.row + i * mb.kRowStep] = next_b[i];
    }
    __syncthreads();
    if (from + kDepth < end) fetch(from + kDepth);
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
      T u[kPerThread], v[kPerThread];
#pragma unroll
      for (int i = 0; i < kPerThread; ++i) u[i] = left[d][y + i], v[i] = right[d][x + i];
#pragma unroll
      for (int i = 0; i < kPerThread; ++i)
#pragma unroll
        for (int j = 0; j < kPerThread; ++j) sum[i][j] += u[i] * v[j];
    }
    __syncthreads();
  }
  c += blockIdx.z * m * ldc;
#pragma unroll
  for (int i = 0; i < kPerThread; ++i)
#pragma unroll
    for (int j = 0; j < kPerThread; ++j)
      if (row0 + y + i < m && column0 + x + j < n) {
        T* to = c + (row0 + y + i) * ldc + column0 + x + j;
        *to = beta == 0 ? sum[i][j] : sum[i][j] + beta * *to;
      }
}

// C = beta C + the sum of its parts (splits, m, n), the first first.
template <class T>
__global__ void __launch_bounds__(kBlock)
    add_parts_kernel(T* c, std::int64_t ldc, const T* parts, std::int64_t m, std::int64_t n, int splits,
                     T beta) {
  for (std::int64_t i = first_element(); i < m * n; i += element_step()) {
    T& to = c[i / n * ldc + i % n];
    T sum = beta == 0 ? T{0} : beta * to;
    for (int s = 0; s < splits; ++s) sum += parts[s * m * n + i];
    to = sum;
  }
}

// C (m, n), a row every ldc elements, = A B + beta C.
template <class T, class A, class B>
void own_product(Cuda device, T* c, std::int64_t ldc, A a, B b, std::int64_t m, std::int64_t n,
                 std::int64_t k, double beta = 0) {
  if (m == 0 || n == 0) return;
  const auto tiles = [](std::int64_t extent) { return (extent + kTile - 1) / kTile; };
  CORDIS_CHECK(tiles(n) <= 65535, "[product] ", n, " columns are more than one launch takes");
  // Enough blocks to fill a GPU, each with at least 256 products to sum for an element.
  const std::int64_t wish = std::clamp<std::int64_t>(256 / (tiles(m) * tiles(n)), 1, 64),
                     count = std::max<std::int64_t>(1, std::min(wish, k / 256)),
                     share =
                         std::max<std::int64_t>(1, ((k + count - 1) / count + kDepth - 1) / kDepth * kDepth);
  const int splits = static_cast<int>(std::max<std::int64_t>(1, (k + share - 1) / share));
  const dim3 grid(static_cast<unsigned>(tiles(m)), static_cast<unsigned>(tiles(n)),
                  static_cast<unsigned>(splits));
  if (splits == 1) {
    run(device, "product", product_kernel<T, A, B>, grid, kBlock, 0, c, ldc, a, b, m, n, k, share,
        static_cast<T>(beta));
    return;
  }
  const Tensor parts({splits, m, n}, dtype_of<T>, Device::cuda(device.index));
  run(device, "product", product_kernel<T, A, B>, grid, kBlock, 0, parts.data<T>(), n, a, b, m, n, k, share,
      T{0});
  run(device, "add_parts", add_parts_kernel<T>, blocks_for(m * n), kBlock, 0, c, ldc, parts.data<T>(), m, n,
      splits, static_cast<T>(beta));
}

// Whether the library computes this, by the thread's Backend.
inline bool by_library(DType dtype) {
  if (backend() == Backend::own) return false;
  return backend() == Backend::cudnn || (vendor::available() && dtype == DType::f32);
}

// Row-major C (m, n) = A B + beta C with A (m, k) or, where transposed, (k, m); B (k, n) or (n, k).
template <class T, bool kTransposeA, bool kTransposeB>
void product(Cuda device, T* c, const T* a, const T* b, std::int64_t m, std::int64_t n, std::int64_t k,
             double beta = 0) {
  if (m == 0 || n == 0) return;
  if (by_library(dtype_of<T>) && k > 0) {
    vendor::product(device, {dtype_of<T>, m, n, k, kTransposeA, kTransposeB, beta}, c, a, b);
    return;
  }
  own_product(device, c, n, MatrixOperand<T, kTransposeA>{a, kTransposeA ? m : k},
              MatrixOperand<T, !kTransposeB>{b, kTransposeB ? k : n}, m, n, k, beta);
}

}  // namespace cordis::inline CORDIS_ABI::detail
