// kernels/activation.cuh: relu, sigmoid, tanh
#pragma once

#include <cmath>
#include <cordis/cuda/activation.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

// value(x), and gradient(dy, y), as cpu/activation.hpp has them.
template <class Kind>
struct ActivationOf;
template <>
struct ActivationOf<Relu> {
  template <class T>
  __device__ static T value(T x) {
    return x < 0 ? T{0} : x;
  }
  template <class T>
  __device__ static T gradient(T dy, T y) {
    return y <= 0 ? T{0} : dy;
  }
};
template <>
struct ActivationOf<Sigmoid> {
  template <class T>
  __device__ static T value(T x) {
    return 1 / (1 + std::exp(-x));
  }
  template <class T>
  __device__ static T gradient(T dy, T y) {
    return dy * y * (1 - y);
  }
};
template <>
struct ActivationOf<Tanh> {
  template <class T>
  __device__ static T value(T x) {
    return std::tanh(x);
  }
  template <class T>
  __device__ static T gradient(T dy, T y) {
    return dy * (1 - y * y);
  }
};

template <class Kind>
struct Activate {
  template <class T>
  __device__ T operator()(T x) const {
    return ActivationOf<Kind>::value(x);
  }
};
template <class Kind>
struct ActivationGradient {
  template <class T>
  __device__ T operator()(T dy, T y) const {
    return ActivationOf<Kind>::gradient(dy, y);
  }
};

}  // namespace detail

template <class Kind>
void activation_forward(Cuda device, Tensor& y, const Tensor& x) {
  dispatch_float(x.dtype(), "activation", [&]<class T>() {
    detail::map(device, "activation", x.numel(), y.data<T>(), detail::Activate<Kind>{},
                static_cast<const T*>(x.data<T>()));
  });
}
template <class Kind>
void activation_backward(Cuda device, Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_float(y.dtype(), "activation", [&]<class T>() {
    detail::map(device, "activation_backward", y.numel(), dx.data<T>(), detail::ActivationGradient<Kind>{},
                static_cast<const T*>(dy.data<T>()), static_cast<const T*>(y.data<T>()));
  });
}

template void activation_forward<Relu>(Cuda, Tensor&, const Tensor&);
template void activation_forward<Sigmoid>(Cuda, Tensor&, const Tensor&);
template void activation_forward<Tanh>(Cuda, Tensor&, const Tensor&);
template void activation_backward<Relu>(Cuda, Tensor&, const Tensor&, const Tensor&);
template void activation_backward<Sigmoid>(Cuda, Tensor&, const Tensor&, const Tensor&);
template void activation_backward<Tanh>(Cuda, Tensor&, const Tensor&, const Tensor&);

}  // namespace cordis::inline CORDIS_ABI
