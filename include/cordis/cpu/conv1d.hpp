// cordis/cpu/conv1d.hpp: kernels of op/conv1d.hpp, and which algorithm a shape gets
// Three taps at stride 1 go by Winograd's filtering where there are rows enough to pay for its weights; other
// convolutions by a product on a view of the record; dilation and groups by a product for each tap.
#pragma once

#include <cordis/cpu/conv1d_taps.hpp>
#include <cordis/cpu/winograd.hpp>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cordis::inline CORDIS_ABI {

enum class Conv1dAlgorithm { automatic, taps, direct, winograd };

namespace detail {
inline Conv1dAlgorithm conv1d_environment() {
  const char* text = std::getenv("CORDIS_CONV1D");
  if (!text) return Conv1dAlgorithm::automatic;
  const char* const names[] = {"automatic", "taps", "direct", "winograd"};
  for (int i = 0; i < 4; ++i)
    if (std::strcmp(text, names[i]) == 0) return static_cast<Conv1dAlgorithm>(i);
  fail("[conv1d] CORDIS_CONV1D is \"", text, "\", not automatic, taps, direct or winograd");
}
inline Conv1dAlgorithm& conv1d_override() {
  thread_local Conv1dAlgorithm algorithm = conv1d_environment();
  return algorithm;
}
}  // namespace detail

// While alive, convolutions of this thread use `algorithm` wherever it takes their shape; at first it is the
// environment's CORDIS_CONV1D, else automatic.
class Conv1dAlgorithmGuard {
 public:
  explicit Conv1dAlgorithmGuard(Conv1dAlgorithm algorithm)
      : before_(std::exchange(detail::conv1d_override(), algorithm)) {}
  ~Conv1dAlgorithmGuard() { detail::conv1d_override() = before_; }
  Conv1dAlgorithmGuard(const Conv1dAlgorithmGuard&) = delete;
  Conv1dAlgorithmGuard& operator=(const Conv1dAlgorithmGuard&) = delete;

 private:
  Conv1dAlgorithm before_;
};

// The choice, made here alone. Winograd's weights cost a pass to make: where that is done for each call,
// there must be rows enough to pay for it.
template <class T>
Conv1dAlgorithm conv1d_algorithm(const Correlation& s, bool packed_before = false) {
  const Conv1dAlgorithm wanted = detail::conv1d_override();
  if (wanted == Conv1dAlgorithm::taps || wanted == Conv1dAlgorithm::direct) return wanted;
  if (!winograd_fits<T>(s)) return Conv1dAlgorithm::direct;
  if (wanted == Conv1dAlgorithm::winograd) return wanted;
  return s.rows >= 4 && (packed_before || s.N * s.rows >= 128) ? Conv1dAlgorithm::winograd
                                                               : Conv1dAlgorithm::direct;
}

namespace detail {

inline Correlation forward_correlation(const Conv1dSizes& s) {
  return {s.N, s.L, s.C, -s.padding, s.stride, s.K, s.L_out, s.O};
}

template <class T>
void correlate_by(Conv1dAlgorithm algorithm, const Correlation& s, const T* x, const Tensor& packed,
                  const OutputRows<T>& y, const Ending<T>& ending = {}) {
  if (algorithm == Conv1dAlgorithm::winograd)
    winograd_correlate(s, x, winograd_weights<T>(packed).template data<T>(), y, ending);
  else
    correlate(s, x, packed.data<T>(), y, ending);
}

}  // namespace detail

// y: (N, L_out, O); x: (N, L, C); w: (O, C / groups, K); b: (O,) or undefined.
inline void conv1d_forward(Cpu, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                           const Conv1dOptions& options) {
  const detail::Conv1dSizes s(x, y, w, options);
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const Correlation correlation = detail::forward_correlation(s);
    const auto algorithm = conv1d_algorithm<T>(correlation);
    if (!s.merged() || algorithm == Conv1dAlgorithm::taps) return conv1d_taps_forward(y, x, w, b, options);
    detail::correlate_by<T>(algorithm, correlation, x.data<T>(), pack_forward<T>(w),
                            {y.data<T>(), s.L_out * s.O, s.O}, {.bias = b.defined() ? b.data<T>() : nullptr});
  });
}

