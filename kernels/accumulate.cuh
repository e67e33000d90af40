// kernels/accumulate.cuh: into += x and x *= factor
#pragma once

#include <cordis/cuda/accumulate.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {
struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
template <class T>
struct Times {
  T factor;
  __device__ T operator()(T x) const { return x * factor; }
};
}  // namespace detail

void accumulate(Cuda device, Tensor& into, const Tensor& x) {
  dispatch_float(x.dtype(), "accumulate", [&]<class T>() {
    detail::map(device, "accumulate", x.numel(), into.data<T>(), detail::Plus{},
                static_cast<const T*>(into.data<T>()), static_cast<const T*>(x.data<T>()));
  });
}

void scale(Cuda device, Tensor& y, const Tensor& x, double factor) {
  dispatch_float(x.dtype(), "scale", [&]<class T>() {
    detail::map(device, "scale", x.numel(), y.data<T>(), detail::Times<T>{static_cast<T>(factor)},
                static_cast<const T*>(x.data<T>()));
  });
}

}  // namespace cordis::inline CORDIS_ABI
