// cordis/cuda/norm.hpp: norms for Cuda; contracts as in cpu/norm.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

double sum_of_squares(Cuda, const Tensors& xs);
double largest(Cuda, const Tensors& xs);

}  // namespace cordis::inline CORDIS_ABI
