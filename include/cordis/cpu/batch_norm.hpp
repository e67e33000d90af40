// cordis/cpu/batch_norm.hpp: kernels of op/batch_norm.hpp
// Rows are samples in time of all records, M = N L of them; channels are columns. All is bound by memory, so
// x is read once for its statistics and once to be normalised: a block of rows that stays in the cache is
// gone through twice, for its mean and for the deviations from it, which loses no digits to cancellation;
// blocks are merged in double by Chan's formula. Several rows share one load of a column's sums or
// coefficients.
#pragma once

#include <algorithm>
#include <cordis/cpu/batch_norm_moments.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

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

// dy[at] where ReLU let y[at] through.
template <Mask kMask, class T, class Lanes>
[[gnu::always_inline]] inline Vec<T> masked(const T* dy, const T* y, std::int64_t at, Vec<T> d, Vec<T> slope,
                                            Vec<T> offset, Lanes lanes) {
  const Vec<T> g = load_first(dy + at, lanes);
  if constexpr (kMask == Mask::x) return d * slope + offset <= 0 ? Vec<T>{} : g;
  if constexpr (kMask == Mask::y) return load_first(y + at, lanes) <= 0 ? Vec<T>{} : g;
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
          const Vec<T> v = masked<kMask>(dy, y, at, d, slope, offset, lanes);
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
          const Vec<T> g = masked<kMask>(dy, y, at, d, slope, offset, lanes);
          store_first(dx + at, (slope * g - a) - d * b, lanes);
        }
      });
    });
  });
}

// Calls f<T, kMask>() for the element type of x and the mask that a backward needs.
template <class F>
void with_mask(const Tensor& x, const Tensor& y, bool relu, const char* op, F&& f) {
  dispatch_float(x.dtype(), op, [&]<class T>() {
    if (!relu)
      f.template operator()<T, Mask::none>();
    else if (y.defined())
      f.template operator()<T, Mask::y>();
    else
      f.template operator()<T, Mask::x>();
  });
}

}  // namespace detail

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

// What batch_norm_backward does in two halves, between which the sums of several parts of a batch can be
// added.
//
// sums: (2, C) f64, sum g and sum g (x - mean), with g = dy masked by ReLU. g (M, C) is written where
// defined, and may alias dy. y: needed for the mask where a residual was added.
inline void batch_norm_gradient_sums(Cpu, Tensor& sums, Tensor& g, const Tensor& dy, const Tensor& x,
                                     const Tensor& y, const Tensor& fit, bool relu) {
  detail::with_mask(x, y, relu, "batch_norm", [&]<class T, detail::Mask kMask>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0, P = padded<T>(C);
    const RowChunks chunks(M, C);
    const Tensor partial({std::max(chunks.parts(), 1), 2, C}, DType::f64),
        scratch({chunks.parts(), 2, P}, x.dtype());
    double *of = partial.data<double>(), *all = sums.data<double>();
    std::fill_n(of, 2 * C, 0.0);
    chunks.run([&](std::int64_t begin, std::int64_t end, int part) {
      detail::gradient_sums<kMask>(of + part * 2 * C, scratch.data<T>() + part * 2 * P,
                                   g.defined() ? g.data<T>() : nullptr, dy.data<T>(), x.data<T>(),
                                   y.defined() ? y.data<T>() : nullptr, detail::Fit<T>(fit), C, begin, end);
    });
    std::copy_n(of, 2 * C, all);
    for (int part = 1; part < chunks.parts(); ++part)
      for (std::int64_t i = 0; i < 2 * C; ++i) all[i] += of[part * 2 * C + i];
  });
}

// dx = w rstd (g - sum g / M - h sum g h / M) with h = (x - mean) rstd and the sums over a batch of M rows; M
// = 0 stands for fixed statistics: dx = w rstd g. g as above, or undefined; then dx may alias dy.
inline void batch_norm_input_gradient(Cpu, Tensor& dx, const Tensor& g, const Tensor& dy, const Tensor& x,
                                      const Tensor& y, const Tensor& fit, bool relu, const Tensor& sums,
                                      double M) {
  detail::with_mask(x, y, relu && !g.defined(), "batch_norm", [&]<class T, detail::Mask kMask>() {
    const std::int64_t C = x.size(-1), rows = C ? x.numel() / C : 0;
    const detail::Fit<T> of(fit);
    const Tensor slopes({2, C}, x.dtype());
    T *shift = slopes.data<T>(), *tilt = shift + C;
    const double share = M > 0 ? 1 / M : 0, *along = sums.data<double>();
    for (std::int64_t c = 0; c < C; ++c) {
      const double r = static_cast<double>(of.rstd[c]), gain = static_cast<double>(of.slope[c]) * share;
      shift[c] = share > 0 ? static_cast<T>(gain * along[c]) : T{0};
      tilt[c] = share > 0 ? static_cast<T>(gain * r * r * along[C + c]) : T{0};
    }
    detail::input_gradient<kMask>(dx.data<T>(), g.defined() ? g.data<T>() : dy.data<T>(), x.data<T>(),
                                  y.defined() ? y.data<T>() : nullptr, of, shift, tilt, rows, C);
  });
}

// dw = sum g h, db = sum g, (C,).
inline void batch_norm_affine_gradient(Cpu, Tensor& dw, Tensor& db, const Tensor& sums, const Tensor& fit) {
  dispatch_float(fit.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = fit.size(1);
    const detail::Fit<T> of(fit);
    const double* along = sums.data<double>();
    for (std::int64_t c = 0; c < C; ++c) {
      db.data<T>()[c] = static_cast<T>(along[c]);
      dw.data<T>()[c] = static_cast<T>(along[C + c] * static_cast<double>(of.rstd[c]));
    }
  });
}

// All of it for one batch. dx undefined where it is not wanted; dw, db always written. g is written where
// defined, and may alias dy; else dx may.
inline void batch_norm_backward(Cpu cpu, Tensor& dx, Tensor& dw, Tensor& db, Tensor& g, const Tensor& dy,
                                const Tensor& x, const Tensor& y, const Tensor& fit, bool relu,
                                bool batch_statistics) {
  const std::int64_t C = x.size(-1);
  Tensor sums({2, C}, DType::f64);
  batch_norm_gradient_sums(cpu, sums, g, dy, x, y, fit, relu);
  batch_norm_affine_gradient(cpu, dw, db, sums, fit);
  if (!dx.defined()) return;
  const double M = batch_statistics && C ? static_cast<double>(x.numel() / C) : 0;
  batch_norm_input_gradient(cpu, dx, g, dy, x, y, fit, relu, sums, M);
}

}  // namespace cordis::inline CORDIS_ABI
