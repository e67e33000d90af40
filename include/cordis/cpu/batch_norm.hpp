// cordis/cpu/batch_norm.hpp: kernels of op/batch_norm.hpp
// Rows are samples in time of all records, M = N L of them; channels are columns. All is bound by memory, so
// x is read once for its statistics and once to be normalised: a block of rows that stays in the cache is
// gone through twice, for its mean and for the deviations from it, which loses no digits to cancellation;
// blocks are merged in double by Chan's formula. Several rows share one load of a column's sums or
// coefficients.
#pragma once

#include <algorithm>
#include <cmath>
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

template <bool kRelu, bool kResidual, class T>
void normalise(T* y, const T* x, const T* residual, const Fit<T>& fit, std::int64_t M, std::int64_t C) {
  RowChunks(M, C).run([=](std::int64_t begin, std::int64_t end, int) {
    for_row_groups(begin, end, [=](std::int64_t m, auto rows) {
      for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
        const Vec<T> mean = load_first(fit.mean + c, lanes), rest = load_first(fit.rest + c, lanes),
                     slope = load_first(fit.slope + c, lanes), offset = load_first(fit.offset + c, lanes);
        for (int r = 0; r < rows; ++r) {
          const std::int64_t at = (m + r) * C + c;
          Vec<T> v = ((load_first(x + at, lanes) - mean) - rest) * slope + offset;
          if constexpr (kResidual) v += load_first(residual + at, lanes);
          if constexpr (kRelu) v = v < 0 ? Vec<T>{} : v;
          store_first(y + at, v, lanes);
        }
      });
    });
  });
}

// What ReLU's mask is read from: nothing, x (y's sign is computed again: one array less to read), or y.
enum class Mask { none, x, y };

// dy where ReLU let y through.
template <Mask kMask, class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> masked(const T* dy, const T* y, Vec<T> d, Vec<T> slope, Vec<T> offset,
                                            Lanes lanes) {
  const Vec<T> g = load_first(dy, lanes);
  if constexpr (kMask == Mask::x) return d * slope + offset <= 0 ? Vec<T>{} : g;
  if constexpr (kMask == Mask::y) return load_first(y, lanes) <= 0 ? Vec<T>{} : g;
  return g;
}

// sums[c], sums[C + c]: sum g and sum g (x - mean) over rows [begin, end); g, where not null, is written, and
// may alias dy. scratch: (2 P).
template <Mask kMask, class T>
void gradient_sums(double* sums, T* scratch, T* g, const T* dy, const T* x, const T* y, const Fit<T>& fit,
                   std::int64_t C, std::int64_t begin, std::int64_t end) {
  const std::int64_t P = padded<T>(C);
  std::fill_n(sums, 2 * C, 0.0);
  for (std::int64_t from = begin; from < end; from += kNormBlock) {
    std::fill_n(scratch, 2 * P, T{0});
    for_row_groups(from, std::min(end, from + kNormBlock), [=](std::int64_t m, auto rows) {
      for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
        const Vec<T> mean = load_first(fit.mean + c, lanes), rest = load_first(fit.rest + c, lanes),
                     slope = load_first(fit.slope + c, lanes), offset = load_first(fit.offset + c, lanes);
        Vec<T> plain = load(scratch + c), along = load(scratch + P + c);
        for (int r = 0; r < rows; ++r) {
          const std::int64_t at = (m + r) * C + c;
          const Vec<T> d = (load_first(x + at, lanes) - mean) - rest;
          const Vec<T> v = masked<kMask>(dy + at, y + at, d, slope, offset, lanes);
          plain += v;
          along += v * d;
          if (g) store_first(g + at, v, lanes);
        }
        store(scratch + c, plain);
        store(scratch + P + c, along);
      });
    });
    for (std::int64_t c = 0; c < C; ++c) {
      sums[c] += static_cast<double>(scratch[c]);
      sums[C + c] += static_cast<double>(scratch[P + c]);
    }
  }
}

// dx = slope g - shift - (x - mean) tilt; may alias dy.
template <Mask kMask, class T>
void input_gradient(T* dx, const T* dy, const T* x, const T* y, const Fit<T>& fit, const T* shift,
                    const T* tilt, std::int64_t M, std::int64_t C) {
  RowChunks(M, C).run([=](std::int64_t begin, std::int64_t end, int) {
    for_row_groups(begin, end, [=](std::int64_t m, auto rows) {
      for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
        const Vec<T> mean = load_first(fit.mean + c, lanes), rest = load_first(fit.rest + c, lanes),
                     slope = load_first(fit.slope + c, lanes), offset = load_first(fit.offset + c, lanes),
                     a = load_first(shift + c, lanes), b = load_first(tilt + c, lanes);
        for (int r = 0; r < rows; ++r) {
          const std::int64_t at = (m + r) * C + c;
          const Vec<T> d = (load_first(x + at, lanes) - mean) - rest;
          const Vec<T> g = masked<kMask>(dy + at, y + at, d, slope, offset, lanes);
          store_first(dx + at, (slope * g - a) - d * b, lanes);
        }
      });
    });
  });
}

}  // namespace detail

