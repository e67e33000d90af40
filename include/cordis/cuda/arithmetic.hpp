// cordis/cuda/arithmetic.hpp: kernels of op/arithmetic.hpp for Cuda; contracts as in cpu/arithmetic.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

struct Add;
struct Subtract;
struct Multiply;

template <class Kind>
void broadcast_binary(Cuda, Tensor& y, const Tensor& a, const Tensor& b);
void reduce_to(Cuda, Tensor& sum, const Tensor& x);

}  // namespace cordis::inline CORDIS_ABI
