// kernels/loss.cuh: binary and categorical cross-entropy on logits
#pragma once

#include <cmath>
#include <cordis/cuda/loss.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

inline constexpr int kLossBlocks = 256;

// Term i, as cpu/loss.hpp has it.
template <class T>
struct BceTerm {
  const T *x, *y, *p;
  std::int64_t K;
  __device__ T weight(std::int64_t i) const { return p ? 1 + (p[i % K] - 1) * y[i] : T{1}; }
  __device__ T operator()(std::int64_t i) const {
    const T v = x[i];
    return (1 - y[i]) * v + weight(i) * (std::log1p(std::exp(-std::abs(v))) + (v < 0 ? -v : T{0}));
  }
};

// partial[block] = the sum of term(i), or loss[i] = term(i).
template <class T>
__global__ void __launch_bounds__(kBlock) bce_sum_kernel(double* partial, BceTerm<T> term, std::int64_t n) {
  __shared__ double warps[32];
  double sum = 0;
  for (std::int64_t i = first_element(); i < n; i += element_step()) sum += static_cast<double>(term(i));
  sum = block_sum(warps, sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}
template <class T>
__global__ void __launch_bounds__(kBlock) bce_each_kernel(T* loss, BceTerm<T> term, std::int64_t n) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) loss[i] = term(i);
}
// dx = dy (1 - y - q s(-x)); dy: one for each element, or one in all.
template <class T>
__global__ void __launch_bounds__(kBlock, 4)
    bce_backward_kernel(T* dx, const T* dy, bool each, T share, BceTerm<T> term, std::int64_t n) {
  for (std::int64_t i = first_element(); i < n; i += element_step())
    dx[i] = (each ? dy[i] : dy[0] * share) * (1 - term.y[i] - term.weight(i) / (1 + std::exp(term.x[i])));
}

}  // namespace detail

void bce_with_logits_forward(Cuda device, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& p,
                             Reduction reduction) {
  using namespace detail;
  const std::int64_t n = x.numel();
  dispatch_float(x.dtype(), "bce_with_logits", [&]<class T>() {
    const BceTerm<T> term{x.data<T>(), y.data<T>(), data_or_null<T>(p), p.defined() ? p.numel() : 1};
    if (reduction == Reduction::none) {
      if (n > 0)
        run(device, "bce_each", bce_each_kernel<T>, blocks_for(n), kBlock, 0, loss.data<T>(), term, n);
      return;
    }
    const int blocks = std::min(blocks_for(n), kLossBlocks);
    const Tensor partial({blocks}, DType::f64, x.device());
    run(device, "bce_sum", bce_sum_kernel<T>, blocks, kBlock, 0, partial.data<double>(), term, n);
    finish_sum(device, loss.data<T>(), partial, 1 / reduction_divisor(reduction, static_cast<double>(n)));
  });
}

void bce_with_logits_backward(Cuda device, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                              const Tensor& p, Reduction reduction) {
  using namespace detail;
  const std::int64_t n = x.numel();
  if (n == 0) return;
  dispatch_float(x.dtype(), "bce_with_logits", [&]<class T>() {
    const BceTerm<T> term{x.data<T>(), y.data<T>(), data_or_null<T>(p), p.defined() ? p.numel() : 1};
    run(device, "bce_backward", bce_backward_kernel<T>, blocks_for(n), kBlock, 0, dx.data<T>(), dy.data<T>(),
        reduction == Reduction::none,
        static_cast<T>(1 / reduction_divisor(reduction, static_cast<double>(n))), term, n);
  });
}

namespace detail {

// A row of logits against its target.
template <class T>
struct CrossEntropyRow {
  const T* x;
  const std::int64_t* y;
  const T* w;
  std::int64_t K;
  SoftTarget soft;

