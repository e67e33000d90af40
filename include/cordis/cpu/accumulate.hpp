// cordis/cpu/accumulate.hpp: into += x and x *= factor, the arithmetic of gradients themselves
#pragma once

#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

inline constexpr std::int64_t kPointwiseGrain = 16384;  // elements worth a thread of their own

// Calls f(begin, end) over ranges of [0, n), in parallel where n is large.
template <class F>
void parallel_elements(std::int64_t n, F&& f) {
  const std::int64_t chunks = (n + kPointwiseGrain - 1) / kPointwiseGrain;
  parallel_for(chunks, [&](std::int64_t begin, std::int64_t end, int) {
    f(begin * kPointwiseGrain, std::min(n, end * kPointwiseGrain));
  });
}

// into, x: any shape, the same number of elements.
inline void accumulate(Cpu, Tensor& into, const Tensor& x) {
  dispatch_float(x.dtype(), "accumulate", [&]<class T>() {
    T* sum = into.data<T>();
    const T* term = x.data<T>();
    parallel_elements(x.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) sum[i] += term[i];
    });
  });
}

// y = factor * x; y may alias x.
inline void scale(Cpu, Tensor& y, const Tensor& x, double factor) {
  dispatch_float(x.dtype(), "scale", [&]<class T>() {
    T* out = y.data<T>();
    const T* in = x.data<T>();
    const T by = static_cast<T>(factor);
    parallel_elements(x.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * by;
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
