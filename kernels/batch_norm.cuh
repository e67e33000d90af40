// kernels/batch_norm.cuh: statistics and normalisation of each channel
// x is (M, C), channels last. Two levels: a thread takes 16 rows of a channel into registers, and from them
// their mean and the squared deviations from it; such groups are merged in double by Chan's formula, within
// the thread, over the block's 8 rows of threads, and over the blocks by a second kernel. Nothing is read
// twice, and no digits are lost to cancellation.
#pragma once

#include <cmath>
#include <cordis/cuda/batch_norm.hpp>

#include "columns.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

inline constexpr int kGroup = 16;  // rows in registers

// Count, mean and sum of squared deviations.
struct Moments {
  double count = 0, mean = 0, square = 0;
  __device__ void merge(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count, apart = other.mean - mean;
    square += other.square + apart * apart * (count * other.count / total);
    mean += apart * (other.count / total);
    count = total;
  }
};

// partial (splits, C) of x (M, C). Block (32, 8).
template <class T>
__global__ void __launch_bounds__(kBlock)
    moments_kernel(Moments* partial, const T* x, std::int64_t M, std::int64_t C, std::int64_t share) {
  __shared__ double counts[8][32], means[8][32], squares[8][32];
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * 32 + threadIdx.x, begin = blockIdx.y * share,
                     end = begin + share < M ? begin + share : M;
  Moments all;
  if (c < C)
    for (std::int64_t m = begin + threadIdx.y; m < end; m += 8 * kGroup) {
      T v[kGroup], sum{0};
      int count = 0;
#pragma unroll
      for (int i = 0; i < kGroup; ++i) {
        const bool inside = m + 8 * i < end;
        v[i] = inside ? x[(m + 8 * i) * C + c] : T{0};
        sum += v[i];
        count += inside;
      }
      const T mean = sum / static_cast<T>(count);
      T rest{0}, square{0};
#pragma unroll
      for (int i = 0; i < kGroup; ++i) {
        const T d = i < count ? v[i] - mean : T{0};
        rest += d;
        square += d * d;
      }
      const double left = static_cast<double>(rest);
      Moments group;
      group.count = count;
      group.mean = static_cast<double>(mean) + left / count;
      group.square = static_cast<double>(square) - left * left / count;
      all.merge(group);
    }
  counts[threadIdx.y][threadIdx.x] = all.count;
  means[threadIdx.y][threadIdx.x] = all.mean;
  squares[threadIdx.y][threadIdx.x] = all.square;
  __syncthreads();
  if (threadIdx.y != 0 || c >= C) return;
  for (int i = 1; i < 8; ++i) {
    Moments other;
    other.count = counts[i][threadIdx.x];
    other.mean = means[i][threadIdx.x];
    other.square = squares[i][threadIdx.x];
    all.merge(other);
  }
  partial[blockIdx.y * C + c] = all;
}

// The rows of `fit`, as cpu/batch_norm.hpp has them.
template <class T>
struct FitRows {
  T *mean, *rest, *rstd, *slope, *offset;
  FitRows(T* fit, std::int64_t C)
      : mean(fit), rest(fit + C), rstd(fit + 2 * C), slope(fit + 3 * C), offset(fit + 4 * C) {}
  __device__ void set(std::int64_t c, double average, double variance, double eps, const T* w,
                      const T* b) const {
    const double r = 1 / std::sqrt(variance + eps);
    mean[c] = static_cast<T>(average);
    rest[c] = static_cast<T>(average - static_cast<double>(mean[c]));
    rstd[c] = static_cast<T>(r);
    slope[c] = static_cast<T>(w ? r * static_cast<double>(w[c]) : r);
    offset[c] = b ? b[c] : T{0};
  }
};

template <class T>
__global__ void __launch_bounds__(kBlock, 4)
    fit_batch_kernel(FitRows<T> fit, T* running_mean, T* running_var, const Moments* partial, std::int64_t C,
                     int splits, const T* w, const T* b, double momentum, double eps) {
  for (std::int64_t c = first_element(); c < C; c += element_step()) {
    Moments all;
    for (int s = 0; s < splits; ++s) all.merge(partial[s * C + c]);
    fit.set(c, all.mean, all.square / all.count, eps, w, b);
    if (!running_mean) continue;
    const double var = all.square / (all.count - 1);
    running_mean[c] =
        static_cast<T>((1 - momentum) * static_cast<double>(running_mean[c]) + momentum * all.mean);
    running_var[c] = static_cast<T>((1 - momentum) * static_cast<double>(running_var[c]) + momentum * var);
  }
}
template <class T>
__global__ void __launch_bounds__(kBlock)
    fit_running_kernel(FitRows<T> fit, const T* running_mean, const T* running_var, std::int64_t C,
                       const T* w, const T* b, double eps) {
  for (std::int64_t c = first_element(); c < C; c += element_step())
    fit.set(c, static_cast<double>(running_mean[c]), static_cast<double>(running_var[c]), eps, w, b);
}

