// cordis/cuda/accumulate.hpp: sums and multiples of gradients for Cuda; contracts as in cpu/accumulate.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

void accumulate(Cuda, Tensor& into, const Tensor& x);
void scale(Cuda, Tensor& y, const Tensor& x, double factor);

}  // namespace cordis::inline CORDIS_ABI