// dx: (N, L, C). Samples l with the same (l + padding) mod stride take their gradient from the same taps:
// each such phase is a convolution of dy with stride 1 that writes every stride-th row.
inline void conv1d_backward_data(Cpu, Tensor& dx, const Tensor& dy, const Tensor& w,
                                 const Conv1dOptions& options) {
  const detail::Conv1dSizes s(dx, dy, w, options);
  dispatch_float(dx.dtype(), "conv1d", [&]<class T>() {
    if (!s.merged() || detail::conv1d_override() == Conv1dAlgorithm::taps)
      return conv1d_taps_backward_data(dx, dy, w, options);
    for (std::int64_t l0 = 0; l0 < std::min(s.stride, s.L); ++l0) {  // a phase's first sample
      const std::int64_t phase = (l0 + s.padding) % s.stride;
      const std::int64_t rows = (s.L - l0 + s.stride - 1) / s.stride,
                         taps = phase < s.K ? (s.K - phase + s.stride - 1) / s.stride : 0;
      const OutputRows<T> out{dx.data<T>() + l0 * s.C, s.L * s.C, s.stride * s.C};
      if (taps == 0) {
        parallel_for(s.N, [&](std::int64_t begin, std::int64_t end, int) {
          for (std::int64_t n = begin; n < end; ++n)
            for (std::int64_t i = 0; i < rows; ++i)
              std::fill_n(out.data + n * out.record + i * out.row, s.C, T{0});
        });
        continue;
      }
      const std::int64_t first = (l0 + s.padding - phase) / s.stride - (taps - 1);
      const Correlation correlation{s.N, s.L_out, s.O, first, 1, taps, rows, s.C};
      detail::correlate_by<T>(conv1d_algorithm<T>(correlation), correlation, dy.data<T>(),
                              pack_backward<T>(w, phase, s.stride, taps), out);
    }
  });
}

// dw: (O, C / groups, K). By output channels where a thread gets enough of them, so that no sum is split;
// else one partial sum per part of the records, added in the parts' order.
inline void conv1d_backward_weight(Cpu, Tensor& dw, const Tensor& dy, const Tensor& x,
                                   const Conv1dOptions& options) {
  const detail::Conv1dSizes s(x, dy, dw, options);
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const Correlation correlation = detail::forward_correlation(s);
    const auto algorithm = conv1d_algorithm<T>(correlation);
    if (!s.merged() || algorithm == Conv1dAlgorithm::taps)
      return conv1d_taps_backward_weight(dw, dy, x, options);
    const std::int64_t rows = s.N * s.L_out, columns = s.K * s.C;
    if (rows == 0) {
      dw.fill(0);
      return;
    }
    if (algorithm == Conv1dAlgorithm::winograd) {
      const std::int64_t tiles = s.N * detail::winograd_tiles(correlation);
      Tensors parts(static_cast<std::size_t>(parallel_parts(tiles)));
      for (auto& part : parts) part = Tensor({detail::kPoints, s.O, s.C}, x.dtype());
      parallel_for(tiles, [&](std::int64_t begin, std::int64_t end, int part) {
        winograd_correlate_weights(correlation, parts[static_cast<std::size_t>(part)].template data<T>(),
                                   dy.data<T>(), x.data<T>(), begin, end);
      });
      return winograd_weight_gradient(dw.data<T>(), parts, s.O, s.C);
    }
    Tensors parts(1);
    parts[0] = s.K == 1 ? dw : Tensor({s.O, columns}, x.dtype());
    if (s.O >= 128 * num_threads()) {
      parallel_for(s.O, [&](std::int64_t begin, std::int64_t end, int) {
        correlate_weights(correlation, parts[0].data<T>(), dy.data<T>(), x.data<T>(), 0, rows, begin, end,
                          false);
      });
    } else {
      parts.resize(static_cast<std::size_t>(parallel_parts(rows)));
      for (auto& part : parts)
        if (!part.defined()) part = Tensor({s.O, columns}, x.dtype());
      parallel_for(rows, [&](std::int64_t begin, std::int64_t end, int part) {
        correlate_weights(correlation, parts[static_cast<std::size_t>(part)].template data<T>(), dy.data<T>(),
                          x.data<T>(), begin, end, 0, s.O, false);
      });
      for (std::size_t part = 1; part < parts.size(); ++part) accumulate(Cpu{}, parts[0], parts[part]);
    }
    if (s.K > 1)  // (O, K, C) -> (O, C, K)
      parallel_for(s.O, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t o = begin; o < end; ++o) {
          const T* from = parts[0].data<T>() + o * columns;
          T* to = dw.data<T>() + o * columns;
          for (std::int64_t k = 0; k < s.K; ++k)
            for (std::int64_t c = 0; c < s.C; ++c) to[c * s.K + k] = from[k * s.C + c];
        }
      });
  });
}

// db: (O,), the column sums of dy.
inline void conv1d_backward_bias(Cpu, Tensor& db, const Tensor& dy) {
  dispatch_float(dy.dtype(), "conv1d", [&]<class T>() {
    const std::int64_t O = dy.size(2), rows = dy.size(0) * dy.size(1);
    std::vector<double> sum(static_cast<std::size_t>(O), 0.0);
    for (std::int64_t m = 0; m < rows; ++m)
      for (std::int64_t o = 0; o < O; ++o)
        sum[static_cast<std::size_t>(o)] += static_cast<double>(dy.data<T>()[m * O + o]);
    std::transform(sum.begin(), sum.end(), db.data<T>(), [](double value) { return static_cast<T>(value); });
  });
}

}  // namespace cordis::inline CORDIS_ABI
