// kernels/recurrent.cuh: an LSTM or GRU layer over whole records
// What x gives to the gates is one product for all steps; recurrent_steps.cuh then goes through the steps,
// forward in one launch and backward in another, which leaves the gates' gradients: from them products make
// those of x and of the weights.
#pragma once

#include <cordis/cuda/recurrent.hpp>

#include "columns.cuh"
#include "ending.cuh"
#include "product.cuh"
#include "recurrent_steps.cuh"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI {

namespace detail {

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
