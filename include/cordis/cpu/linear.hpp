// cordis/cpu/linear.hpp: kernels of op/linear.hpp
// y = x wᵀ takes dot products of rows of x with rows of w, both contiguous: nothing is packed. A tile of
// kDotRows x kDotOutputs sums, a vector each, stays in registers over kDotDepth values, few enough that the
// rows of w stay in the first-level cache while those of x pass; the sums of 32 x 32 values wait in between.
// Adding up the lanes of a sum costs as much as some hundred multiplications, so from kDotMost rows on wᵀ is
// copied into panels instead. dx and dw are products with a wide matrix, w or x, panel by panel: read where
// it lies, or copied where many rows use it.
#pragma once

#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/micro_kernel.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

inline constexpr int kDotRows = kVectorRegisters == 32 ? 4 : 2;
inline constexpr int kDotOutputs = kVectorRegisters == 32 ? 5 : 4;
inline constexpr std::int64_t kDotBlock = 32;          // rows and outputs whose sums wait
inline constexpr std::int64_t kDotDepth = 1024;        // values of a row
inline constexpr std::int64_t kDotMost = 96;           // rows
inline constexpr std::int64_t kLinearGrain = 1 << 18;  // multiplications worth a second thread

// sums[r * ldsums + q] (vectors) = or += x[r * ldx + k] w[q * ldw + k] over k < depth, lane by lane.
template <int R, int Q, class T>
[[gnu::noinline]] void dot_tile(bool first, std::int64_t depth, const T* __restrict x, std::int64_t ldx,
                                const T* __restrict w, std::int64_t ldw, T* __restrict sums,
                                std::int64_t ldsums) {
  constexpr int W = kLanes<T>;
  Vec<T> sum[R][Q];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) sum[r][q] = first ? Vec<T>{} : load(sums + r * ldsums + q * W);
  const auto step = [&](auto&& read) __attribute__((always_inline)) {
    Vec<T> left[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) left[r] = read(x + r * ldx);
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) {
      const Vec<T> right = read(w + q * ldw);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][q] += left[r] * right;
    }
  };
  for (; depth >= W; depth -= W, x += W, w += W) step([](const T* p) { return load(p); });
  if (depth > 0) step([depth](const T* p) { return load_first(p, depth); });
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) store<T>(sums + r * ldsums + q * W, sum[r][q]);
}

template <int R, class T>
void dot_row_tile(std::int64_t outputs, bool first, std::int64_t depth, const T* x, std::int64_t ldx,
                  const T* w, std::int64_t ldw, T* sums, std::int64_t ldsums) {
  const auto tile = [&](auto kernel) { kernel(first, depth, x, ldx, w, ldw, sums, ldsums); };
  if (outputs == 5) return tile(&dot_tile<R, 5, T>);
  if (outputs == 4) return tile(&dot_tile<R, 4, T>);
  if (outputs == 3) return tile(&dot_tile<R, 3, T>);
  if (outputs == 2) return tile(&dot_tile<R, 2, T>);
  tile(&dot_tile<R, 1, T>);
}

// y (rows [m, m_end), outputs [o, o_end)) = x wᵀ + b; y, x, w whole matrices of O and I columns.
template <class T>
void dot_products(std::int64_t m, std::int64_t m_end, std::int64_t o, std::int64_t o_end, std::int64_t O,
                  std::int64_t I, T* y, const T* x, const T* w, const T* b) {
  constexpr std::int64_t W = kLanes<T>, ld = kDotBlock * W;
  Tensor scratch({kDotBlock, kDotBlock, W}, dtype_of<T>);
  T* sums = scratch.data<T>();
  for (std::int64_t o0 = o; o0 < o_end; o0 += kDotBlock)
    for (std::int64_t m0 = m; m0 < m_end; m0 += kDotBlock) {
      const std::int64_t o1 = std::min(o0 + kDotBlock, o_end), m1 = std::min(m0 + kDotBlock, m_end);
      if (I == 0) std::fill_n(sums, scratch.numel(), T{0});
      for (std::int64_t i = 0; i < I; i += kDotDepth)
        for (std::int64_t q = o0; q < o1; q += kDotOutputs) {
          const std::int64_t outputs = std::min<std::int64_t>(kDotOutputs, o1 - q),
                             depth = std::min(kDotDepth, I - i);
          std::int64_t r = m0;
          const auto rows = [&](auto tile, std::int64_t count) {
            for (; r + count <= m1; r += count)
              tile(outputs, i == 0, depth, x + r * I + i, I, w + q * I + i, I,
                   sums + (r - m0) * ld + (q - o0) * W, ld);
          };
          rows(&dot_row_tile<kDotRows, T>, kDotRows);
          rows(&dot_row_tile<1, T>, 1);
        }
      for (std::int64_t r = m0; r < m1; ++r)
        for (std::int64_t q = o0; q < o1; ++q) {
          const T* lanes = sums + (r - m0) * ld + (q - o0) * W;
          T total = b ? b[q] : T{0};
          for (std::int64_t lane = 0; lane < W; ++lane) total += lanes[lane];
          y[r * O + q] = total;
        }
    }
}

