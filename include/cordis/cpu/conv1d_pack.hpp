// cordis/cpu/conv1d_pack.hpp: weights of a convolution in the order the kernels read them
// Panels of kPanel output channels, one row for each tap and input channel, so that the micro kernel reads
// one contiguous stream; the last panel is filled up with zeros. Made once a call, not once a record.
#pragma once

#include <algorithm>
#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/micro_kernel.hpp>

namespace cordis::inline CORDIS_ABI {

template <class T>
std::int64_t panels_of(std::int64_t columns) {
  return (columns + kPanel<T> - 1) / kPanel<T>;
}

// w (O, C, K) -> (panels of O, K C, kPanel): row k C + c, column o. Turned in squares of vectors.
template <class T>
Tensor pack_forward(const Tensor& w) {
  constexpr std::int64_t P = kPanel<T>, W = kLanes<T>;
  const std::int64_t O = w.size(0), C = w.size(1), K = w.size(2);
  Tensor packed({panels_of<T>(O), K * C, P}, w.dtype());
  parallel_for(panels_of<T>(O), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const T* from = w.data<T>() + panel * P * C * K;
      T* to = packed.data<T>() + panel * K * C * P;
      const std::int64_t width = std::min(P, O - panel * P);
      if (width < P) std::fill_n(to, K * C * P, T{0});
      const auto row = [&](std::int64_t i) { return to + (i % K * C + i / K) * P; };
      std::int64_t i = 0;
      for (; width == P && i + W <= C * K; i += W)
        for (std::int64_t o = 0; o < P; o += W) {
          Vec<T> square[W];
#pragma GCC unroll 16
          for (int r = 0; r < W; ++r) square[r] = load(from + (o + r) * C * K + i);
          transpose<T>(square);
#pragma GCC unroll 16
          for (int r = 0; r < W; ++r) store(row(i + r) + o, square[r]);
        }
      for (; i < C * K; ++i)
        for (std::int64_t o = 0; o < width; ++o) row(i)[o] = from[o * C * K + i];
    }
  });
  return packed;
}

// The taps first, first + step, ... of w (O, C, K) in reverse, for the gradient of the data
// -> (panels of C, taps O, kPanel): row j O + o, column c, tap j of `taps` is w's first + step (taps - 1 -
// j).
template <class T>
Tensor pack_backward(const Tensor& w, std::int64_t first, std::int64_t step, std::int64_t taps) {
  constexpr std::int64_t P = kPanel<T>;
  const std::int64_t O = w.size(0), C = w.size(1), K = w.size(2);
  Tensor packed({panels_of<T>(C), taps * O, P}, w.dtype());
  parallel_for(panels_of<T>(C), [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t panel = begin; panel < end; ++panel)
      for (std::int64_t j = 0; j < taps; ++j) {
        T* row = packed.data<T>() + (panel * taps + j) * O * P;
        const std::int64_t width = std::min(P, C - panel * P);
        const std::int64_t tap = first + step * (taps - 1 - j);
        const T* from = w.data<T>() + panel * P * K;
        const auto rows = [&](auto one) {
          for (std::int64_t o = 0; o < O; ++o, row += P, from += C * K) one(row, from);
        };
        const auto vectors = [&](std::int64_t values, auto read) {
          rows([&](T* to, const T* in) {
#pragma GCC unroll 8
            for (int v = 0; v < kTileVectors; ++v) store<T>(to + v * kLanes<T>, read(in + v * values));
          });
        };
        if (width == P && K == 1) {
          vectors(kLanes<T>, [](const T* in) { return load(in); });
        } else if (width == P && K == 3) {
          constexpr std::int64_t three = 3 * kLanes<T>;
          if (tap == 0) vectors(three, [](const T* in) { return load_third<0>(in); });
          if (tap == 1) vectors(three, [](const T* in) { return load_third<1>(in); });
          if (tap == 2) vectors(three, [](const T* in) { return load_third<2>(in); });
        } else {
          rows([&](T* to, const T* in) {
            for (std::int64_t c = 0; c < width; ++c) to[c] = in[c * K + tap];
            std::fill_n(to + width, P - width, T{0});
          });
        }
      }
  });
  return packed;
}

}  // namespace cordis::inline CORDIS_ABI
