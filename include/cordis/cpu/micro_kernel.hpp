// cordis/cpu/micro_kernel.hpp: a register-blocked product with a narrow matrix, written once for every width
// A tile of kTileRows x kTileVectors accumulators stays in registers over the whole depth: each value of a is
// broadcast to kTileVectors multiply-adds, each vector of b serves kTileRows. With 32 registers that is 24
// accumulators, 4 of b and 1 of a; with 16, 12 and 2 and 1. a is read where it lies; a panel of b (depth x
// kPanel) streams from the second-level cache at a third of its rate.
#pragma once

#include <cordis/cpu/simd.hpp>

namespace cordis::inline CORDIS_ABI {

inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = kVectorRegisters == 32 ? 4 : 2;
// Columns of b that one pass of the kernel takes.
template <class T>
inline constexpr int kPanel = kTileVectors* kLanes<T>;

enum class Store { assign, add };

// Element (r, k) lies at data[r * row + k * step].
template <class T>
struct Strided {
  const T* data;
  std::int64_t row, step;
};

namespace detail {

// The last of the V vectors of a row of c holds `last` values; rows of b are read in whole vectors.
template <int R, int V, Store kStore, class T>
[[gnu::noinline]] void tile(std::int64_t K, const T* __restrict a, std::int64_t row, std::int64_t step,
                            const T* __restrict b, std::int64_t ldb, T* __restrict c, std::int64_t ldc,
                            std::int64_t last, const T* ahead, std::int64_t ahead_step) {
  constexpr int W = kLanes<T>;
  Vec<T> sum[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) sum[r][v] = Vec<T>{};
  for (std::int64_t k = 0; k < K; ++k) {
    Vec<T> w[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) w[v] = load(b + W * v);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const T x = a[r * row];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += w[v] * x;
    }
    __builtin_prefetch(ahead, 0, 2);
    b += ldb, a += step, ahead += ahead_step;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      T* out = c + r * ldc + W * v;
      if (v < V - 1 || last == W) {
        if constexpr (kStore == Store::add) sum[r][v] += load(out);
        store(out, sum[r][v]);
      } else {
        if constexpr (kStore == Store::add) sum[r][v] += load_first(out, last);
        store_first(out, sum[r][v], last);
      }
    }
}

template <int V, Store kStore, class T>
void tiles(std::int64_t M, std::int64_t K, const Strided<T>& a, const T* b, std::int64_t ldb, T* c,
           std::int64_t ldc, std::int64_t last, const T* next) {
  // One cache line of the next panel a step of the depth, until all of it is on its way.
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
  std::int64_t m = 0, fetched = next ? 0 : K * kPanel<T>;
  const auto rows = [&](auto kernel, int count) {
    for (; m + count <= M; m += count) {
      const bool more = fetched < K * kPanel<T>;
      kernel(K, a.data + m * a.row, a.row, a.step, b, ldb, c + m * ldc, ldc, last, more ? next + fetched : b,
             more ? line : 0);
      fetched += K * line;
    }
  };
  rows(&tile<kTileRows, V, kStore, T>, kTileRows);
  rows(&tile<4, V, kStore, T>, 4);
  rows(&tile<2, V, kStore, T>, 2);
  rows(&tile<1, V, kStore, T>, 1);
}

}  // namespace detail

// c (M, width) = or += a (M, K) b (K, width), width at most kPanel<T>. Row k of b begins at b + k * ldb and
// is read in whole vectors, so memory up to the next multiple of kLanes<T> must be readable there, and finite
// where that matters: what lies behind `width` reaches no value of c. Row m of c begins at c + m * ldc. next,
// if given, is the contiguous panel (K, kPanel) that is needed after this one; it is fetched meanwhile.
template <Store kStore, class T>
void panel_product(std::int64_t M, std::int64_t width, std::int64_t K, const Strided<T>& a, const T* b,
                   std::int64_t ldb, T* c, std::int64_t ldc, const T* next = nullptr) {
  const std::int64_t vectors = (width + kLanes<T> - 1) / kLanes<T>, last = width - (vectors - 1) * kLanes<T>;
  if (vectors == kTileVectors)
    return detail::tiles<kTileVectors, kStore>(M, K, a, b, ldb, c, ldc, last, next);
  if (vectors == 1) return detail::tiles<1, kStore>(M, K, a, b, ldb, c, ldc, last, next);
  if constexpr (kTileVectors == 4) {
    if (vectors == 2) return detail::tiles<2, kStore>(M, K, a, b, ldb, c, ldc, last, next);
    detail::tiles<3, kStore>(M, K, a, b, ldb, c, ldc, last, next);
  }
}

}  // namespace cordis::inline CORDIS_ABI
