// kernels/recurrent.cuh: an LSTM or GRU layer over whole records
// What x gives to the gates is one product for all steps. A block then carries a few records through all
// steps, in one launch: records do not depend on each other, so that no block waits for another. A thread has
// hidden units of all the block's records: it reads a column of the recurrent weights, which lie so that
// neighbours read neighbours, once for all of them. Backward goes the same way and leaves the gates'
// gradients, from which products make those of x and of the weights.
#pragma once

#include <cmath>
#include <cordis/cuda/recurrent.hpp>

#include "columns.cuh"
#include "ending.cuh"
#include "product.cuh"
#include "recurrent_cell.cuh"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI {

namespace detail {

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

// Calls f.operator()<kRows>(threads, bytes): as many records a block as shared memory has room for,
// `per_record` elements each.
template <class T, class F>
void with_rows(const char* op, const RecurrentSizes& s, std::int64_t per_record, F&& f) {
  const int threads = std::min(kBlock, (s.H + 31) / 32 * 32);
  const auto bytes = [&](int rows) { return static_cast<std::size_t>(rows * per_record) * sizeof(T); };
  constexpr std::size_t kShared = 48 << 10;  // what a launch has without asking for more
  CORDIS_CHECK(bytes(1) <= kShared, "[", op, "] ", s.H, " hidden units in ", dtype_of<T>,
               " are more than Cordis's own CUDA kernels take; use Backend::cudnn");
  if (s.N >= 4 && bytes(4) <= kShared)
    f.template operator()<4>(threads, bytes(4));
  else
    f.template operator()<1>(threads, bytes(1));
}

template <class Cell, class T>
void own_recurrent_forward(Cuda device, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, bool keep,
                           const Tensor& x, const Tensor& h0, const Tensor& c0,
                           const std::vector<RecurrentWeights>& weights) {
  constexpr int G = CellOf<Cell>::kGates;
  const RecurrentSizes s(x, h_n);
  const std::int64_t M = x.size(0) * x.size(1), I = x.size(2), D = s.D, H = s.H;
  const DType dtype = x.dtype();
  const Tensor projection({D, M, G * H}, dtype, x.device()), columns({D, H, G * H}, dtype, x.device());
  Tensor b_hh;
  if (weights[0].b_hh.defined()) b_hh = Tensor({D, G * H}, dtype, x.device());
  for (std::int64_t d = 0; d < D; ++d) {
    const auto& w = weights[static_cast<std::size_t>(d)];
    Tensor own = projection.rows(d, d + 1).reshaped({M, G * H});
    product<T, false, true>(device, own.data<T>(), x.data<T>(), w.w_ih.data<T>(), M, G * H, I);
    finish<T>(device, own, w.b_ih, {}, false);
    run(device, "recurrent_columns", recurrent_columns_kernel<T>, blocks_for(H * G * H), kBlock, 0,
        columns.rows(d, d + 1).data<T>(), w.w_hh.data<T>(), H * G * H, G, H);
    if (b_hh.defined()) b_hh.rows(d, d + 1).copy_from(w.b_hh.reshaped({1, G * H}));
  }
  if (keep) {
    saved.gates = Tensor({D, M, 4 * H}, dtype, x.device());
    if (CellOf<Cell>::kHasCell) saved.c = Tensor({D, M, H}, dtype, x.device());
  }
  with_rows<T>(CellOf<Cell>::kName, s, (CellOf<Cell>::kHasCell ? 3 : 2) * H,
               [&]<int kRows>(int threads, auto bytes) {
                 const dim3 grid(static_cast<unsigned>((s.N + kRows - 1) / kRows), static_cast<unsigned>(D));
                 run(device, CellOf<Cell>::kName, recurrent_forward_kernel<CellOf<Cell>, kRows, T>, grid,
                     threads, bytes, s, y.data<T>(), h_n.data<T>(), data_or_null<T>(c_n),
                     data_or_null<T>(saved.gates), data_or_null<T>(saved.c), projection.data<T>(),
                     columns.data<T>(), data_or_null<T>(b_hh), data_or_null<T>(h0), data_or_null<T>(c0));
               });
}

template <class Cell, class T>
void own_recurrent_backward(Cuda device, Tensor& dx, Tensor& dh0, Tensor& dc0,
                            std::vector<RecurrentWeights>& dw, const Tensor& dy, const Tensor& dh_n,
                            const Tensor& dc_n, const Tensor& x, const Tensor& y, const Tensor& h0,
                            const Tensor& c0, const RecurrentSaved& saved,
                            const std::vector<RecurrentWeights>& weights) {
  constexpr int G = CellOf<Cell>::kGates;
  constexpr bool kHasCell = CellOf<Cell>::kHasCell;
  const std::int64_t D = static_cast<std::int64_t>(weights.size()), H = weights[0].w_hh.size(1),
                     N = x.size(0);
  const Tensor carry = dh_n.defined() ? dh_n.clone() : zeros({D, N, H}, x.dtype(), x.device());
  const RecurrentSizes s(x, carry);
  const std::int64_t M = N * s.L, I = x.size(2);
  const auto make = [&](const Shape& shape) { return Tensor(shape, x.dtype(), x.device()); };
  Tensor dc;
  if (kHasCell) dc = dc_n.defined() ? dc_n.clone() : zeros({D, N, H}, x.dtype(), x.device());
  const Tensor dz_h = make({D, M, G * H}), dz_x = kHasCell ? dz_h : make({D, M, G * H}),
               w_hh = make({D, G * H, H}), before = make({D, M, H});
  const auto of = [](const Tensor& all, std::int64_t d) { return all.rows(d, d + 1); };
  for (std::int64_t d = 0; d < D; ++d) {
    of(w_hh, d).copy_from(weights[static_cast<std::size_t>(d)].w_hh.reshaped({1, G * H, H}));
    run(device, "states_before", states_before_kernel<T>, blocks_for(M * H), kBlock, 0,
        of(before, d).template data<T>(), y.data<T>(), h0.defined() ? of(h0, d).template data<T>() : nullptr,
        s, static_cast<int>(d));
  }
  with_rows<T>(CellOf<Cell>::kName, s, G * H, [&]<int kRows>(int threads, auto bytes) {
    const dim3 grid(static_cast<unsigned>((s.N + kRows - 1) / kRows), static_cast<unsigned>(D));
    run(device, CellOf<Cell>::kName, recurrent_backward_kernel<CellOf<Cell>, kRows, T>, grid, threads, bytes,
        s, dz_x.data<T>(), dz_h.data<T>(), carry.data<T>(), data_or_null<T>(dc), data_or_null<T>(dy),
        saved.gates.data<T>(), data_or_null<T>(saved.c), before.data<T>(), data_or_null<T>(c0),
        w_hh.data<T>());
  });
  if (dh0.defined()) dh0.copy_from(carry);
  if (dc0.defined()) dc0.copy_from(dc);
  for (std::int64_t d = 0; d < D; ++d) {
    const auto& w = weights[static_cast<std::size_t>(d)];
    auto& into = dw[static_cast<std::size_t>(d)];
    const T *from_x = of(dz_x, d).template data<T>(), *from_h = of(dz_h, d).template data<T>();
    if (dx.defined())
      product<T, false, false>(device, dx.data<T>(), from_x, w.w_ih.data<T>(), M, I, G * H, d > 0 ? 1 : 0);
    if (into.w_ih.defined())
      product<T, true, false>(device, into.w_ih.data<T>(), from_x, x.data<T>(), G * H, I, M);
    if (into.w_hh.defined())
      product<T, true, false>(device, into.w_hh.data<T>(), from_h, of(before, d).template data<T>(), G * H, H,
                              M);
    if (into.b_ih.defined()) column_sums<T>(device, into.b_ih.data<T>(), from_x, M, G * H);
    if (into.b_hh.defined()) column_sums<T>(device, into.b_hh.data<T>(), from_h, M, G * H);
  }
}

template <class Cell>
vendor::RecurrentShape vendor_shape(const Tensor& x, const std::vector<RecurrentWeights>& weights) {
  return {x.dtype(),
          CellOf<Cell>::kHasCell,
          weights[0].b_ih.defined(),
          static_cast<std::int64_t>(weights.size()),
          x.size(0),
          x.size(1),
          x.size(2),
          weights[0].w_hh.size(1)};
}
inline std::vector<vendor::RecurrentPointers> vendor_pointers(const std::vector<RecurrentWeights>& weights) {
  std::vector<vendor::RecurrentPointers> pointers;
  for (const auto& w : weights) pointers.push_back({w.w_ih.raw(), w.w_hh.raw(), w.b_ih.raw(), w.b_hh.raw()});
  return pointers;
}

}  // namespace detail