// fit: (5, C), see detail::Fit, from the statistics of the batch x (M, C); the running statistics (C,) or
// undefined are moved; w, b: (C,) or undefined for 1 and 0.
inline void batch_norm_fit_batch(Cpu, Tensor& fit, Tensor& running_mean, Tensor& running_var, const Tensor& x,
                                 const Tensor& w, const Tensor& b, double momentum, double eps) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0, P = padded<T>(C);
    const RowChunks chunks(M, C);
    const int parts = chunks.parts();
    const Tensor moments({parts, 2, C}, DType::f64), scratch({parts, 3, P}, x.dtype());
    const auto total = [&](std::int64_t part) { return moments.data<double>() + part * 2 * C; };
    std::vector<double> counts(static_cast<std::size_t>(parts));
    chunks.run([&](std::int64_t begin, std::int64_t end, int part) {
      counts[static_cast<std::size_t>(part)] = static_cast<double>(end - begin);
      detail::column_moments(total(part), total(part) + C, scratch.data<T>() + part * 3 * P, x.data<T>(), C,
                             begin, end);
    });
    const auto move = [&](T& running, double value) {
      running = static_cast<T>((1 - momentum) * static_cast<double>(running) + momentum * value);
    };
    const detail::Fit<T> into(fit);
    const double size = static_cast<double>(M);
    for (std::int64_t c = 0; c < C; ++c) {
      double sum = total(0)[c], square = total(0)[C + c], seen = counts[0];
      for (int part = 1; part < parts; ++part) {
        const double count = counts[static_cast<std::size_t>(part)],
                     apart = total(part)[c] / count - sum / seen;
        square += total(part)[C + c] + apart * apart * (seen * count / (seen + count));
        sum += total(part)[c];
        seen += count;
      }
      into.set(c, sum / size, square / size, eps, w, b);
      if (!running_mean.defined()) continue;
      move(running_mean.data<T>()[c], sum / size);
      move(running_var.data<T>()[c], square / (size - 1));
    }
  });
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

// y, x, residual (or undefined): (M, C); y may alias either.
inline void batch_norm_forward(Cpu, Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& fit,
                               bool relu) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0;
    const detail::Fit<T> of(fit);
    const T* add = residual.defined() ? residual.data<T>() : nullptr;
    const auto run = [&](auto with_relu, auto with_residual) {
      detail::normalise<with_relu(), with_residual()>(y.data<T>(), x.data<T>(), add, of, M, C);
    };
    if (relu)
      add ? run(std::true_type{}, std::true_type{}) : run(std::true_type{}, std::false_type{});
    else
      add ? run(std::false_type{}, std::true_type{}) : run(std::false_type{}, std::false_type{});
  });
}

// With g = dy masked by ReLU and h = (x - mean) rstd: db = sum g, dw = sum g h, and from the batch's
// statistics
//   dx = w rstd (g - db / M - h dw / M);
// from fixed statistics dx = w rstd g. dx undefined where it is not wanted; dw, db always written. g (M, C)
// is written where defined, and may alias dy; else dx may. y: needed for the mask where a residual was added.
inline void batch_norm_backward(Cpu, Tensor& dx, Tensor& dw, Tensor& db, Tensor& g, const Tensor& dy,
                                const Tensor& x, const Tensor& y, const Tensor& fit, bool relu,
                                bool batch_statistics) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0, P = padded<T>(C);
    const detail::Fit<T> of(fit);
    const T *in = x.data<T>(), *upstream = dy.data<T>(), *out = y.defined() ? y.data<T>() : nullptr;
    T* mask_out = g.defined() ? g.data<T>() : nullptr;
    const auto run = [&]<detail::Mask kMask>(std::integral_constant<detail::Mask, kMask>) {
      const RowChunks chunks(M, C);
      const Tensor partial({std::max(chunks.parts(), 1), 2, C}, DType::f64),
          scratch({chunks.parts(), 2, P}, x.dtype()), slopes({2, C}, x.dtype());
      double* sums = partial.data<double>();
      std::fill_n(sums, 2 * C, 0.0);
      chunks.run([&](std::int64_t begin, std::int64_t end, int part) {
        detail::gradient_sums<kMask>(sums + part * 2 * C, scratch.data<T>() + part * 2 * P, mask_out,
                                     upstream, in, out, of, C, begin, end);
      });
      for (int part = 1; part < chunks.parts(); ++part)
        for (std::int64_t i = 0; i < 2 * C; ++i) sums[i] += sums[part * 2 * C + i];
      T *shift = slopes.data<T>(), *tilt = shift + C;
      const double share = batch_statistics ? 1 / static_cast<double>(M) : 0;
      for (std::int64_t c = 0; c < C; ++c) {
        const double r = static_cast<double>(of.rstd[c]), gain = static_cast<double>(of.slope[c]) * share;
        db.data<T>()[c] = static_cast<T>(sums[c]);
        dw.data<T>()[c] = static_cast<T>(sums[C + c] * r);
        shift[c] = share > 0 ? static_cast<T>(gain * sums[c]) : T{0};
        tilt[c] = share > 0 ? static_cast<T>(gain * r * r * sums[C + c]) : T{0};
      }
      if (!dx.defined()) return;
      if (mask_out)
        detail::input_gradient<detail::Mask::none>(dx.data<T>(), mask_out, in, out, of, shift, tilt, M, C);
      else
        detail::input_gradient<kMask>(dx.data<T>(), upstream, in, out, of, shift, tilt, M, C);
    };
    using detail::Mask;
    if (!relu)
      run(std::integral_constant<Mask, Mask::none>{});
    else if (out)
      run(std::integral_constant<Mask, Mask::y>{});
    else
      run(std::integral_constant<Mask, Mask::x>{});
  });
}

}  // namespace cordis::inline CORDIS_ABI