template <int V, class T>
__global__ void __launch_bounds__(kBlock)
    normalise_kernel(T* y, const T* x, const T* residual, FitRows<T> fit, std::int64_t n, int C, bool relu) {
  for (std::int64_t p = first_element(); p < n / V; p += element_step()) {
    const Pack<T, V> in = reinterpret_cast<const Pack<T, V>*>(x)[p];
    Pack<T, V> add{}, out;
    if (residual) add = reinterpret_cast<const Pack<T, V>*>(residual)[p];
    const int c0 = static_cast<int>(p * V % C);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const int c = c0 + k;
      T v = ((in.v[k] - fit.mean[c]) - fit.rest[c]) * fit.slope[c] + fit.offset[c];
      if (residual) v += add.v[k];
      out.v[k] = relu && v < 0 ? T{0} : v;
    }
    reinterpret_cast<Pack<T, V>*>(y)[p] = out;
  }
}

// What of dy passes ReLU: all, or where x normalised, or y, is positive.
enum class Pass { all, of_x, of_y };
template <class T>
__device__ T passed(Pass pass, T dy, T d, T slope, T offset, const T* y) {
  if (pass == Pass::of_x) return d * slope + offset <= 0 ? T{0} : dy;
  if (pass == Pass::of_y) return *y <= 0 ? T{0} : dy;
  return dy;
}

// partial (splits, 2, C): sum g and sum g (x - mean); g, where not null, is written, and may alias dy. Block
// (32, 8).
template <class T>
__global__ void __launch_bounds__(kBlock)
    gradient_sums_kernel(double* partial, T* g, const T* dy, const T* x, const T* y, FitRows<T> fit,
                         std::int64_t M, std::int64_t C, std::int64_t share, Pass pass) {
  __shared__ double plain[8][33], along[8][33];
  const std::int64_t c = static_cast<std::int64_t>(blockIdx.x) * 32 + threadIdx.x, begin = blockIdx.y * share,
                     end = begin + share < M ? begin + share : M;
  double sum = 0, product = 0;
  if (c < C) {
    const T mean = fit.mean[c], rest = fit.rest[c], slope = fit.slope[c], offset = fit.offset[c];
    for (std::int64_t m = begin + threadIdx.y; m < end; m += 8 * kGroup) {
      T own_sum{0}, own_product{0};
#pragma unroll 4
      for (int i = 0; i < kGroup; ++i) {
        const std::int64_t at = (m + 8 * i) * C + c;
        if (m + 8 * i >= end) break;
        const T d = (x[at] - mean) - rest, v = passed(pass, dy[at], d, slope, offset, y + at);
        if (g) g[at] = v;
        own_sum += v;
        own_product += v * d;
      }
      sum += static_cast<double>(own_sum);
      product += static_cast<double>(own_product);
    }
  }
  plain[threadIdx.y][threadIdx.x] = sum;
  along[threadIdx.y][threadIdx.x] = product;
  __syncthreads();
  if (threadIdx.y != 0 || c >= C) return;
  for (int i = 1; i < 8; ++i) sum += plain[i][threadIdx.x], product += along[i][threadIdx.x];
  partial[(blockIdx.y * 2) * C + c] = sum;
  partial[(blockIdx.y * 2 + 1) * C + c] = product;
}

// dw, db, and shift, tilt (C,) for the gradient of x; share: 1 / M, or 0 where the statistics are fixed.
template <class T>
__global__ void __launch_bounds__(kBlock)
    gradient_fit_kernel(T* dw, T* db, T* shift, T* tilt, const double* partial, FitRows<T> fit,
                        std::int64_t C, int splits, double share) {
  for (std::int64_t c = first_element(); c < C; c += element_step()) {
    double sum = 0, product = 0;
    for (int s = 0; s < splits; ++s) sum += partial[2 * s * C + c], product += partial[(2 * s + 1) * C + c];
    const double r = static_cast<double>(fit.rstd[c]), gain = static_cast<double>(fit.slope[c]) * share;
    db[c] = static_cast<T>(sum);
    dw[c] = static_cast<T>(product * r);
    shift[c] = share > 0 ? static_cast<T>(gain * sum) : T{0};
    tilt[c] = share > 0 ? static_cast<T>(gain * r * r * product) : T{0};
  }
}

// dx = slope g - shift - (x - mean) tilt; may alias dy.
template <int V, class T>
__global__ void __launch_bounds__(kBlock)
    input_gradient_kernel(T* dx, const T* dy, const T* x, const T* y, FitRows<T> fit, const T* shift,
                          const T* tilt, std::int64_t n, int C, Pass pass) {
  for (std::int64_t p = first_element(); p < n / V; p += element_step()) {
    const Pack<T, V> in = reinterpret_cast<const Pack<T, V>*>(x)[p],
                     up = reinterpret_cast<const Pack<T, V>*>(dy)[p];
    Pack<T, V> out;
    const int c0 = static_cast<int>(p * V % C);
#pragma unroll
    for (int k = 0; k < V; ++k) {
      const int c = c0 + k;
      const T d = (in.v[k] - fit.mean[c]) - fit.rest[c];
      const T g = passed(pass, up.v[k], d, fit.slope[c], fit.offset[c], y + p * V + k);
      out.v[k] = (fit.slope[c] * g - shift[c]) - d * tilt[c];
    }
    reinterpret_cast<Pack<T, V>*>(dx)[p] = out;
  }
}

}  // namespace detail

