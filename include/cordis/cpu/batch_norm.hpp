// cordis/cpu/batch_norm.hpp: kernels of op/batch_norm.hpp
// Rows are samples in time of all records, M = N L of them; channels are columns. Sums run in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <vector>

namespace cordis::inline CORDIS_ABI {

namespace detail {

inline constexpr std::int64_t kRowChunk = 64;

// Column sums of `width` values per channel: add(row, sums) for each row; partial sums in the order of the
// parts.
template <class F>
std::vector<double> column_sums(std::int64_t rows, std::size_t columns, F&& add) {
  const std::int64_t chunks = (rows + kRowChunk - 1) / kRowChunk;
  std::vector<std::vector<double>> partial(static_cast<std::size_t>(parallel_parts(chunks)),
                                           std::vector<double>(columns, 0.0));
  parallel_for(chunks, [&](std::int64_t begin, std::int64_t end, int part) {
    double* sums = partial[static_cast<std::size_t>(part)].data();
    for (std::int64_t m = begin * kRowChunk; m < std::min(rows, end * kRowChunk); ++m) add(m, sums);
  });
  for (std::size_t part = 1; part < partial.size(); ++part)
    for (std::size_t i = 0; i < columns; ++i) partial[0][i] += partial[part][i];
  return partial[0];
}

template <class F>
void for_rows(std::int64_t rows, F&& f) {
  const std::int64_t chunks = (rows + kRowChunk - 1) / kRowChunk;
  parallel_for(chunks, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t m = begin * kRowChunk; m < std::min(rows, end * kRowChunk); ++m) f(m);
  });
}

}  // namespace detail

// mean, rstd = 1 / sqrt(var + eps): (C,), of the batch x (M, C); the running statistics (C,) or undefined are
// moved.
inline void batch_norm_statistics(Cpu, Tensor& mean, Tensor& rstd, Tensor& running_mean, Tensor& running_var,
                                  const Tensor& x, double momentum, double eps) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0;
    const T* in = x.data<T>();
    const auto columns = static_cast<std::size_t>(C);
    auto average = detail::column_sums(M, columns, [&](std::int64_t m, double* sum) {
      for (std::int64_t c = 0; c < C; ++c) sum[c] += static_cast<double>(in[m * C + c]);
    });
    for (double& value : average) value /= static_cast<double>(M);
    const double* center = average.data();
    const auto square = detail::column_sums(M, columns, [&](std::int64_t m, double* sum) {
      for (std::int64_t c = 0; c < C; ++c) {
        const double d = static_cast<double>(in[m * C + c]) - center[c];
        sum[c] += d * d;
      }
    });
    const auto move = [&](T& running, double value) {
      running = static_cast<T>((1 - momentum) * static_cast<double>(running) + momentum * value);
    };
    for (std::size_t c = 0; c < columns; ++c) {
      mean.data<T>()[c] = static_cast<T>(average[c]);
      rstd.data<T>()[c] = static_cast<T>(1 / std::sqrt(square[c] / static_cast<double>(M) + eps));
      if (!running_mean.defined()) continue;
      move(running_mean.data<T>()[c], average[c]);
      move(running_var.data<T>()[c], square[c] / static_cast<double>(M - 1));
    }
  });
}

inline void batch_norm_running(Cpu, Tensor& mean, Tensor& rstd, const Tensor& running_mean,
                               const Tensor& running_var, double eps) {
  dispatch_float(mean.dtype(), "batch_norm", [&]<class T>() {
    for (std::int64_t c = 0; c < mean.numel(); ++c) {
      mean.data<T>()[c] = running_mean.data<T>()[c];
      rstd.data<T>()[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(running_var.data<T>()[c]) + eps));
    }
  });
}

// y, x: (M, C), y may alias x; the rest (C,), w and b undefined for 1 and 0. Rounded once, at the end: the
// ReLU that follows turns on the sign of sums that nearly cancel.
inline void batch_norm_forward(Cpu, Tensor& y, const Tensor& x, const Tensor& mean, const Tensor& rstd,
                               const Tensor& w, const Tensor& b) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0;
    const T* in = x.data<T>();
    const auto wide = [&](const Tensor& of, double otherwise) {
      std::vector<double> values(static_cast<std::size_t>(C), otherwise);
      if (of.defined()) std::copy_n(of.data<T>(), C, values.begin());
      return values;
    };
    const auto means = wide(mean, 0), offsets = wide(b, 0), weights = wide(w, 1);
    auto slopes = wide(rstd, 1);
    for (std::size_t c = 0; c < slopes.size(); ++c) slopes[c] *= weights[c];
    const double *center = means.data(), *a = slopes.data(), *shift = offsets.data();
    T* out = y.data<T>();
    detail::for_rows(M, [&](std::int64_t m) {
      for (std::int64_t c = 0; c < C; ++c)
        out[m * C + c] = static_cast<T>((static_cast<double>(in[m * C + c]) - center[c]) * a[c] + shift[c]);
    });
  });
}

// With h = (x - mean) rstd: db = sum dy, dw = sum dy h, and from the batch's statistics
//   dx = w rstd (dy - db / M - h dw / M);
// from fixed statistics dx = w rstd dy. dx undefined where it is not wanted; dw, db always written.
inline void batch_norm_backward(Cpu, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                                const Tensor& mean, const Tensor& rstd, const Tensor& w,
                                bool batch_statistics) {
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t C = x.size(-1), M = C ? x.numel() / C : 0;
    const auto columns = static_cast<std::size_t>(C);
    const T *in = x.data<T>(), *upstream = dy.data<T>(), *center = mean.data<T>(), *scale = rstd.data<T>();
    const auto sums = detail::column_sums(M, 2 * columns, [&](std::int64_t m, double* sum) {
      for (std::int64_t c = 0; c < C; ++c) {
        const T d = upstream[m * C + c];
        sum[c] += static_cast<double>(d);
        sum[C + c] += static_cast<double>(d * (in[m * C + c] - center[c]));
      }
    });
    std::vector<T> slope(columns), constant(columns, T{0}), along(columns, T{0});
    for (std::size_t c = 0; c < columns; ++c) {
      const double r = static_cast<double>(scale[c]);
      db.data<T>()[c] = static_cast<T>(sums[c]);
      dw.data<T>()[c] = static_cast<T>(sums[columns + c] * r);
      const double gain = r * (w.defined() ? static_cast<double>(w.data<T>()[c]) : 1);
      slope[c] = static_cast<T>(gain);
      if (!batch_statistics) continue;
      constant[c] = static_cast<T>(gain * sums[c] / static_cast<double>(M));
      along[c] = static_cast<T>(gain * r * r * sums[columns + c] / static_cast<double>(M));
    }
    if (!dx.defined()) return;
    const T *a = slope.data(), *k = constant.data(), *h = along.data();
    T* out = dx.data<T>();
    detail::for_rows(M, [&](std::int64_t m) {
      for (std::int64_t c = 0; c < C; ++c)
        out[m * C + c] = a[c] * upstream[m * C + c] - k[c] - (in[m * C + c] - center[c]) * h[c];
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
