// cordis/cpu/recurrent_layout.hpp: where the recurrent kernels keep what, and their packed weights
// Hidden units come in groups of a vector, the last group with what is left over. In forward a group's four
// blocks lie side by side, so that one product gives all a unit needs, and 100 units cost 25 vectors, not 28.
#pragma once

#include <cordis/contract/recurrent.hpp>
#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/recurrent_cell.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

template <class T>
std::int64_t padded(std::int64_t n) {
  return (n + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
}

// Copies n values; what lies behind them is not touched.
template <class T>
void copy_row(T* to, const T* from, std::int64_t n) {
  constexpr int W = kLanes<T>;
  if (n < W) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
    return;
  }
  for (std::int64_t i = 0; i + W < n; i += W) store<T>(to + i, load(from + i));
  store<T>(to + n - W, load(from + n - W));
}

// Asks for n values that will be read, or written, soon.
template <bool kWrite = false, class T>
void prefetch_row(const T* p, std::int64_t n) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t i = 0; i < n; i += kLine) __builtin_prefetch(p + i, kWrite);
}

// A row that the weights multiply holds x (I), 1 (for the biases) and h (H), in that order.
// A row of gates holds, per group, its four blocks. A row of their gradients holds the blocks that h reaches,
// group by group without gaps, then (GRU) the candidate's, all groups' together.
template <class Cell, class T>
struct RecurrentLayout {
  std::int64_t N, L, I, H, D;
  static constexpr std::int64_t kWidth = kLanes<T>;
  static constexpr int kFirst = Cell::kOfH[0] < 0 ? 1 : 0;  // the first block that h reaches
  static constexpr std::int64_t kHiddenBlocks = 4 - kFirst;

  std::int64_t inputs() const { return I + 1 + H; }  // length of a row [x, 1, h]
  std::int64_t input_stride() const { return I + 1 + padded<T>(H); }
  std::int64_t state_stride() const { return padded<T>(H); }

  std::int64_t units(std::int64_t first) const { return std::min(kWidth, H - first); }
  // Room for a whole vector from the last block of u units on.
  static std::int64_t gates_width(std::int64_t u) { return padded<T>(3 * u) + kWidth; }
  std::int64_t gates_stride() const {
    return H / kWidth * 4 * kWidth + (H % kWidth ? gates_width(H % kWidth) : 0);
  }

  std::int64_t hidden_sums() const { return kHiddenBlocks * H; }
  std::int64_t candidates() const { return hidden_sums() + kWidth; }  // where they begin
  std::int64_t sums_stride() const { return kFirst ? candidates() + H : hidden_sums(); }
  // Column of one value of a group in a row of gradients.
  std::int64_t column(int block, std::int64_t unit) const {
    if (block < kFirst) return candidates() + unit;
    const std::int64_t first = unit / kWidth * kWidth;
    return first * kHiddenBlocks + (block - kFirst) * units(first) + unit - first;
  }

  // The sample in time that direction d sees at step s.
  std::int64_t time(std::int64_t d, std::int64_t s) const { return d == 0 ? s : L - 1 - s; }

  // Calls f(d, begin, end, part) for the samples of each direction that a part has.
  template <class F>
  void segments(F&& f) const {
    parallel_for(D * N, [&](std::int64_t begin, std::int64_t end, int part) {
      for (std::int64_t d = 0; d < D; ++d) {
        const std::int64_t first = std::max(begin - d * N, std::int64_t{0}), last = std::min(end - d * N, N);
        if (first < last) f(d, first, last, part);
      }
    });
  }
};

// A product of one step: columns [row, row + depth) of the rows [x, 1, h] with the packed matrix of every
// group, into its blocks [block, block + blocks). An LSTM has one product; a GRU has one of [x, 1] into n, r,
// z and one of [1, h] into r, z, q, so that nothing is multiplied by zero.
template <class Cell, class T>
struct StepProduct {
  std::int64_t row, depth;
  int block, blocks;
  Tensor packed;  // of the group that begins at unit `first`: (depth, width) from first * blocks * depth on

  std::int64_t width(std::int64_t u) const { return padded<T>(blocks * u); }
  const T* group(std::int64_t first) const { return packed.data<T>() + first * blocks * depth; }

