// cordis/cpu/activation.hpp: kernels of op/activation.hpp
#pragma once

#include <cmath>
#include <cordis/cpu/accumulate.hpp>

namespace cordis::inline CORDIS_ABI {

// y = value(x); gradient(dy, y) is dy times the slope at the x that gave y.
struct Relu {  // of vectors too
  template <class V>
  [[gnu::always_inline]] static V value(V x) {
    return x < 0 ? V{} : x;
  }
  template <class V>
  [[gnu::always_inline]] static V gradient(V dy, V y) {
    return y <= 0 ? V{} : dy;
  }
};
struct Sigmoid {
  template <class T>
  static T value(T x) {
    return 1 / (1 + std::exp(-x));
  }
  template <class T>
  static T gradient(T dy, T y) {
    return dy * y * (1 - y);
  }
};
struct Tanh {
  template <class T>
  static T value(T x) {
    return std::tanh(x);
  }
  template <class T>
  static T gradient(T dy, T y) {
    return dy * (1 - y * y);
  }
};

// y, x: any shape; y may alias x.
template <class Kind>
void activation_forward(Cpu, Tensor& y, const Tensor& x) {
  dispatch_float(x.dtype(), "activation", [&]<class T>() {
    T* out = y.data<T>();
    const T* in = x.data<T>();
    parallel_elements(x.numel(), [=](std::int64_t begin, std::int64_t end) {
      if constexpr (std::is_same_v<Kind, Relu>)
        for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
          store_first(out + i, Relu::value(load_first(in + i, lanes)), lanes);
        });
      else
        for (std::int64_t i = begin; i < end; ++i) out[i] = Kind::value(in[i]);
    });
  });
}
// dx may alias dy.
template <class Kind>
void activation_backward(Cpu, Tensor& dx, const Tensor& dy, const Tensor& y) {
  dispatch_float(y.dtype(), "activation", [&]<class T>() {
    T* out = dx.data<T>();
    const T *upstream = dy.data<T>(), *saved = y.data<T>();
    parallel_elements(y.numel(), [=](std::int64_t begin, std::int64_t end) {
      if constexpr (std::is_same_v<Kind, Relu>)
        for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
          store_first(out + i, Relu::gradient(load_first(upstream + i, lanes), load_first(saved + i, lanes)),
                      lanes);
        });
      else
        for (std::int64_t i = begin; i < end; ++i) out[i] = Kind::gradient(upstream[i], saved[i]);
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