  __device__ bool counts(std::int64_t n) const { return y[n] != soft.ignore_index; }
  __device__ double weight(std::int64_t k) const { return w ? static_cast<double>(w[k]) : 1.0; }
  __device__ double share(std::int64_t n, std::int64_t k) const {
    return weight(k) * (soft.smoothing / static_cast<double>(K) + (k == y[n] ? 1 - soft.smoothing : 0));
  }
  __device__ double top(std::int64_t n) const {
    T best = x[n * K];
    for (std::int64_t k = 1; k < K; ++k) best = x[n * K + k] > best ? x[n * K + k] : best;
    return static_cast<double>(best);
  }
  // The sum of exp(x - top)
  __device__ double total(std::int64_t n, double top) const {
    double sum = 0;
    for (std::int64_t k = 0; k < K; ++k) sum += std::exp(static_cast<double>(x[n * K + k]) - top);
    return sum;
  }
};

// Of each row its loss and its weight in the mean; each thread sums its rows into partial (2, threads).
template <class T>
__global__ void __launch_bounds__(kBlock)
    cross_entropy_kernel(T* each, double* partial, CrossEntropyRow<T> row, std::int64_t N, int blocks) {
  __shared__ double warps[32];
  double sum = 0, mass = 0;
  for (std::int64_t n = first_element(); n < N; n += element_step()) {
    double term = 0;
    if (row.counts(n)) {
      const double top = row.top(n), log_total = top + std::log(row.total(n, top));
      for (std::int64_t k = 0; k < row.K; ++k)
        if (row.soft.smoothing > 0 || k == row.y[n])
          term += row.share(n, k) * (log_total - static_cast<double>(row.x[n * row.K + k]));
      mass += row.weight(row.y[n]);
    }
    if (each) each[n] = static_cast<T>(term);
    sum += term;
  }
  sum = block_sum(warps, sum);
  mass = block_sum(warps, mass);
  if (threadIdx.x != 0) return;
  partial[blockIdx.x] = sum;
  partial[blocks + blockIdx.x] = mass;
}

template <class T>
__global__ void __launch_bounds__(kBlock, 2)
    cross_entropy_backward_kernel(T* dx, const T* dy, bool each, const double* divisor,
                                  CrossEntropyRow<T> row, std::int64_t N) {
  for (std::int64_t n = first_element(); n < N; n += element_step()) {
    T* out = dx + n * row.K;
    if (!row.counts(n)) {
      for (std::int64_t k = 0; k < row.K; ++k) out[k] = T{0};
      continue;
    }
    const double top = row.top(n), total = row.total(n, top);
    double mass = 0;
    for (std::int64_t k = 0; k < row.K; ++k) mass += row.share(n, k);
    const double upstream = static_cast<double>(each ? dy[n] : dy[0]) / (divisor ? *divisor : 1);
    for (std::int64_t k = 0; k < row.K; ++k)
      out[k] = static_cast<T>(
          upstream *
          (std::exp(static_cast<double>(row.x[n * row.K + k]) - top) / total * mass - row.share(n, k)));
  }
}

__global__ void __launch_bounds__(kBlock)
    first_bad_target_kernel(unsigned long long* first, const std::int64_t* y, std::int64_t N,
                            std::int64_t classes, std::int64_t ignore_index) {
  for (std::int64_t n = first_element(); n < N; n += element_step())
    if (y[n] != ignore_index && (y[n] < 0 || y[n] >= classes))
      atomicMin(first, static_cast<unsigned long long>(n));
}

// loss, or the mean's divisor where loss is null, of all rows.
template <class T>
Tensor cross_entropy_sums(Cuda device, T* each, const CrossEntropyRow<T>& row, std::int64_t N) {
  const int blocks = std::min(blocks_for(N), kLossBlocks);
  Tensor partial({2, blocks}, DType::f64, Device::cuda(device.index));
  run(device, "cross_entropy", cross_entropy_kernel<T>, blocks, kBlock, 0, each, partial.data<double>(), row,
      N, blocks);
  return partial;
}

}  // namespace detail

std::int64_t first_bad_target(Cuda device, const Tensor& y, std::int64_t classes, std::int64_t ignore_index) {
  using namespace detail;
  const std::int64_t N = y.numel();
  if (N == 0) return 0;
  const Tensor first = full({}, static_cast<double>(N), DType::i64, y.device());
  run(device, "first_bad_target", first_bad_target_kernel, blocks_for(N), kBlock, 0,
      static_cast<unsigned long long*>(first.raw()), y.data<std::int64_t>(), N, classes, ignore_index);
  return first.item<std::int64_t>();
}

void cross_entropy_forward(Cuda device, Tensor& loss, const Tensor& x, const Tensor& y, const Tensor& w,
                           const SoftTarget& soft, Reduction reduction) {
  using namespace detail;
  const std::int64_t N = x.size(0);
  dispatch_float(x.dtype(), "cross_entropy", [&]<class T>() {
    const CrossEntropyRow<T> row{x.data<T>(), y.data<std::int64_t>(), data_or_null<T>(w), x.size(1), soft};
    const bool each = reduction == Reduction::none;
    const Tensor sums = cross_entropy_sums(device, each ? loss.data<T>() : nullptr, row, N);
    if (each) return;
    const Tensor mass({}, DType::f64, x.device());
    finish_sum(device, mass.data<double>(), sums.rows(1, 2));
    finish_sum(device, loss.data<T>(), sums.rows(0, 1), 1,
               reduction == Reduction::mean ? mass.data<double>() : nullptr);
  });
}

void cross_entropy_backward(Cuda device, Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y,
                            const Tensor& w, const SoftTarget& soft, Reduction reduction) {
  using namespace detail;
  const std::int64_t N = x.size(0);
  if (x.numel() == 0) return;
  dispatch_float(x.dtype(), "cross_entropy", [&]<class T>() {
    const CrossEntropyRow<T> row{x.data<T>(), y.data<std::int64_t>(), data_or_null<T>(w), x.size(1), soft};
    Tensor mass;
    if (reduction == Reduction::mean) {
      mass = Tensor({}, DType::f64, x.device());
      finish_sum(device, mass.data<double>(), cross_entropy_sums<T>(device, nullptr, row, N).rows(1, 2));
    }
    run(device, "cross_entropy_backward", cross_entropy_backward_kernel<T>, blocks_for(N), kBlock, 0,
        dx.data<T>(), dy.data<T>(), reduction == Reduction::none,
        mass.defined() ? mass.data<double>() : nullptr, row, N);
  });
}

}  // namespace cordis::inline CORDIS_ABI