// c (rows, columns) = a (rows, K) b (K, columns), or bᵀ of b (columns, K); b and c whole matrices. Parallel
// over columns: no sum is split.
template <bool kTransposed, class T>
void wide_product(std::int64_t rows, std::int64_t columns, std::int64_t K, const Strided<T>& a, const T* b,
                  T* c) {
  constexpr std::int64_t kWidth = kPanel<T>;
  const std::int64_t panels = (columns + kWidth - 1) / kWidth;
  const auto some = [&](std::int64_t begin, std::int64_t end, int) {
    Tensor scratch({K, kWidth}, dtype_of<T>);
    T* copy = scratch.data<T>();
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const std::int64_t column = panel * kWidth, width = std::min(kWidth, columns - column);
      const bool copied = kTransposed || width % kLanes<T> || (rows > 2 * kTileRows && K > kTileRows);
      if constexpr (kTransposed) {
        for (std::int64_t k = 0; k < K; k += kLanes<T>)  // a cache line of each row at a time
          for (std::int64_t j = 0; j < width; ++j)
            for (std::int64_t i = k; i < std::min<std::int64_t>(k + kLanes<T>, K); ++i)
              copy[i * kWidth + j] = b[(column + j) * K + i];
      } else if (copied) {
        for (std::int64_t k = 0; k < K; ++k) std::copy_n(b + k * columns + column, width, copy + k * kWidth);
      }
      panel_product<Store::assign>(rows, width, K, a, copied ? copy : b + column, copied ? kWidth : columns,
                                   c + column, columns);
    }
  };
  if (rows * columns * K < kLinearGrain)
    some(0, panels, 0);
  else
    parallel_for(panels, some);
}

}  // namespace detail

// y: (M, O); x: (M, I), M the product of the leading extents; w: (O, I); b: (O,) or undefined. Parallel over
// rows, or over outputs where there are few rows.
inline void linear_forward(Cpu, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  dispatch_float(w.dtype(), "linear", [&]<class T>() {
    const std::int64_t O = w.size(0), I = w.size(1), M = O ? y.numel() / O : 0;
    const auto products = [&](std::int64_t m, std::int64_t m_end, std::int64_t o, std::int64_t o_end) {
      detail::dot_products(m, m_end, o, o_end, O, I, y.data<T>(), x.data<T>(), w.data<T>(),
                           b.defined() ? b.data<T>() : nullptr);
    };
    if (M >= detail::kDotMost && O >= kPanel<T>) {
      detail::wide_product<true, T>(M, O, I, {x.data<T>(), I, 1}, w.data<T>(), y.data<T>());
      for (std::int64_t m = 0; b.defined() && m < M; ++m)
        for (std::int64_t o = 0; o < O; ++o) y.data<T>()[m * O + o] += b.data<T>()[o];
      return;
    }
    if (M * O * I < detail::kLinearGrain) return products(0, M, 0, O);
    if (M >= detail::kDotRows * num_threads())
      parallel_for(M, [&](std::int64_t begin, std::int64_t end, int) { products(begin, end, 0, O); });
    else
      parallel_for(O, [&](std::int64_t begin, std::int64_t end, int) { products(0, M, begin, end); });
  });
}

// dx = dy w, dw = dyᵀ x, db = column sums of dy; each undefined where it is not wanted.
inline void linear_backward(Cpu, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                            const Tensor& w) {
  dispatch_float(w.dtype(), "linear", [&]<class T>() {
    const std::int64_t O = w.size(0), I = w.size(1), M = O ? dy.numel() / O : I ? x.numel() / I : 0;
    if (dx.defined())
      detail::wide_product<false, T>(M, I, O, {dy.data<T>(), O, 1}, w.data<T>(), dx.data<T>());
    if (dw.defined())
      detail::wide_product<false, T>(O, I, M, {dy.data<T>(), 1, O}, x.data<T>(), dw.data<T>());
    if (db.defined()) {
      T* sum = db.data<T>();
      std::fill_n(sum, O, T{0});
      for (std::int64_t m = 0; m < M; ++m)
        for (std::int64_t o = 0; o < O; ++o) sum[o] += dy.data<T>()[m * O + o];
    }
  });
}

}  // namespace cordis::inline CORDIS_ABI
