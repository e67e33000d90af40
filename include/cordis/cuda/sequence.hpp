// cordis/cuda/sequence.hpp: kernels of op/sequence.hpp for Cuda; contracts as in cpu/sequence.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void last_state_forward(Cuda, Tensor& y, const Tensor& x, std::int64_t directions);
void last_state_backward(Cuda, Tensor& dx, const Tensor& dy, std::int64_t directions);

}  // namespace cordis::inline CORDIS_ABI
