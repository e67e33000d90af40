// cordis/cpu/conv1d_taps.hpp: convolution with dilation or groups: a product for each tap and group
// of a record. Takes every option; where neither is asked for, one product on the overlapping view of a
// record's patches, against which the faster kernels are tested.
#pragma once

#include <cordis/contract/conv1d.hpp>
#include <cordis/cpu/accumulate.hpp>
#include <cordis/cpu/product.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

struct Conv1dSizes : Conv1dOptions {
  std::int64_t N, L, C, L_out, O, K;
  std::int64_t C_group, O_group;  // channels of one group

  Conv1dSizes(const Tensor& x, const Tensor& y, const Tensor& w, const Conv1dOptions& options)
      : Conv1dOptions(options),
        N(x.size(0)),
        L(x.size(1)),
        C(x.size(2)),
        L_out(y.size(1)),
        O(y.size(2)),
        K(w.size(2)),
        C_group(w.size(1)),
        O_group(O / groups) {}

  std::int64_t padded() const { return L + 2 * padding; }
  // All taps of a patch are one contiguous run.
  bool merged() const { return dilation == 1 && groups == 1; }
  // Records need neither padding nor stepping: a batch is one long record.
  bool plain() const { return merged() && K == 1 && stride == 1 && padding == 0; }

  // Calls f(x offset, y offset, packed weight offset, rows of the weight block) for each product of one
  // record.
  template <class F>
  void products(F&& f) const {
    if (merged()) return f(0, 0, 0, K * C);
    for (std::int64_t g = 0; g < groups; ++g)
      for (std::int64_t k = 0; k < K; ++k)
        f(k * dilation * C + g * C_group, g * O_group, (g * K + k) * C_group * O_group, C_group);
  }
};

// packed (groups, K, C_group, O_group) <-> w (O, C_group, K)
template <class T, class Move>
void conv1d_pack(const Conv1dSizes& s, Move&& move) {
  for (std::int64_t g = 0; g < s.groups; ++g)
    for (std::int64_t o = 0; o < s.O_group; ++o)
      for (std::int64_t c = 0; c < s.C_group; ++c)
        for (std::int64_t k = 0; k < s.K; ++k)
          move(((g * s.K + k) * s.C_group + c) * s.O_group + o,
               ((g * s.O_group + o) * s.C_group + c) * s.K + k);
}
template <class T>
Tensor conv1d_packed(const Conv1dSizes& s, const Tensor& w) {
  Tensor packed({w.numel()}, w.dtype());
  conv1d_pack<T>(
      s, [to = packed.data<T>(), from = w.data<T>()](std::int64_t p, std::int64_t q) { to[p] = from[q]; });
  return packed;
}

// The record with `padding` zero rows at both ends: itself where there is none, else a copy in scratch.
template <class T>
const T* conv1d_padded(const Conv1dSizes& s, const T* record, Tensor& scratch) {
  if (s.padding == 0) return record;
  T* copy = scratch.data<T>();
  std::fill_n(copy, s.padding * s.C, T{0});
  std::copy_n(record, s.L * s.C, copy + s.padding * s.C);
  std::fill_n(copy + (s.padding + s.L) * s.C, s.padding * s.C, T{0});
  return copy;
}

}  // namespace detail

// y: (N, L_out, O); x: (N, L, C); w: (O, C / groups, K); b: (O,) or undefined. Parallel over records.
inline void conv1d_taps_forward(Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                                const Conv1dOptions& options) {
  const detail::Conv1dSizes s(x, y, w, options);
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    const Tensor packed = detail::conv1d_packed<T>(s, w);
    parallel_for(s.N, [&](std::int64_t begin, std::int64_t end, int) {
      Tensor scratch({s.padding ? s.padded() * s.C : 0}, x.dtype());
      const std::int64_t step = s.plain() ? end - begin : 1, rows = step * s.L_out;
      for (std::int64_t n = begin; n < end; n += step) {
        const T* record = detail::conv1d_padded(s, x.data<T>() + n * s.L * s.C, scratch);
        T* out = y.data<T>() + n * s.L_out * s.O;
        for (std::int64_t l = 0; l < rows; ++l) {
          if (b.defined())
            std::copy_n(b.data<T>(), s.O, out + l * s.O);
          else
            std::fill_n(out + l * s.O, s.O, T{0});
        }
        s.products([&](std::int64_t in, std::int64_t channel, std::int64_t weight, std::int64_t depth) {
          product<T>({out + channel, rows, s.O_group, s.O}, {record + in, rows, depth, s.stride * s.C},
                     {packed.data<T>() + weight, depth, s.O_group, s.O_group}, Transpose::none, Store::add);
        });
      }
    });
  });
}

