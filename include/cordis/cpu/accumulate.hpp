// cordis/cpu/accumulate.hpp: into += x and x *= factor, the arithmetic of gradients themselves
// Here too is what loops over elements and rows share: how they are cut into vectors and among threads.
#pragma once

#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/simd.hpp>
#include <type_traits>

namespace cordis::inline CORDIS_ABI {

inline constexpr std::int64_t kPointwiseGrain = 16384;  // elements worth a thread of their own

// Calls f(begin, end) over ranges of [0, n), in parallel where n is large.
template <class F>
void parallel_elements(std::int64_t n, F&& f) {
  const std::int64_t chunks = (n + kPointwiseGrain - 1) / kPointwiseGrain;
  parallel_for(chunks, [&](std::int64_t begin, std::int64_t end, int) {
    f(begin * kPointwiseGrain, std::min(n, end * kPointwiseGrain));
  });
}

// Rows of `columns` elements for threads: in chunks of a multiple of `step` rows that are worth a thread.
struct RowChunks {
  std::int64_t rows, chunk, count;
  RowChunks(std::int64_t m, std::int64_t columns, std::int64_t step = 8)
      : rows(m),
        chunk((kPointwiseGrain / std::max<std::int64_t>(columns, 1) + step) / step * step),
        count((m + chunk - 1) / chunk) {}
  int parts() const { return parallel_parts(count); }
  // f(first row, last row + 1, part)
  template <class F>
  void run(F&& f) const {
    parallel_for(count, [&](std::int64_t begin, std::int64_t end, int part) {
      f(begin * chunk, std::min(rows, end * chunk), part);
    });
  }
};

// Calls f(i, lanes) for each vector of a range: lanes is kLanes<T>, known to the compiler, but of the last
// one where the range is no multiple of it. load_first and store_first take it as it is.
template <class T, class F>
[[gnu::always_inline]] inline void for_lanes(std::int64_t begin, std::int64_t end, F&& f) {
  constexpr std::int64_t kWidth = kLanes<T>;
  for (; begin + kWidth <= end; begin += kWidth) f(begin, std::integral_constant<std::int64_t, kWidth>{});
  if (begin < end) f(begin, end - begin);
}

// f(row, rows) over [begin, end): rows is kRowGroup, known to the compiler, then 1. What all rows need is
// loaded once for a group.
inline constexpr int kRowGroup = 8;
template <class F>
[[gnu::always_inline]] inline void for_row_groups(std::int64_t begin, std::int64_t end, F&& f) {
  for (; begin + kRowGroup <= end; begin += kRowGroup) f(begin, std::integral_constant<int, kRowGroup>{});
  for (; begin < end; ++begin) f(begin, std::integral_constant<int, 1>{});
}

// Columns with room for whole vectors.
template <class T>
std::int64_t padded(std::int64_t columns) {
  return (columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// into, x: any shape, the same number of elements.
inline void accumulate(Cpu, Tensor& into, const Tensor& x) {
  dispatch_float(x.dtype(), "accumulate", [&]<class T>() {
    T* sum = into.data<T>();
    const T* term = x.data<T>();
    parallel_elements(x.numel(), [=](std::int64_t begin, std::int64_t end) {
      for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
        store_first(sum + i, load_first(sum + i, lanes) + load_first(term + i, lanes), lanes);
      });
    });
  });
}

// y = factor * x; y may alias x.
inline void scale(Cpu, Tensor& y, const Tensor& x, double factor) {
  dispatch_float(x.dtype(), "scale", [&]<class T>() {
    T* out = y.data<T>();
    const T* in = x.data<T>();
    const T by = static_cast<T>(factor);
    parallel_elements(x.numel(), [=](std::int64_t begin, std::int64_t end) {
      for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
        store_first(out + i, load_first(in + i, lanes) * by, lanes);
      });
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
