// cordis/cuda/rows.hpp: kernels of op/rows.hpp for Cuda; contracts as in cpu/rows.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void rows_backward(Cuda, Tensor& dx, const Tensor& dy, std::int64_t begin);
void concatenate_rows_forward(Cuda, Tensor& y, const Tensors& parts);

}  // namespace cordis::inline CORDIS_ABI