  StepProduct(const RecurrentLayout<Cell, T>& s, const RecurrentWeights& w, bool of_x, bool of_h)
      : row(of_x ? 0 : s.I),
        depth((of_x ? s.I : 0) + 1 + (of_h ? s.H : 0)),
        block(of_x ? 0 : s.kFirst),
        blocks(of_h ? 4 - block : 3),
        packed({padded<T>(s.H) * blocks * depth}, dtype_of<T>) {
    T* to = packed.data<T>();
    std::fill_n(to, packed.numel(), T{0});
    for (std::int64_t first = 0; first < s.H; first += s.kWidth) {
      const std::int64_t u = s.units(first), ld = width(u);
      T* matrix = to + first * blocks * depth;
      for (int b = block; b < block + blocks; ++b)
        for (std::int64_t j = 0; j < u; ++j) {
          const int x_gate = Cell::kOfX[static_cast<std::size_t>(b)],
                    h_gate = Cell::kOfH[static_cast<std::size_t>(b)];
          const std::int64_t x_row = x_gate * s.H + first + j, h_row = h_gate * s.H + first + j;
          T* column = matrix + (b - block) * u + j;
          if (of_x && x_gate >= 0)
            for (std::int64_t i = 0; i < s.I; ++i) column[i * ld] = w.w_ih.data<T>()[x_row * s.I + i];
          T& bias = column[(s.I - row) * ld];
          if (w.b_ih.defined() && (of_x || x_gate < 0))
            bias = (x_gate >= 0 ? w.b_ih.data<T>()[x_row] : T{0}) +
                   (h_gate >= 0 ? w.b_hh.data<T>()[h_row] : T{0});
          if (of_h && h_gate >= 0)
            for (std::int64_t k = 0; k < s.H; ++k)
              column[(s.I - row + 1 + k) * ld] = w.w_hh.data<T>()[h_row * s.H + k];
        }
    }
  }
};

template <class Cell, class T>
std::vector<StepProduct<Cell, T>> step_products(const RecurrentLayout<Cell, T>& s,
                                                const RecurrentWeights& w) {
  if constexpr (RecurrentLayout<Cell, T>::kFirst == 0)
    return {StepProduct<Cell, T>(s, w, true, true)};
  else
    return {StepProduct<Cell, T>(s, w, true, false), StepProduct<Cell, T>(s, w, false, true)};
}

// Rows of w (G H, columns) in the order of the gradients' columns, each padded to whole vectors; of =
// Cell::kOfX or kOfH. Blocks without a row are zero.
template <class Cell, class T>
Tensor rows_by_column(const RecurrentLayout<Cell, T>& s, const Tensor& w, const std::array<int, 4>& of) {
  const std::int64_t columns = w.size(1), ld = padded<T>(columns);
  Tensor packed = zeros({s.sums_stride(), ld}, dtype_of<T>);
  for (int b = 0; b < 4; ++b)
    for (std::int64_t unit = 0; unit < s.H; ++unit)
      if (const std::int64_t gate = of[static_cast<std::size_t>(b)]; gate >= 0)
        std::copy_n(w.data<T>() + (gate * s.H + unit) * columns, columns,
                    packed.data<T>() + s.column(b, unit) * ld);
  return packed;
}

// The weights' gradients from their sums over all steps: (I + 1 + H, ld), columns as in a row of gradients.
template <class Cell, class T>
void unpack_gradients(const RecurrentLayout<Cell, T>& s, RecurrentWeights& into, const T* sums,
                      std::int64_t ld) {
  const auto spread = [&](Tensor& dw, const std::array<int, 4>& of, std::int64_t row, std::int64_t columns) {
    if (!dw.defined()) return;
    for (int b = 0; b < 4; ++b)
      if (const std::int64_t gate = of[static_cast<std::size_t>(b)]; gate >= 0)
        for (std::int64_t unit = 0; unit < s.H; ++unit) {
          const T* from = sums + row * ld + s.column(b, unit);
          T* to = dw.data<T>() + (gate * s.H + unit) * columns;
          for (std::int64_t k = 0; k < columns; ++k) to[k] = from[k * ld];
        }
  };
  spread(into.w_ih, Cell::kOfX, 0, s.I);
  spread(into.b_ih, Cell::kOfX, s.I, 1);
  spread(into.b_hh, Cell::kOfH, s.I, 1);
  spread(into.w_hh, Cell::kOfH, s.I + 1, s.H);
}

}  // namespace detail

}  // namespace cordis::inline CORDIS_ABI