template <class Cell>
void recurrent_forward(Cuda device, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, bool keep,
                       const Tensor& x, const Tensor& h0, const Tensor& c0,
                       const std::vector<RecurrentWeights>& weights) {
  if (x.size(0) == 0) return;
  if (detail::by_library(x.dtype())) {
    vendor::RecurrentReserve reserve;
    vendor::recurrent_forward(device, detail::vendor_shape<Cell>(x, weights), keep, reserve, x.raw(),
                              h0.raw(), c0.raw(), detail::vendor_pointers(weights).data(), y.raw(), h_n.raw(),
                              c_n.raw());
    if (keep) saved.weights = reserve.weights, saved.reserve = reserve.reserve;
    return;
  }
  dispatch_float(x.dtype(), detail::CellOf<Cell>::kName, [&]<class T>() {
    detail::own_recurrent_forward<Cell, T>(device, y, h_n, c_n, saved, keep, x, h0, c0, weights);
  });
}

template <class Cell>
void recurrent_backward(Cuda device, Tensor& dx, Tensor& dh0, Tensor& dc0, std::vector<RecurrentWeights>& dw,
                        const Tensor& dy, const Tensor& dh_n, const Tensor& dc_n, const Tensor& x,
                        const Tensor& y, const Tensor& h0, const Tensor& c0, const RecurrentSaved& saved,
                        const std::vector<RecurrentWeights>& weights) {
  if (x.size(0) == 0) {
    for (auto& d : dw)
      for (Tensor* each : {&d.w_ih, &d.w_hh, &d.b_ih, &d.b_hh})
        if (each->defined()) each->fill(0);
    return;
  }
  if (saved.reserve) {  // forward went to the library
    vendor::RecurrentReserve reserve{saved.weights, saved.reserve};
    vendor::recurrent_backward(device, detail::vendor_shape<Cell>(x, weights), reserve, dx.raw(), dh0.raw(),
                               dc0.raw(), detail::vendor_pointers(dw).data(), dy.raw(), dh_n.raw(),
                               dc_n.raw(), x.raw(), y.raw(), h0.raw(), c0.raw(), saved.again);
    return;
  }
  dispatch_float(x.dtype(), detail::CellOf<Cell>::kName, [&]<class T>() {
    detail::own_recurrent_backward<Cell, T>(device, dx, dh0, dc0, dw, dy, dh_n, dc_n, x, y, h0, c0, saved,
                                            weights);
  });
}

template void recurrent_forward<LstmCell>(Cuda, Tensor&, Tensor&, Tensor&, RecurrentSaved&, bool,
                                          const Tensor&, const Tensor&, const Tensor&,
                                          const std::vector<RecurrentWeights>&);
template void recurrent_forward<GruCell>(Cuda, Tensor&, Tensor&, Tensor&, RecurrentSaved&, bool,
                                         const Tensor&, const Tensor&, const Tensor&,
                                         const std::vector<RecurrentWeights>&);
template void recurrent_backward<LstmCell>(Cuda, Tensor&, Tensor&, Tensor&, std::vector<RecurrentWeights>&,
                                           const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                           const Tensor&, const Tensor&, const Tensor&, const RecurrentSaved&,
                                           const std::vector<RecurrentWeights>&);
template void recurrent_backward<GruCell>(Cuda, Tensor&, Tensor&, Tensor&, std::vector<RecurrentWeights>&,
                                          const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                          const Tensor&, const Tensor&, const Tensor&, const RecurrentSaved&,
                                          const std::vector<RecurrentWeights>&);

}  // namespace cordis::inline CORDIS_ABI
