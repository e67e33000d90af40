// cordis/cpu/conv1d_packed.hpp: inference with weights packed beforehand, bias, residual and ReLU in one pass
#pragma once

#include <cordis/cpu/conv1d.hpp>

namespace cordis::inline CORDIS_ABI {

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

// y: (N, L_out, O); x: (N, L, C).
inline void conv1d_packed_forward(Cpu, Tensor& y, const Tensor& x, const PackedConv1d& w,
                                  const Conv1dEnd& end) {
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const std::int64_t rows = y.size(1), O = w.O;
    const Correlation s{x.size(0), x.size(1), w.C, -w.options.padding, w.options.stride, w.K, rows, O};
    const Ending<T> ending{w.bias.data<T>(), end.residual.defined() ? end.residual.data<T>() : nullptr,
                           end.relu};
    const OutputRows<T> to{y.data<T>(), rows * O, O};
    if (w.winograd.defined() && conv1d_algorithm<T>(s, true) == Conv1dAlgorithm::winograd)
      winograd_correlate(s, x.data<T>(), w.winograd.data<T>(), to, ending);
    else
      correlate(s, x.data<T>(), w.direct.data<T>(), to, ending);
  });
}

}  // namespace cordis::inline CORDIS_ABI
