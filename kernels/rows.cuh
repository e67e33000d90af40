// kernels/rows.cuh: ranges of the first axis
#pragma once

#include <cordis/cuda/rows.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

void rows_backward(Cuda, Tensor& dx, const Tensor& dy, std::int64_t begin) {
  dx.fill(0);
  dx.rows(begin, begin + dy.size(0)).copy_from(dy);
}

void concatenate_rows_forward(Cuda, Tensor& y, const Tensors& parts) {
  std::int64_t begin = 0;
  for (const auto& part : parts) {
    y.rows(begin, begin + part.size(0)).copy_from(part);
    begin += part.size(0);
  }
}

}  // namespace cordis::inline CORDIS_ABI
