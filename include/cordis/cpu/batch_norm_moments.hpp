// cordis/cpu/batch_norm_moments.hpp: the statistics of op/batch_norm.hpp, of a batch or of the parts of one
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/accumulate.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

inline constexpr std::int64_t kNormBlock = 64;            // rows summed in T before double takes over
inline constexpr std::int64_t kNormBlockBytes = 1 << 15;  // of x in the cache

// The rows of `fit`, each (C,): y = ((x - mean) - rest) slope + offset, with mean + rest the mean in twice
// the digits and slope = w rstd. ReLU turns on the signs of sums that nearly cancel.
template <class T>
struct Fit {
  T *mean, *rest, *rstd, *slope, *offset;
  explicit Fit(const Tensor& fit)
      : mean(fit.data<T>()),
        rest(mean + fit.size(1)),
        rstd(rest + fit.size(1)),
        slope(rstd + fit.size(1)),
        offset(slope + fit.size(1)) {}
  void set(std::int64_t c, double average, double variance, double eps, const Tensor& w,
           const Tensor& b) const {
    const double r = 1 / std::sqrt(variance + eps);
    mean[c] = static_cast<T>(average);
    rest[c] = static_cast<T>(average - static_cast<double>(mean[c]));
    rstd[c] = static_cast<T>(r);
    slope[c] = static_cast<T>(w.defined() ? r * static_cast<double>(w.data<T>()[c]) : r);
    offset[c] = b.defined() ? b.data<T>()[c] : T{0};
  }
};

// total[c], square[c] (C,): sum and squared deviations from the mean of rows [begin, end). scratch: (3 P).
template <class T>
void column_moments(double* total, double* square, T* scratch, const T* x, std::int64_t C, std::int64_t begin,
                    std::int64_t end) {
  const std::int64_t P = padded<T>(C), row_bytes = std::max<std::int64_t>(C, 1) * static_cast<int>(sizeof(T));
  const std::int64_t height = std::clamp(kNormBlockBytes / row_bytes / 8 * 8, std::int64_t{16}, kNormBlock);
  T *mean = scratch, *rest = mean + P, *spread = rest + P;
  std::fill_n(total, C, 0.0);
  std::fill_n(square, C, 0.0);
  for (std::int64_t from = begin; from < end; from += height) {
    const std::int64_t to = std::min(end, from + height);
    const double count = static_cast<double>(to - from), seen = static_cast<double>(from - begin);
    std::fill_n(scratch, 3 * P, T{0});
    for_row_groups(from, to, [=](std::int64_t m, auto rows) {
      for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
        Vec<T> sum = load(mean + c);
        for (int r = 0; r < rows; ++r) sum += load_first(x + (m + r) * C + c, lanes);
        store(mean + c, sum);
      });
    });
    const T share = static_cast<T>(1 / count);
    for (std::int64_t c = 0; c < P; c += kLanes<T>) store(mean + c, load(mean + c) * share);
    for_row_groups(from, to, [=](std::int64_t m, auto rows) {
      for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
        const Vec<T> center = load(mean + c);
        Vec<T> first = load(rest + c), second = load(spread + c);
        for (int r = 0; r < rows; ++r) {
          const Vec<T> d = load_first(x + (m + r) * C + c, lanes) - center;
          first += d;
          second += d * d;
        }
        store(rest + c, first);
        store(spread + c, second);
      });
    });
    // The block's mean was rounded to T: what is left over is in `rest` (NaN beside an infinite mean).
    const double each = 1 / count, before = seen > 0 ? 1 / seen : 0, weight = seen * count / (seen + count);
    for (std::int64_t c = 0; c < C; ++c) {
      const double left = static_cast<double>(rest[c]),
                   own = static_cast<double>(spread[c]) - left * left * each;
      const double sum = static_cast<double>(mean[c]) * count + (left == left ? left : 0.0);
      const double apart = sum * each - total[c] * before;
      square[c] += (own < 0 ? 0.0 : own) + apart * apart * weight;
      total[c] += sum;
    }
  }
}

// The rows of moments, each (C,) f64: how many values a channel has, their sum, and their squared deviations
// from the mean.
struct Moments {
  double *count, *sum, *square;
  Moments(double* of, std::int64_t C) : count(of), sum(of + C), square(sum + C) {}
};

}  // namespace detail

