// cordis/cpu/recurrent_cell.hpp: one time step of an LSTM and of a GRU, a vector of hidden units at a time
// A group of u <= kLanes<T> units keeps four blocks side by side, u values each: before the step sums, after
// it what backward reads. Whole vectors are loaded and stored, in ascending order: what a store leaves behind
// its block, the next one overwrites, and behind the last lies room (recurrent_layout.hpp).
#pragma once

#include <array>
#include <cordis/cpu/simd_math.hpp>

namespace cordis::inline CORDIS_ABI {

// What flows between the steps of backward for one group, and where its gradients go.
template <class T>
struct RecurrentGradient {
  T* sums;         // of the blocks that h reaches, side by side
  T* candidate;    // of a GRU's n, which h does not reach
  T* carry;        // in: gradient of h from the next step; out: what does not pass through the sums
  T* dc;           // in: gradient of c from the next step; out: for the step before
  const T* dy;     // gradient of h from outside
  std::int64_t u;  // units
};

// Blocks i, f, g, o, all of x and h:
//   c = s(f) c + s(i) tanh(g);  h = s(o) tanh(c)
struct LstmCell {
  static constexpr const char* kName = "lstm";
  static constexpr std::int64_t kGates = 4;  // row blocks of weight_ih and weight_hh
  static constexpr bool kHasCell = true;
  // Row block of weight_ih and of weight_hh that feeds each block; -1: none.
  static constexpr std::array<int, 4> kOfX{0, 1, 2, 3}, kOfH{0, 1, 2, 3};

  template <bool kKeep, class T>
  static void gates(T* z, std::int64_t u, T* c, const T* c_before) {
    const Vec<T> i = sigmoid<T>(load(z)), f = sigmoid<T>(load(z + u)), g = tanh<T>(load(z + 2 * u)),
                 o = sigmoid<T>(load(z + 3 * u));
    store<T>(c, f * load(c_before) + i * g);
    if constexpr (kKeep) store<T>(z, i), store<T>(z + u, f), store<T>(z + 2 * u, g);
    store<T>(z + 3 * u, o);
  }
  template <class T>
  static void output(T* z, std::int64_t u, T* h, const T*, const T* c) {
    store<T>(h, load(z + 3 * u) * tanh<T>(load(c)));
  }

  // z, c as forward left them. What flows to h of the step before goes through the sums alone.
  template <class T>
  static void backward(const RecurrentGradient<T>& d, const T* z, const T*, const T* c, const T* c_before) {
    const std::int64_t u = d.u;
    const Vec<T> i = load(z), f = load(z + u), g = load(z + 2 * u), o = load(z + 3 * u);
    const Vec<T> dh = load(d.carry) + load(d.dy), th = tanh<T>(load(c));
    const Vec<T> dc = load(d.dc) + dh * o * (T{1} - th * th);
    store<T>(d.dc, dc * f);
    store<T>(d.sums, dc * g * i * (T{1} - i));
    store<T>(d.sums + u, dc * load(c_before) * f * (T{1} - f));
    store<T>(d.sums + 2 * u, dc * i * (T{1} - g * g));
    store<T>(d.sums + 3 * u, dh * th * o * (T{1} - o));
  }
};

// Blocks n of x, r and z of x and h, and q = W_hn h + b_hn apart, since the reset gate scales it alone:
//   n = tanh(n + s(r) q);  h = (1 - s(z)) n + s(z) h
struct GruCell {
  static constexpr const char* kName = "gru";
  static constexpr std::int64_t kGates = 3;
  static constexpr bool kHasCell = false;
  static constexpr std::array<int, 4> kOfX{2, 0, 1, -1}, kOfH{-1, 0, 1, 2};

  template <bool, class T>
  static void gates(T* z, std::int64_t u, T*, const T*) {
    const Vec<T> n = load(z), r = sigmoid<T>(load(z + u)), update = sigmoid<T>(load(z + 2 * u)),
                 q = load(z + 3 * u);
    store<T>(z, n + r * q), store<T>(z + u, r), store<T>(z + 2 * u, update), store<T>(z + 3 * u, q);
  }
  template <class T>
  static void output(T* z, std::int64_t u, T* h, const T* h_before, const T*) {
    const Vec<T> n = tanh<T>(load(z)), r = load(z + u), update = load(z + 2 * u), q = load(z + 3 * u);
    store<T>(h, n + update * (load(h_before) - n));
    store<T>(z, n), store<T>(z + u, r), store<T>(z + 2 * u, update), store<T>(z + 3 * u, q);
  }

  template <class T>
  static void backward(const RecurrentGradient<T>& d, const T* z, const T* h_before, const T*, const T*) {
    const std::int64_t u = d.u;
    const Vec<T> n = load(z), r = load(z + u), update = load(z + 2 * u), q = load(z + 3 * u);
    const Vec<T> dh = load(d.carry) + load(d.dy), dn = dh * (T{1} - update) * (T{1} - n * n);
    store<T>(d.carry, dh * update);
    store<T>(d.sums, dn * q * r * (T{1} - r));
    store<T>(d.sums + u, dh * (load(h_before) - n) * update * (T{1} - update));
    store<T>(d.sums + 2 * u, dn * r);
    store<T>(d.candidate, dn);
  }
};

}  // namespace cordis::inline CORDIS_ABI
