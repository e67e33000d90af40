// cordis/cpu/conv1d_direct.hpp: convolution as one product on a view of the record
// Row i of a record's patch matrix is the contiguous run of taps x C samples that starts at i * step: the
// matrix is the (padded) record itself, seen with overlapping rows, so the micro kernel reads it where it
// lies. Blocks of kRowBlock rows stay in the second-level cache while the panels of weights pass; depth
// beyond kDepthBlock is cut, so that a panel stays there too.
#pragma once

#include <cordis/cpu/conv1d_pack.hpp>

namespace cordis::inline CORDIS_ABI {

// Output row i of a record is the product of weights with input samples first + i step + [0, taps), zeros
// where those lie outside the record (L, C).
struct Correlation {
  std::int64_t N, L, C;
  std::int64_t first, step, taps;
  std::int64_t rows, O;

  std::int64_t left() const { return std::max<std::int64_t>(0, -first); }
  std::int64_t right() const { return std::max<std::int64_t>(0, first + (rows - 1) * step + taps - L); }
  // The records follow each other as if they were one.
  bool plain() const { return taps == 1 && step == 1 && first == 0 && rows == L; }
};

// Where output rows go: row i of record n at data + n * record + i * row.
template <class T>
struct OutputRows {
  T* data;
  std::int64_t record, row;
};

namespace detail {

inline constexpr std::int64_t kRowBlock = 96, kDepthBlock = 1024;

// The record with zero rows before and behind: itself where there are none, else a copy in scratch.
template <class T>
const T* padded_record(const Correlation& s, const T* record, T* scratch) {
  if (s.left() == 0 && s.right() == 0) return record;
  std::fill_n(scratch, s.left() * s.C, T{0});
  std::copy_n(record, s.L * s.C, scratch + s.left() * s.C);
  std::fill_n(scratch + (s.left() + s.L) * s.C, s.right() * s.C, T{0});
  return scratch;
}

}  // namespace detail

// What is done to the products before they are results: bias (O,), residual (N, rows, O) in the output's
// order, each null for none, then the ReLU, while they lie in registers or the first-level cache.
template <class T>
struct Ending {
  const T *bias = nullptr, *residual = nullptr;
  bool relu = false;