void batch_norm_fit_batch(Cuda device, Tensor& fit, Tensor& running_mean, Tensor& running_var,
                          const Tensor& x, const Tensor& w, const Tensor& b, double momentum, double eps) {
  using namespace detail;
  const std::int64_t C = x.size(-1), M = rows_of(x);
  if (C == 0) return;
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const RowSplits by(M, C);
    const Storage partial(static_cast<std::size_t>(by.splits * C) * sizeof(Moments), x.device());
    auto* moments = static_cast<Moments*>(partial.data());
    run(device, "moments", moments_kernel<T>, by.grid, column_block(), 0, moments, x.data<T>(), M, C,
        by.share);
    run(device, "fit_batch", fit_batch_kernel<T>, blocks_for(C), kBlock, 0, FitRows<T>(fit.data<T>(), C),
        data_or_null<T>(running_mean), data_or_null<T>(running_var), moments, C, by.splits,
        data_or_null<T>(w), data_or_null<T>(b), momentum, eps);
  });
}

void batch_norm_fit_running(Cuda device, Tensor& fit, const Tensor& running_mean, const Tensor& running_var,
                            const Tensor& w, const Tensor& b, double eps) {
  using namespace detail;
  const std::int64_t C = fit.size(1);
  if (C == 0) return;
  dispatch_float(fit.dtype(), "batch_norm", [&]<class T>() {
    run(device, "fit_running", fit_running_kernel<T>, blocks_for(C), kBlock, 0, FitRows<T>(fit.data<T>(), C),
        running_mean.data<T>(), running_var.data<T>(), C, data_or_null<T>(w), data_or_null<T>(b), eps);
  });
}

void batch_norm_forward(Cuda device, Tensor& y, const Tensor& x, const Tensor& residual, const Tensor& fit,
                        bool relu) {
  using namespace detail;
  const std::int64_t n = x.numel();
  if (n == 0) return;
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const int C = static_cast<int>(x.size(-1));
    const FitRows<T> of(fit.data<T>(), C);
    const T* add = data_or_null<T>(residual);
    constexpr int V = kPack<T>;
    const bool packs = C % V == 0 && aligned(y.raw()) && aligned(x.raw()) && aligned(add);
    run(device, "normalise", packs ? normalise_kernel<V, T> : normalise_kernel<1, T>,
        blocks_for(packs ? n / V : n), kBlock, 0, y.data<T>(), x.data<T>(), add, of, n, C, relu);
  });
}

void batch_norm_backward(Cuda device, Tensor& dx, Tensor& dw, Tensor& db, Tensor& g, const Tensor& dy,
                         const Tensor& x, const Tensor& y, const Tensor& fit, bool relu,
                         bool batch_statistics) {
  using namespace detail;
  const std::int64_t C = x.size(-1), M = rows_of(x), n = x.numel();
  if (C == 0) return;
  dispatch_float(x.dtype(), "batch_norm", [&]<class T>() {
    const FitRows<T> of(fit.data<T>(), C);
    const T* out = data_or_null<T>(y);
    const Pass pass = !relu ? Pass::all : out ? Pass::of_y : Pass::of_x;
    const RowSplits by(M, C);
    const Tensor partial({by.splits, 2, C}, DType::f64, x.device()), slopes({2, C}, x.dtype(), x.device());
    T *shift = slopes.data<T>(), *tilt = shift + C, *masked = data_or_null<T>(g);
    run(device, "gradient_sums", gradient_sums_kernel<T>, by.grid, column_block(), 0, partial.data<double>(),
        masked, dy.data<T>(), x.data<T>(), out, of, M, C, by.share, pass);
    run(device, "gradient_fit", gradient_fit_kernel<T>, blocks_for(C), kBlock, 0, dw.data<T>(), db.data<T>(),
        shift, tilt, partial.data<double>(), of, C, by.splits,
        batch_statistics ? 1 / static_cast<double>(M) : 0.0);
    if (!dx.defined() || n == 0) return;
    const T* up = masked ? masked : dy.data<T>();
    constexpr int V = kPack<T>;
    const bool packs = C % V == 0 && aligned(dx.raw()) && aligned(x.raw()) && aligned(up);
    run(device, "input_gradient", packs ? input_gradient_kernel<V, T> : input_gradient_kernel<1, T>,
        blocks_for(packs ? n / V : n), kBlock, 0, dx.data<T>(), up, x.data<T>(), out, of, shift, tilt, n,
        static_cast<int>(C), masked ? Pass::all : pass);
  });
}

}  // namespace cordis::inline CORDIS_ABI
