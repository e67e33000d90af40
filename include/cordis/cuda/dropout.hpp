// cordis/cuda/dropout.hpp: kernel of op/dropout.hpp for Cuda: the same elements survive as on the CPU
#pragma once

#include <cordis/contract/dropout.hpp>
#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void dropout_apply(Cuda, Tensor& y, const Tensor& x, const DropoutMask& mask);

}  // namespace cordis::inline CORDIS_ABI
