// cordis/cpu/linear.hpp: kernels of op/linear.hpp
#pragma once

#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/gemm.hpp>

namespace cordis::inline CORDIS_ABI {

// y: (M, O); x: (M, I), M the product of the leading extents; w: (O, I); b: (O,) or undefined. Parallel over
// rows.
inline void linear_forward(Cpu, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b) {
  dispatch_float(w.dtype(), "linear", [&]<class T>() {
    const std::int64_t O = w.size(0), I = w.size(1), M = O ? y.numel() / O : 0;
    parallel_for(M, [&](std::int64_t begin, std::int64_t end, int) {
      T* out = y.data<T>() + begin * O;
      if (b.defined())
        for (std::int64_t m = begin; m < end; ++m) std::copy_n(b.data<T>(), O, y.data<T>() + m * O);
      gemm<T>({out, end - begin, O, O}, {x.data<T>() + begin * I, end - begin, I, I}, {w.data<T>(), O, I, I},
              Transpose::b, b.defined() ? Store::add : Store::assign);
    });
  });
}

// dx = dy w, dw = dyᵀ x, db = column sums of dy; each undefined where it is not wanted. dw is parallel over
// its columns, so that no sum is split.
inline void linear_backward(Cpu, Tensor& dx, Tensor& dw, Tensor& db, const Tensor& dy, const Tensor& x,
                            const Tensor& w) {
  dispatch_float(w.dtype(), "linear", [&]<class T>() {
    const std::int64_t O = w.size(0), I = w.size(1), M = O ? dy.numel() / O : I ? x.numel() / I : 0;
    if (dx.defined())
      parallel_for(M, [&](std::int64_t begin, std::int64_t end, int) {
        gemm<T>({dx.data<T>() + begin * I, end - begin, I, I}, {dy.data<T>() + begin * O, end - begin, O, O},
                {w.data<T>(), O, I, I});
      });
    if (dw.defined())
      parallel_for(I, [&](std::int64_t begin, std::int64_t end, int) {
        gemm<T>({dw.data<T>() + begin, O, end - begin, I}, {dy.data<T>(), M, O, O},
                {x.data<T>() + begin, M, end - begin, I}, Transpose::a);
      });
    if (db.defined()) {
      T* sum = db.data<T>();
      std::fill_n(sum, O, T{0});
      for (std::int64_t m = 0; m < M; ++m)
        for (std::int64_t o = 0; o < O; ++o) sum[o] += dy.data<T>()[m * O + o];
    }
  });
}

}  // namespace cordis::inline CORDIS_ABI
