// cordis/cpu/recurrent_cell.hpp: one time step of an LSTM and of a GRU, element by element
// Both keep four columns blocks of H per sample: before the step they hold sums, after it what backward
// reads.
#pragma once

#include <Eigen/Core>
#include <cordis/config.hpp>
#include <cstdint>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// Columns of the four blocks that a product with rows [weight, weight + count) H of weight_hh adds to.
struct RecurrentBlock {
  std::int64_t gate, weight, count;  // in units of H
};

namespace detail {
template <class T>
using ArrayMap = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstArrayMap = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;
}  // namespace detail

// Gates i, f, g, o, all of x and h:
//   c = s(f) c + s(i) tanh(g);  h = s(o) tanh(c)
struct LstmCell {
  static constexpr const char* kName = "lstm";
  static constexpr std::int64_t kGates = 4;  // row blocks of weight_ih and weight_hh
  static constexpr bool kHasCell = true;
  static std::vector<RecurrentBlock> hidden_blocks() { return {{0, 0, 4}}; }

  // gates: (4 H), sums in, activations out; h, c: (H) written; h_before, c_before: (H).
  template <class T>
  static void forward(std::int64_t H, T* gates, T* h, T* c, const T*, const T* c_before) {
    using Map = detail::ArrayMap<T>;
    Map input_forget(gates, 2 * H), i(gates, H), f(gates + H, H), g(gates + 2 * H, H), o(gates + 3 * H, H),
        cell(c, H), out(h, H);
    input_forget = input_forget.logistic();
    g = g.tanh();
    o = o.logistic();
    cell = f * detail::ConstArrayMap<T>(c_before, H) + i * g;
    out = o * cell.tanh();
  }

  // d: (4 H) written, the gradient of the sums; dh: (H) of this step's output; dc: (H) in: from the next
  // step, out: for the one before; gates, c as forward left them. What flows to h_before goes through the
  // sums alone: carry = 0.
  template <class T>
  static void backward(std::int64_t H, T* d, T* carry, const T* dh, T* dc, const T* gates, const T* c,
                       const T*, const T* c_before) {
    for (std::int64_t k = 0; k < H; ++k) {
      const T i = gates[k], f = gates[H + k], g = gates[2 * H + k], o = gates[3 * H + k];
      d[3 * H + k] = c[k];  // holds tanh(c) below
      d[k] = g * i * (1 - i), d[H + k] = c_before[k] * f * (1 - f), d[2 * H + k] = i * (1 - g * g);
      carry[k] = o;
    }
    detail::ArrayMap<T> tanh_c(d + 3 * H, H);
    tanh_c = tanh_c.tanh();
    for (std::int64_t k = 0; k < H; ++k) {
      const T o = carry[k], th = d[3 * H + k];
      const T total = dc[k] + dh[k] * o * (1 - th * th);
      d[k] *= total, d[H + k] *= total, d[2 * H + k] *= total;
      d[3 * H + k] = dh[k] * th * o * (1 - o);
      dc[k] = total * gates[H + k];
      carry[k] = 0;
    }
  }
};

// Blocks r, z, n of x (and r, z of h), and q = W_hn h + b_hn apart, since the reset gate scales it alone:
//   n = tanh(n + s(r) q);  h = (1 - s(z)) n + s(z) h
struct GruCell {
  static constexpr const char* kName = "gru";
  static constexpr std::int64_t kGates = 3;
  static constexpr bool kHasCell = false;
  static std::vector<RecurrentBlock> hidden_blocks() { return {{0, 0, 2}, {3, 2, 1}}; }

  template <class T>
  static void forward(std::int64_t H, T* gates, T* h, T*, const T* h_before, const T*) {
    using Map = detail::ArrayMap<T>;
    Map reset_update(gates, 2 * H), r(gates, H), z(gates + H, H), n(gates + 2 * H, H), q(gates + 3 * H, H),
        out(h, H);
    reset_update = reset_update.logistic();
    n = (n + r * q).tanh();
    out = n + z * (detail::ConstArrayMap<T>(h_before, H) - n);
  }

  template <class T>
  static void backward(std::int64_t H, T* d, T* carry, const T* dh, T*, const T* gates, const T*,
                       const T* h_before, const T*) {
    for (std::int64_t k = 0; k < H; ++k) {
      const T r = gates[k], z = gates[H + k], n = gates[2 * H + k], q = gates[3 * H + k];
      const T dn = dh[k] * (1 - z) * (1 - n * n);
      d[k] = dn * q * r * (1 - r);
      d[H + k] = dh[k] * (h_before[k] - n) * z * (1 - z);
      d[2 * H + k] = dn;
      d[3 * H + k] = dn * r;
      carry[k] = dh[k] * z;
    }
  }
};

}  // namespace cordis::inline CORDIS_ABI
