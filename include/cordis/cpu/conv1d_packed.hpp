// cordis/cpu/conv1d_packed.hpp: inference with weights packed beforehand, bias, residual and ReLU in one pass
// What comes behind the product is done on each block of outputs while it lies in the cache.
#pragma once

#include <cordis/cpu/conv1d.hpp>

namespace cordis::inline CORDIS_ABI {

// The weights of one convolution (dilation 1, groups 1) as the kernels read them.
struct PackedConv1d {
  std::int64_t O, C, K;
  Conv1dOptions options;
  Tensor direct;    // pack_forward
  Tensor winograd;  // winograd_weights, where the shape is one of Winograd's
  Tensor bias;      // (O,)
};

// w: (O, C, K); b: (O,)
inline PackedConv1d pack_conv1d(Cpu, const Tensor& w, const Tensor& b, const Conv1dOptions& options) {
  PackedConv1d p{w.size(0), w.size(1), w.size(2), options, {}, {}, b};
  dispatch_float(w.dtype(), "conv1d", [&]<class T>() {
    p.direct = pack_forward<T>(w);
    const Correlation shape{1, p.K, p.C, 0, options.stride, p.K, 1, p.O};
    if (winograd_fits<T>(shape)) p.winograd = winograd_weights<T>(p.direct);
  });
  return p;
}

struct Conv1dEnd {
  Tensor residual;  // (N, L_out, O), added before the ReLU, or undefined
  bool relu = false;
};

// y: (N, L_out, O); x: (N, L, C).
inline void conv1d_packed_forward(Cpu, Tensor& y, const Tensor& x, const PackedConv1d& w,
                                  const Conv1dEnd& end) {
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const std::int64_t rows = y.size(1), O = w.O;
    const Correlation s{x.size(0), x.size(1), w.C, -w.options.padding, w.options.stride, w.K, rows, O};
    const T *bias = w.bias.data<T>(), *residual = end.residual.defined() ? end.residual.data<T>() : nullptr;
    const auto finish = [&](T* out, std::int64_t count, std::int64_t stride, std::int64_t column,
                            std::int64_t width, std::int64_t n, std::int64_t i) {
      const T* more = residual ? residual + (n * rows + i) * O + column : nullptr;
      for (std::int64_t r = 0; r < count; ++r) {
        T* row = out + r * stride;
        for (std::int64_t o = 0; o < width; o += kLanes<T>) {
          const std::int64_t lanes = std::min<std::int64_t>(kLanes<T>, width - o);
          const bool whole = lanes == kLanes<T>;
          const auto read = [&](const T* p) { return whole ? load(p) : load_first(p, lanes); };
          Vec<T> v = read(row + o) + read(bias + column + o);
          if (more) v += read(more + r * O + o);
          if (end.relu) v = v < T{0} ? Vec<T>{} : v;  // NaN stays
          if (whole)
            store(row + o, v);
          else
            store_first(row + o, v, lanes);
        }
      }
    };
    const OutputRows<T> to{y.data<T>(), rows * O, O};
    if (w.winograd.defined() && conv1d_algorithm<T>(s) == Conv1dAlgorithm::winograd)
      winograd_correlate(s, x.data<T>(), w.winograd.data<T>(), to, finish);
    else
      correlate(s, x.data<T>(), w.direct.data<T>(), to, finish);
  });
}

}  // namespace cordis::inline CORDIS_ABI
