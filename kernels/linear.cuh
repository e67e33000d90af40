// kernels/linear.cuh: y = x wᵀ + b
#pragma once

#include <cordis/cuda/linear.hpp>

#include "columns.cuh"
#include "ending.cuh"
#include "product.cuh"

namespace cordis::inline CORDIS_ABI {

void linear_forward(Cuda device, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  const std::int64_t O = w.size(0), I = w.size(1), M = O ? y.numel() / O : 0;
  dispatch_float(w.dtype(), "linear", [&]<class T>() {
    detail::product<T, false, true>(device, y.data<T>(), x.data<T>(), w.data<T>(), M, O, I);
    detail::finish<T>(device, y, b, {}, false);
  });
}

void linear_backward(Cuda device, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                     const Tensor& w) {
  const std::int64_t O = w.size(0), I = w.size(1), M = O ? dy.numel() / O : I ? x.numel() / I : 0;
  dispatch_float(w.dtype(), "linear", [&]<class T>() {
    if (dx.defined())
      detail::product<T, false, false>(device, dx.data<T>(), dy.data<T>(), w.data<T>(), M, I, O);
    if (dw.defined())
      detail::product<T, true, false>(device, dw.data<T>(), dy.data<T>(), x.data<T>(), O, I, M);
    if (db.defined()) detail::column_sums<T>(device, db.data<T>(), dy.data<T>(), M, O);
  });
}

}  // namespace cordis::inline CORDIS_ABI
