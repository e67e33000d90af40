// kernels/recurrent_steps.cuh: all time steps of an LSTM or GRU layer in one launch
// A block carries a few records through all steps: records do not depend on each other, so that no block
// waits for another. A thread has hidden units of all the block's records: it reads a column of the recurrent
// weights, which lie so that neighbours read neighbours, once for all of them.
#pragma once

#include "recurrent_cell.cuh"

namespace cordis::inline CORDIS_ABI::detail {

// The weights (G H, H) as (H, G, H): element (k, g, u) is what h[k] gives to gate g of unit u.
template <class T>
__global__ void __launch_bounds__(kBlock)
    recurrent_columns_kernel(T* to, const T* w, std::int64_t n, std::int64_t gates, std::int64_t H) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const std::int64_t u = i % H, g = i / H % gates, k = i / H / gates;
    to[i] = w[(g * H + u) * H + k];
  }
}

// Directions at blockIdx.y, kRows records at blockIdx.x. projection (D, N, L, G H): W_ih x + b_ih. columns
// (D, H, G, H). b_hh (D, G H) or null. h0, c0: (D, N, H) or null. y (N, L, D H). c_n, gates (D, N, L, 4, H)
// and c (D, N, L, H) may be null.
template <class Cell, int kRows, class T>
__global__ void __launch_bounds__(kBlock, 1)
    recurrent_forward_kernel(RecurrentSizes s, T* y, T* h_n, T* c_n, T* gates, T* c_all, const T* projection,
                             const T* columns, const T* b_hh, const T* h0, const T* c0) {
  constexpr int G = Cell::kGates;
  KERNEL_DYNAMIC_SHARED(T, shared);
  T *before = shared, *after = before + kRows * s.H, *c = after + kRows * s.H;  // (kRows, H)
  const int d = static_cast<int>(blockIdx.y), n0 = static_cast<int>(blockIdx.x) * kRows;
  const std::int64_t states = static_cast<std::int64_t>(d) * s.N + n0;
  for (int i = static_cast<int>(threadIdx.x); i < kRows * s.H; i += static_cast<int>(blockDim.x)) {
    const bool inside = n0 + i / s.H < s.N;
    before[i] = inside && h0 ? h0[states * s.H + i] : T{0};
    if (Cell::kHasCell) c[i] = inside && c0 ? c0[states * s.H + i] : T{0};
  }
  columns += static_cast<std::int64_t>(d) * s.H * G * s.H;
  if (b_hh) b_hh += d * G * s.H;
  __syncthreads();
  for (int step = 0; step < s.L; ++step) {
    const int t = d == 0 ? step : s.L - 1 - step;
    for (int u = static_cast<int>(threadIdx.x); u < s.H; u += static_cast<int>(blockDim.x)) {
      T sum[kRows][G];
#pragma unroll
      for (int g = 0; g < G; ++g) {
        const T bias = b_hh ? b_hh[g * s.H + u] : T{0};
#pragma unroll
        for (int r = 0; r < kRows; ++r) sum[r][g] = bias;
      }
      for (int k = 0; k < s.H; ++k) {
        T w[G];
#pragma unroll
        for (int g = 0; g < G; ++g) w[g] = columns[(static_cast<std::int64_t>(k) * G + g) * s.H + u];
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          const T h = before[r * s.H + k];
#pragma unroll
          for (int g = 0; g < G; ++g) sum[r][g] += w[g] * h;
        }
      }
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        if (n0 + r >= s.N) {
          after[r * s.H + u] = T{0};
          continue;
        }
        const std::int64_t at = (states + r) * s.L + t;
        T x[G], kept[4];
#pragma unroll
        for (int g = 0; g < G; ++g) x[g] = projection[(at * G + g) * s.H + u];
        const T h = Cell::forward(kept, c[Cell::kHasCell ? r * s.H + u : 0], x, sum[r], before[r * s.H + u]);
        after[r * s.H + u] = h;
        y[((static_cast<std::int64_t>(n0) + r) * s.L + t) * s.D * s.H + d * s.H + u] = h;
        if (!gates) continue;
#pragma unroll
        for (int g = 0; g < 4; ++g) gates[(at * 4 + g) * s.H + u] = kept[g];
        if (Cell::kHasCell) c_all[at * s.H + u] = c[r * s.H + u];
      }
    }
    __syncthreads();
    T* const swap = before;
    before = after, after = swap;
  }
  for (int i = static_cast<int>(threadIdx.x); i < kRows * s.H; i += static_cast<int>(blockDim.x)) {
    if (n0 + i / s.H >= s.N) break;
    h_n[states * s.H + i] = before[i];
    if (Cell::kHasCell) c_n[states * s.H + i] = c[i];
  }
}