  explicit operator bool() const { return bias || residual || relu; }
  // at: where the results of this row and channel lie in (N, rows, O).
  [[gnu::always_inline]] Vec<T> operator()(Vec<T> v, std::int64_t channel, std::int64_t at) const {
    if (bias) v += load(bias + channel);
    if (residual) v += load(residual + at);
    return relu ? (v < T{0} ? Vec<T>{} : v) : v;  // NaN stays
  }
  T operator()(T v, std::int64_t channel, std::int64_t at) const {
    if (bias) v += bias[channel];
    if (residual) v += residual[at];
    return relu && v < T{0} ? T{0} : v;
  }
};

// packed: (panels of O, taps C, kPanel). Parallel over records; over panels or rows where there are too few
// records.
template <class T>
void correlate(const Correlation& shape, const T* x, const T* packed, const OutputRows<T>& to,
               const Ending<T>& ending = {}) {
  constexpr std::int64_t P = kPanel<T>;
  Correlation s = shape;
  OutputRows<T> y = to;
  if (s.plain() && y.record == s.rows * y.row) s.L = s.rows = s.N * s.L, s.N = 1;
  const std::int64_t depth = s.taps * s.C, panels = panels_of<T>(s.O);
  const std::int64_t padded = s.left() + s.right() ? s.left() + s.L + s.right() : 0;

  // A long depth is cut, and the rows' part of it copied side by side: rows a power of two apart would push
  // each other out of the cache.
  const bool cut = depth > detail::kDepthBlock;
  const auto block = [&](const T* record, std::int64_t n, std::int64_t row0, std::int64_t row1,
                         std::int64_t panel0, std::int64_t panel1) {
    constexpr std::int64_t pitch = detail::kDepthBlock + kLanes<T>;
    Tensor scratch({cut ? detail::kRowBlock * pitch : 0}, dtype_of<T>);
    for (std::int64_t i = row0; i < row1; i += detail::kRowBlock) {
      const std::int64_t rows = std::min(detail::kRowBlock, row1 - i);
      for (std::int64_t k = 0; k < depth; k += detail::kDepthBlock) {
        const std::int64_t part = std::min(detail::kDepthBlock, depth - k);
        Strided<T> a{record + (s.first + s.left() + i * s.step) * s.C + k, s.step * s.C, 1};
        if (cut) {
          for (std::int64_t r = 0; r < rows; ++r)
            std::copy_n(a.data + r * a.row, part, scratch.data<T>() + r * pitch);
          a = {scratch.data<T>(), pitch, 1};
        }
        for (std::int64_t panel = panel0; panel < panel1; ++panel) {
          const std::int64_t width = std::min(P, s.O - panel * P);
          T* out = y.data + n * y.record + i * y.row + panel * P;
          const T *b = packed + (panel * depth + k) * P, *next = panel + 1 < panel1 ? b + depth * P : nullptr;
          if (k == 0)
            panel_product<Store::assign>(rows, width, part, a, b, P, out, y.row, next);
          else
            panel_product<Store::add>(rows, width, part, a, b, P, out, y.row, next);
          if (k + part < depth || !ending) continue;
          for (std::int64_t r = 0; r < rows; ++r) {
            const std::int64_t at = (n * s.rows + i + r) * s.O + panel * P;
            T* row = out + r * y.row;
            std::int64_t o = 0;
            for (; o + kLanes<T> <= width; o += kLanes<T>)
              store<T>(row + o, ending(load(row + o), panel * P + o, at + o));
            for (; o < width; ++o) row[o] = ending(row[o], panel * P + o, at + o);
          }
        }
      }
    }
  };

  const int threads = num_threads();
  if (s.N >= threads) {
    parallel_for(s.N, [&](std::int64_t begin, std::int64_t end, int) {
      Tensor scratch({padded * s.C}, dtype_of<T>);
      for (std::int64_t n = begin; n < end; ++n)
        block(detail::padded_record(s, x + n * s.L * s.C, scratch.data<T>()), n, 0, s.rows, 0, panels);
    });
    return;
  }
  Tensor scratch({padded * s.C}, dtype_of<T>);
  for (std::int64_t n = 0; n < s.N; ++n) {
    const T* record = detail::padded_record(s, x + n * s.L * s.C, scratch.data<T>());
    const std::int64_t tiles = (s.rows + kTileRows - 1) / kTileRows;
    if (tiles >= 4 * threads || tiles >= panels)
      parallel_for(tiles, [&](std::int64_t begin, std::int64_t end, int) {
        block(record, n, begin * kTileRows, std::min(s.rows, end * kTileRows), 0, panels);
      });
    else
      parallel_for(panels, [&](std::int64_t begin, std::int64_t end, int) {
        block(record, n, 0, s.rows, begin, end);
      });
  }
}

// dw (O, taps C) += dyᵀ patches over output rows [begin, end), counted through all records, for channels
// [o0, o1) of dy (N, rows, O); x: (N, L, C). Blocks of patches are copied side by side, zeros at the edges,
// so that depth runs over the ends of records and the copy stays in the first-level cache.
template <class T>
void correlate_weights(const Correlation& s, T* dw, const T* dy, const T* x, std::int64_t begin,
                       std::int64_t end, std::int64_t o0, std::int64_t o1, bool add) {
  constexpr std::int64_t P = kPanel<T>, kDepth = 128;
  const std::int64_t columns = s.taps * s.C;
  Tensor scratch({kDepth * P}, dtype_of<T>);
  T* packed = scratch.data<T>();
  for (std::int64_t m = begin; m < end; m += kDepth) {
    const std::int64_t depth = std::min(kDepth, end - m);
    for (std::int64_t j = 0; j < columns; j += P) {
      const std::int64_t width = std::min(P, columns - j), all = s.L * s.C;
      std::int64_t n = m / s.rows, i = m % s.rows;
      for (std::int64_t r = 0; r < depth; ++r) {
        const std::int64_t from = (s.first + i * s.step) * s.C + j;
        const T* record = x + n * all;
        T* row = packed + r * P;
        if (++i == s.rows) i = 0, ++n;
        if (from >= 0 && from + P <= all) {
#pragma GCC unroll 8
          for (int v = 0; v < kTileVectors; ++v)
            store(row + v * kLanes<T>, load(record + from + v * kLanes<T>));
          continue;
        }
        const std::int64_t low = std::clamp<std::int64_t>(-from, 0, P), high = std::clamp(all - from, low, P);
        std::fill_n(row, low, T{0});
        std::copy_n(record + (from + low), high - low, row + low);
        std::fill_n(row + high, P - high, T{0});
      }
      const Strided<T> a{dy + m * s.O + o0, 1, s.O};
      if (add || m > begin)
        panel_product<Store::add>(o1 - o0, width, depth, a, packed, P, dw + o0 * columns + j, columns);
      else
        panel_product<Store::assign>(o1 - o0, width, depth, a, packed, P, dw + o0 * columns + j, columns);
    }
  }
}

}  // namespace cordis::inline CORDIS_ABI
