// cordis/cuda/activation.hpp: kernels of op/activation.hpp for Cuda; contracts as in cpu/activation.hpp
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

struct Relu;
struct Sigmoid;
struct Tanh;

template <class Kind>
void activation_forward(Cuda, Tensor& y, const Tensor& x);
template <class Kind>
void activation_backward(Cuda, Tensor& dx, const Tensor& dy, const Tensor& y);

}  // namespace cordis::inline CORDIS_ABI