// moments: (3, C) f64, see detail::Moments; of the first of parts (P, 3, C), moved by the others in their
// order.
inline void batch_norm_merge(Cpu, Tensor& moments, const Tensor& parts) {
  const std::int64_t C = moments.size(1);
  const detail::Moments all(moments.data<double>(), C);
  std::copy_n(parts.data<double>(), 3 * C, all.count);
  for (std::int64_t part = 1; part < parts.size(0); ++part) {
    const detail::Moments own(parts.data<double>() + part * 3 * C, C);
    for (std::int64_t c = 0; c < C; ++c) {
      const double count = own.count[c], seen = all.count[c];
      if (count == 0) continue;
      const double apart = own.sum[c] / count - (seen > 0 ? all.sum[c] / seen : 0);
      all.square[c] += own.square[c] + apart * apart * (seen * count / (seen + count));
      all.sum[c] += own.sum[c];
      all.count[c] += count;
    }
  }
}

// moments: (3, C) f64, of the batch x (M, C).
inline void batch_norm_moments(Cpu cpu, Tensor& moments, const Tensor& x) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0, P = padded<T>(C);
    const RowChunks chunks(M, C);
    const Tensor parts = zeros({std::max(chunks.parts(), 1), 3, C}, DType::f64),
                 scratch({chunks.parts(), 3, P}, x.dtype());
    chunks.run([&](std::int64_t begin, std::int64_t end, int part) {
      const detail::Moments own(parts.data<double>() + part * 3 * C, C);
      std::fill_n(own.count, C, static_cast<double>(end - begin));
      detail::column_moments(own.sum, own.square, scratch.data<T>() + part * 3 * P, x.data<T>(), C, begin,
                             end);
    });
    batch_norm_merge(cpu, moments, parts);
  });
}

// fit: (5, C), see detail::Fit, from a batch's moments; the running statistics (C,) or undefined are moved;
// w, b: (C,) or undefined for 1 and 0.
inline void batch_norm_fit_moments(Cpu, Tensor& fit, Tensor& running_mean, Tensor& running_var,
                                   const Tensor& moments, const Tensor& w, const Tensor& b, double momentum,
                                   double eps) {
  dispatch_float(fit.dtype(), "batch_norm", [&]<class T>() {
    const auto move = [&](T& running, double value) {
      running = static_cast<T>((1 - momentum) * static_cast<double>(running) + momentum * value);
    };
    const std::int64_t C = fit.size(1);
    const detail::Fit<T> into(fit);
    const detail::Moments of(moments.data<double>(), C);
    for (std::int64_t c = 0; c < C; ++c) {
      into.set(c, of.sum[c] / of.count[c], of.square[c] / of.count[c], eps, w, b);
      if (!running_mean.defined()) continue;
      move(running_mean.data<T>()[c], of.sum[c] / of.count[c]);
      move(running_var.data<T>()[c], of.square[c] / (of.count[c] - 1));
    }
  });
}

// The same from the batch x (M, C).
inline void batch_norm_fit_batch(Cpu cpu, Tensor& fit, Tensor& running_mean, Tensor& running_var,
                                 const Tensor& x, const Tensor& w, const Tensor& b, double momentum,
                                 double eps) {
  Tensor moments({3, x.size(-1)}, DType::f64);
  batch_norm_moments(cpu, moments, x);
  batch_norm_fit_moments(cpu, fit, running_mean, running_var, moments, w, b, momentum, eps);
}

inline void batch_norm_fit_running(Cpu, Tensor& fit, const Tensor& running_mean, const Tensor& running_var,
                                   const Tensor& w, const Tensor& b, double eps) {
  dispatch_float(fit.dtype(), "batch_norm", [&]<class T>() {
    const detail::Fit<T> into(fit);
    for (std::int64_t c = 0; c < fit.size(1); ++c)
      into.set(c, static_cast<double>(running_mean.data<T>()[c]),
               static_cast<double>(running_var.data<T>()[c]), eps, w, b);
  });
}

}  // namespace cordis::inline CORDIS_ABI