// dz_x, dz_h (D, N, L, G H): gradients of what x and h give to the gates; the same array for an LSTM. carry,
// dc (D, N, H): in: the gradients of h_n and c_n; out: those of h0 and c0. h_before, c_before: (D, N, L, H),
// states before each step.
template <class Cell, int kRows, class T>
__global__ void __launch_bounds__(kBlock, 1)
    recurrent_backward_kernel(RecurrentSizes s, T* dz_x, T* dz_h, T* carry, T* dc, const T* dy,
                              const T* gates, const T* c_all, const T* h_before, const T* c0, const T* w_hh) {
  constexpr int G = Cell::kGates;
  KERNEL_DYNAMIC_SHARED(T, dz);  // (kRows, G H)
  const int d = static_cast<int>(blockIdx.y), n0 = static_cast<int>(blockIdx.x) * kRows, width = G * s.H;
  const std::int64_t states = static_cast<std::int64_t>(d) * s.N + n0;
  w_hh += static_cast<std::int64_t>(d) * width * s.H;
  for (int step = s.L - 1; step >= 0; --step) {
    const int t = d == 0 ? step : s.L - 1 - step, t_before = d == 0 ? t - 1 : t + 1;
    for (int u = static_cast<int>(threadIdx.x); u < s.H; u += static_cast<int>(blockDim.x))
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        if (n0 + r >= s.N) {
#pragma unroll
          for (int g = 0; g < G; ++g) dz[r * width + g * s.H + u] = T{0};
          continue;
        }
        const std::int64_t state = (states + r) * s.H + u, at = (states + r) * s.L + t;
        T dh = carry[state], kept[4], from_x[G], from_h[G];
        if (dy) dh += dy[((static_cast<std::int64_t>(n0) + r) * s.L + t) * s.D * s.H + d * s.H + u];
#pragma unroll
        for (int g = 0; g < 4; ++g) kept[g] = gates[(at * 4 + g) * s.H + u];
        T c{0}, before{0}, cell_gradient{0};
        if (Cell::kHasCell) {
          c = c_all[at * s.H + u];
          before = step > 0 ? c_all[((states + r) * s.L + t_before) * s.H + u] : c0 ? c0[state] : T{0};
          cell_gradient = dc[state];
        } else {
          before = h_before[at * s.H + u];
        }
        carry[state] = Cell::backward(from_x, from_h, cell_gradient, dh, kept, c, before);
        if (Cell::kHasCell) dc[state] = cell_gradient;
#pragma unroll
        for (int g = 0; g < G; ++g) {
          dz[r * width + g * s.H + u] = from_h[g];
          dz_h[(at * G + g) * s.H + u] = from_h[g];
          if (!Cell::kHasCell) dz_x[(at * G + g) * s.H + u] = from_x[g];
        }
      }
    __syncthreads();
    for (int k = static_cast<int>(threadIdx.x); k < s.H; k += static_cast<int>(blockDim.x)) {
      T sum[kRows] = {};
      for (int j = 0; j < width; ++j) {
        const T w = w_hh[static_cast<std::int64_t>(j) * s.H + k];
#pragma unroll
        for (int r = 0; r < kRows; ++r) sum[r] += w * dz[r * width + j];
      }
#pragma unroll
      for (int r = 0; r < kRows; ++r)
        if (n0 + r < s.N) carry[(states + r) * s.H + k] += sum[r];
    }
    __syncthreads();
  }
}

// to (N, L, H): the state before each step of one direction: h0 (N, H) or zeros, then y (N, L, D H).
template <class T>
__global__ void __launch_bounds__(kBlock)
    states_before_kernel(T* to, const T* y, const T* h0, RecurrentSizes s, int d) {
  const std::int64_t n = static_cast<std::int64_t>(s.N) * s.L * s.H;
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const std::int64_t u = i % s.H, t = i / s.H % s.L, record = i / s.H / s.L, from = d == 0 ? t - 1 : t + 1;
    to[i] = from >= 0 && from < s.L ? y[(record * s.L + from) * s.D * s.H + d * s.H + u]
            : h0                    ? h0[record * s.H + u]
                                    : T{0};
  }
}

}  // namespace cordis::inline CORDIS_ABI::detail
