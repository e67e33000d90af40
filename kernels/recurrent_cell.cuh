// kernels/recurrent_cell.cuh: one time step of one hidden unit of an LSTM and of a GRU, and back
#pragma once

#include <cmath>
#include <cordis/cuda/recurrent.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI::detail {

struct RecurrentSizes {
  int N, L, H, D;
  // x (N, L, I); states (D, N, H)
  RecurrentSizes(const Tensor& x, const Tensor& states)
      : N(static_cast<int>(x.size(0))),
        L(static_cast<int>(x.size(1))),
        H(static_cast<int>(states.size(2))),
        D(static_cast<int>(states.size(0))) {}
};

template <class T>
__device__ T logistic(T x) {
  return 1 / (1 + std::exp(-x));
}

template <class Cell>
struct CellOf;

// Gates i, f, g, o, what x and h give added up:
//   c = s(f) c + s(i) tanh(g);  h = s(o) tanh(c)
template <>
struct CellOf<LstmCell> {
  static constexpr const char* kName = "lstm";
  static constexpr int kGates = 4;
  static constexpr bool kHasCell = true;

  // kept: what backward reads. c: before, then after the step. Returns h.
  template <class T>
  __device__ static T forward(T (&kept)[4], T& c, const T (&x)[4], const T (&h)[4], T) {
    kept[0] = logistic(x[0] + h[0]);
    kept[1] = logistic(x[1] + h[1]);
    kept[2] = std::tanh(x[2] + h[2]);
    kept[3] = logistic(x[3] + h[3]);
    c = kept[1] * c + kept[0] * kept[2];
    return kept[3] * std::tanh(c);
  }
  // dc: gradient of c after, then of c before the step. Returns what dh passes on to the state before
  // directly.
  template <class T>
  __device__ static T backward(T (&)[4], T (&dz)[4], T& dc, T dh, const T (&kept)[4], T c, T c_before) {
    const T i = kept[0], f = kept[1], g = kept[2], o = kept[3], th = std::tanh(c);
    const T d = dc + dh * o * (1 - th * th);
    dz[0] = d * g * i * (1 - i);
    dz[1] = d * c_before * f * (1 - f);
    dz[2] = d * i * (1 - g * g);
    dz[3] = dh * th * o * (1 - o);
    dc = d * f;
    return T{0};
  }
};

// Gates r, z, n; the reset gate scales what h gives to n alone:
//   n = tanh(x_n + s(r) h_n);  h = (1 - s(z)) n + s(z) h
template <>
struct CellOf<GruCell> {
  static constexpr const char* kName = "gru";
  static constexpr int kGates = 3;
  static constexpr bool kHasCell = false;

  template <class T>
  __device__ static T forward(T (&kept)[4], T&, const T (&x)[3], const T (&h)[3], T before) {
    kept[0] = logistic(x[0] + h[0]);
    kept[1] = logistic(x[1] + h[1]);
    kept[2] = std::tanh(x[2] + kept[0] * h[2]);
    kept[3] = h[2];
    return kept[2] + kept[1] * (before - kept[2]);
  }
  template <class T>
  __device__ static T backward(T (&dx)[3], T (&dz)[3], T&, T dh, const T (&kept)[4], T, T before) {
    const T r = kept[0], z = kept[1], n = kept[2], dn = dh * (1 - z) * (1 - n * n);
    dx[0] = dz[0] = dn * kept[3] * r * (1 - r);
    dx[1] = dz[1] = dh * (before - n) * z * (1 - z);
    dx[2] = dn;
    dz[2] = dn * r;
    return dh * z;
  }
};

}  // namespace cordis::inline CORDIS_ABI::detail
