// cordis/cpu/sequence.hpp: kernels of op/sequence.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// y: (N, D H); x: (N, L, D H).
inline void last_state_forward(Cpu, Tensor& y, const Tensor& x, std::int64_t directions) {
  dispatch_float(x.dtype(), "last_state", [&]<class T>() {
    const std::int64_t L = x.size(1), C = x.size(2), H = C / directions;
    for (std::int64_t n = 0; n < x.size(0); ++n) {
      const T* record = x.data<T>() + n * L * C;
      std::copy_n(record + (L - 1) * C, H, y.data<T>() + n * C);
      std::copy(record + H, record + C, y.data<T>() + n * C + H);
    }
  });
}

// dx: (N, L, D H); dy: (N, D H).
inline void last_state_backward(Cpu, Tensor& dx, const Tensor& dy, std::int64_t directions) {
  dispatch_float(dy.dtype(), "last_state", [&]<class T>() {
    const std::int64_t L = dx.size(1), C = dx.size(2), H = C / directions;
    dx.fill(0);
    for (std::int64_t n = 0; n < dx.size(0); ++n) {
      T* record = dx.data<T>() + n * L * C;
      const T* upstream = dy.data<T>() + n * C;
      std::copy_n(upstream, H, record + (L - 1) * C);
      std::copy(upstream + H, upstream + C, record + H);
    }
  });
}

}  // namespace cordis::inline CORDIS_ABI