// dx: (N, L, C). Each tap adds dy wᵀ to the rows it read: rows of one tap never overlap.
inline void conv1d_taps_backward_data(Tensor& dx, const Tensor& dy, const Tensor& w,
                                      const Conv1dOptions& options) {
  const detail::Conv1dSizes s(dx, dy, w, options);
  dispatch_float(dx.dtype(), "conv1d", [&]<class T>() {
    const Tensor packed = detail::conv1d_packed<T>(s, w);
    parallel_for(s.N, [&](std::int64_t begin, std::int64_t end, int) {
      Tensor scratch({s.padding ? s.padded() * s.C : 0}, dx.dtype());
      const std::int64_t step = s.plain() ? end - begin : 1, rows = step * s.L_out;
      for (std::int64_t n = begin; n < end; n += step) {
        T* record = dx.data<T>() + n * s.L * s.C;
        T* sum = s.padding ? scratch.data<T>() : record;
        std::fill_n(sum, step * s.padded() * s.C, T{0});
        for (std::int64_t g = 0; g < s.groups; ++g)
          for (std::int64_t k = 0; k < s.K; ++k)
            product<T>(
                {sum + k * s.dilation * s.C + g * s.C_group, rows, s.C_group, s.stride * s.C},
                {dy.data<T>() + n * s.L_out * s.O + g * s.O_group, rows, s.O_group, s.O},
                {packed.data<T>() + (g * s.K + k) * s.C_group * s.O_group, s.C_group, s.O_group, s.O_group},
                Transpose::b, Store::add);
        if (s.padding) std::copy_n(sum + s.padding * s.C, s.L * s.C, record);
      }
    });
  });
}

// dw: (O, C / groups, K), the sum over records of patchesᵀ dy: one partial sum per part, added in the parts'
// order.
inline void conv1d_taps_backward_weight(Tensor& dw, const Tensor& dy, const Tensor& x,
                                        const Conv1dOptions& options) {
  const detail::Conv1dSizes s(x, dy, dw, options);
  dispatch_float(x.dtype(), "conv1d", [&]<class T>() {
    Tensors partial(static_cast<std::size_t>(parallel_parts(s.N)));
    parallel_for(s.N, [&](std::int64_t begin, std::int64_t end, int part) {
      Tensor& sum = partial[static_cast<std::size_t>(part)];
      sum = zeros({dw.numel()}, dw.dtype());
      Tensor scratch({s.padding ? s.padded() * s.C : 0}, x.dtype());
      const std::int64_t step = s.plain() ? end - begin : 1, rows = step * s.L_out;
      for (std::int64_t n = begin; n < end; n += step) {
        const T* record = detail::conv1d_padded(s, x.data<T>() + n * s.L * s.C, scratch);
        const T* upstream = dy.data<T>() + n * s.L_out * s.O;
        s.products([&](std::int64_t in, std::int64_t channel, std::int64_t weight, std::int64_t depth) {
          product<T>({sum.data<T>() + weight, depth, s.O_group, s.O_group},
                     {record + in, rows, depth, s.stride * s.C}, {upstream + channel, rows, s.O_group, s.O},
                     Transpose::a, Store::add);
        });
      }
    });
    if (!partial[0].defined()) partial[0] = zeros({dw.numel()}, dw.dtype());
    for (std::size_t part = 1; part < partial.size(); ++part) accumulate(Cpu{}, partial[0], partial[part]);
    detail::conv1d_pack<T>(s, [to = dw.data<T>(), from = partial[0].data<T>()](
                                  std::int64_t p, std::int64_t q) { to[q] = from[p]; });
  });
}

}  // namespace cordis::inline CORDIS_ABI
