// cordis/cpu/rows.hpp: kernels of op/rows.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// dx: zero but for dy at its rows from `begin`.
inline void rows_backward(Cpu, Tensor& dx, const Tensor& dy, std::int64_t begin) {
  dx.fill(0);
  Tensor range = dx.rows(begin, begin + dy.size(0));
  if (dy.bytes()) std::memcpy(range.raw(), dy.raw(), dy.bytes());
}

inline void concatenate_rows_forward(Cpu, Tensor& y, const Tensors& parts) {
  auto* to = static_cast<std::byte*>(y.raw());
  for (const auto& part : parts) {
    if (part.bytes()) std::memcpy(to, part.raw(), part.bytes());
    to += part.bytes();
  }
}

}  // namespace cordis::inline CORDIS_ABI
