// cordis/cpu/pool1d.hpp: kernels of op/pool1d.hpp
#pragma once

#include <cmath>
#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

struct MaxPool1dOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 0;  // 0: the kernel
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
};

// y: (N, L_out, C); winner: (N, L_out, C) i64, the sample's position in the record; x: (N, L, C).
inline void max_pool1d_forward(Cpu, Tensor& y, Tensor& winner, const Tensor& x,
                               const MaxPool1dOptions& options) {
  dispatch_float(x.dtype(), "max_pool1d", [&]<class T>() {
    const std::int64_t L = x.size(1), C = x.size(2), L_out = y.size(1);
    parallel_for(x.size(0), [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t row = begin * L_out; row < end * L_out; ++row) {
        const T* record = x.data<T>() + row / L_out * L * C;
        T* best = y.data<T>() + row * C;
        std::int64_t* at = winner.data<std::int64_t>() + row * C;
        bool first = true;
        for (std::int64_t k = 0; k < options.kernel; ++k) {
          const std::int64_t l = row % L_out * options.stride - options.padding + k * options.dilation;
          if (l < 0 || l >= L) continue;
          const T* sample = record + l * C;
          for (std::int64_t c = 0; c < C; ++c) {
            if (first || sample[c] > best[c] || std::isnan(sample[c])) {
              best[c] = sample[c];
              at[c] = l;
            }
          }
          first = false;
        }
      }
    });
  });
}

// dx: (N, L, C); dy, winner: (N, L_out, C).
inline void max_pool1d_backward(Cpu, Tensor& dx, const Tensor& dy, const Tensor& winner) {
  dispatch_float(dx.dtype(), "max_pool1d", [&]<class T>() {
    const std::int64_t record = dx.size(1) * dx.size(2), C = dx.size(2), out = dy.size(1) * C;
    parallel_for(dx.size(0), [&](std::int64_t begin, std::int64_t end, int) {
      std::fill(dx.data<T>() + begin * record, dx.data<T>() + end * record, T{0});
      for (std::int64_t n = begin; n < end; ++n)
        for (std::int64_t i = 0; i < out; ++i)
          dx.data<T>()[n * record + winner.data<std::int64_t>()[n * out + i] * C + i % C] +=
              dy.data<T>()[n * out + i];
    });
  });
}

// y: (N, C); x: (N, L, C).
inline void global_avg_pool1d_forward(Cpu, Tensor& y, const Tensor& x) {
  dispatch_float(x.dtype(), "global_avg_pool1d", [&]<class T>() {
    const std::int64_t L = x.size(1), C = x.size(2);
    parallel_for(x.size(0), [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t n = begin; n < end; ++n) {
        T* sum = y.data<T>() + n * C;
        std::fill_n(sum, C, T{0});
        for (std::int64_t l = 0; l < L; ++l)
          for (std::int64_t c = 0; c < C; ++c) sum[c] += x.data<T>()[(n * L + l) * C + c];
        for (std::int64_t c = 0; c < C; ++c) sum[c] /= static_cast<T>(L);
      }
    });
  });
}

// dx: (N, L, C); dy: (N, C).
inline void global_avg_pool1d_backward(Cpu, Tensor& dx, const Tensor& dy) {
  dispatch_float(dy.dtype(), "global_avg_pool1d", [&]<class T>() {
    const std::int64_t L = dx.size(1), C = dx.size(2);
    parallel_for(dx.size(0), [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t row = begin * L; row < end * L; ++row)
        for (std::int64_t c = 0; c < C; ++c)
          dx.data<T>()[row * C + c] = dy.data<T>()[row / L * C + c] / static_cast<T>(L);
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
