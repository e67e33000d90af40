// cordis/cpu/recurrent.hpp: kernels of op/recurrent.hpp
// One layer over whole records, one or two directions. The products of all steps with x are made at once;
// each step adds its product with h and goes through the cell. Parallel over (direction, sample): no thread
// waits for a step.
#pragma once

#include <cordis/cpu/accumulate.hpp>
#include <cordis/cpu/gemm.hpp>
#include <cordis/cpu/recurrent_cell.hpp>

namespace cordis::inline CORDIS_ABI {

// The parameters of one direction: w_ih (G H, I), w_hh (G H, H), b_ih and b_hh (G H,) or undefined.
struct RecurrentWeights {
  Tensor w_ih, w_hh, b_ih, b_hh;
};

// What backward needs of forward; c undefined for a GRU.
struct RecurrentSaved {
  Tensor gates;  // (D, L, N, 4 H)
  Tensor c;      // (D, L, N, H)
};

namespace detail {

struct RecurrentSizes {
  std::int64_t N, L, I, H, D, G;

  // The sample in time that direction d sees at step s.
  std::int64_t time(std::int64_t d, std::int64_t s) const { return d == 0 ? s : L - 1 - s; }

  // Calls f(d, begin, end, part) for the samples of each direction that a part has.
  template <class F>
  void segments(F&& f) const {
    parallel_for(D * N, [&](std::int64_t begin, std::int64_t end, int part) {
      for (std::int64_t d = 0; d < D; ++d) {
        const std::int64_t first = std::max(begin - d * N, std::int64_t{0}), last = std::min(end - d * N, N);
        if (first < last) f(d, first, last, part);
      }
    });
  }
};

// (rows, columns) -> (columns, rows)
template <class T>
Tensor transposed(const Tensor& w) {
  Tensor t({w.size(1), w.size(0)}, w.dtype());
  for (std::int64_t r = 0; r < w.size(0); ++r)
    for (std::int64_t c = 0; c < w.size(1); ++c)
      t.data<T>()[c * w.size(0) + r] = w.data<T>()[r * w.size(1) + c];
  return t;
}

}  // namespace detail

// y: (N, L, D H); h_n, c_n: (D, N, H), c_n undefined for a GRU; x: (N, L, I); h0, c0: (D, N, H) or undefined
// for zeros.
template <class Cell>
void recurrent_forward(Cpu, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, const Tensor& x,
                       const Tensor& h0, const Tensor& c0, const std::vector<RecurrentWeights>& weights) {
  dispatch_float(x.dtype(), Cell::kName, [&]<class T>() {
    const std::int64_t H = h_n.size(2), D = h_n.size(0);
    const detail::RecurrentSizes s{x.size(0), x.size(1), x.size(2), H, D, Cell::kGates};
    const std::int64_t width = 4 * H, row = D * H;
    const auto blocks = Cell::hidden_blocks();
    Tensors input, hidden, bias;
    for (const auto& w : weights) {
      input.push_back(detail::transposed<T>(w.w_ih));   // (I, G H)
      hidden.push_back(detail::transposed<T>(w.w_hh));  // (H, G H)
      Tensor b = zeros({width}, x.dtype());
      if (w.b_ih.defined()) {
        std::copy_n(w.b_ih.data<T>(), s.G * H, b.data<T>());
        for (const auto& block : blocks)
          for (std::int64_t k = 0; k < block.count * H; ++k)
            b.data<T>()[block.gate * H + k] += w.b_hh.data<T>()[block.weight * H + k];
      }
      bias.push_back(b);
    }
    const Tensor nothing = zeros({s.N, H}, x.dtype());
    s.segments([&](std::int64_t d, std::int64_t begin, std::int64_t end, int) {
      const auto direction = static_cast<std::size_t>(d);
      const std::int64_t B = end - begin;
      T* gates = saved.gates.data<T>() + (d * s.L * s.N + begin) * width;  // of step t: + t N 4H
      T* cells = Cell::kHasCell ? saved.c.data<T>() + (d * s.L * s.N + begin) * H : nullptr;
      for (std::int64_t t = 0; t < s.L; ++t)
        for (std::int64_t b = 0; b < B; ++b)
          std::copy_n(bias[direction].data<T>(), width, gates + (t * s.N + b) * width);
      for (std::int64_t b = 0; b < B; ++b)
        gemm<T>({gates + b * width, s.L, s.G * H, s.N * width},
                {x.data<T>() + (begin + b) * s.L * s.I, s.L, s.I, s.I},
                {input[direction].data<T>(), s.I, s.G * H, s.G * H}, Transpose::none, Store::add);

      const T* h_before = (h0.defined() ? h0.data<T>() + d * s.N * H : nothing.data<T>()) + begin * H;
      const T* c_before = Cell::kHasCell
                              ? (c0.defined() ? c0.data<T>() + d * s.N * H : nothing.data<T>()) + begin * H
                              : nullptr;
      std::int64_t h_stride = H;
      for (std::int64_t step = 0; step < s.L; ++step) {
        const std::int64_t t = s.time(d, step);
        T* now = gates + t * s.N * width;
        for (const auto& block : blocks)
          gemm<T>({now + block.gate * H, B, block.count * H, width}, {h_before, B, H, h_stride},
                  {hidden[direction].data<T>() + block.weight * H, H, block.count * H, s.G * H},
                  Transpose::none, Store::add);
        T* h = y.data<T>() + (begin * s.L + t) * row + d * H;
        T* c = Cell::kHasCell ? cells + t * s.N * H : nullptr;
        for (std::int64_t b = 0; b < B; ++b)
          Cell::forward(H, now + b * width, h + b * s.L * row, Cell::kHasCell ? c + b * H : nullptr,
                        h_before + b * h_stride, Cell::kHasCell ? c_before + b * H : nullptr);
        h_before = h, h_stride = s.L * row, c_before = c;
      }
      for (std::int64_t b = 0; b < B; ++b) {
        std::copy_n(h_before + b * h_stride, H, h_n.data<T>() + (d * s.N + begin + b) * H);
        if (Cell::kHasCell) std::copy_n(c_before + b * H, H, c_n.data<T>() + (d * s.N + begin + b) * H);
      }
    });
  });
}

// Gradients of one layer; each of dx, dh0, dc0 undefined where it is not wanted. dweights: written in full,
// biases where defined. dy: (N, L, D H), dh_n, dc_n: (D, N, H), each undefined for zero.
template <class Cell>
void recurrent_backward(Cpu, Tensor& dx, Tensor& dh0, Tensor& dc0, std::vector<RecurrentWeights>& dweights,
                        const Tensor& dy, const Tensor& dh_n, const Tensor& dc_n, const Tensor& x,
                        const Tensor& y, const Tensor& h0, const Tensor& c0, const RecurrentSaved& saved,
                        const std::vector<RecurrentWeights>& weights) {
  dispatch_float(x.dtype(), Cell::kName, [&]<class T>() {
    const std::int64_t H = weights[0].w_hh.size(1), D = static_cast<std::int64_t>(weights.size());
    const detail::RecurrentSizes s{x.size(0), x.size(1), x.size(2), H, D, Cell::kGates};
    const std::int64_t width = 4 * H, row = D * H;
    const auto blocks = Cell::hidden_blocks();
    const Tensor nothing = zeros({s.N, H}, x.dtype());
    Tensor sums({D, s.L, s.N, width}, x.dtype());  // gradient of the gates' sums
    const std::size_t parts = static_cast<std::size_t>(parallel_parts(D * s.N));
    std::vector<std::vector<RecurrentWeights>> partial(parts, std::vector<RecurrentWeights>(weights.size()));

    s.segments([&](std::int64_t d, std::int64_t begin, std::int64_t end, int part) {
      const auto direction = static_cast<std::size_t>(d);
      const std::int64_t B = end - begin, offset = d * s.L * s.N + begin;
      const T* gates = saved.gates.data<T>() + offset * width;
      const T* cells = Cell::kHasCell ? saved.c.data<T>() + offset * H : nullptr;
      T* slopes = sums.data<T>() + offset * width;
      const auto start = [&](const Tensor& given) {
        return (given.defined() ? given.data<T>() + d * s.N * H : nothing.data<T>()) + begin * H;
      };
      Tensor dh({B, H}, x.dtype()), dc({B, H}, x.dtype()), carry({B, H}, x.dtype());
      std::copy_n(start(dh_n), B * H, carry.data<T>());
      std::copy_n(start(Cell::kHasCell ? dc_n : Tensor{}), B * H, dc.data<T>());
      const T *h_first = start(h0), *c_first = start(Cell::kHasCell ? c0 : Tensor{});

      for (std::int64_t step = s.L - 1; step >= 0; --step) {
        const std::int64_t t = s.time(d, step), before = s.time(d, step - 1);
        T* now = slopes + t * s.N * width;
        for (std::int64_t b = 0; b < B; ++b) {
          T* total = dh.data<T>() + b * H;
          std::copy_n(carry.data<T>() + b * H, H, total);
          if (dy.defined()) {
            const T* upstream = dy.data<T>() + ((begin + b) * s.L + t) * row + d * H;
            for (std::int64_t k = 0; k < H; ++k) total[k] += upstream[k];
          }
          const T* h_before =
              step ? y.data<T>() + ((begin + b) * s.L + before) * row + d * H : h_first + b * H;
          const T* c_before = !Cell::kHasCell ? nullptr
                              : step          ? cells + (before * s.N + b) * H
                                              : c_first + b * H;
          Cell::backward(H, now + b * width, carry.data<T>() + b * H, total, dc.data<T>() + b * H,
                         gates + (t * s.N + b) * width, Cell::kHasCell ? cells + (t * s.N + b) * H : nullptr,
                         h_before, c_before);
        }
        for (const auto& block : blocks)
          gemm<T>({carry.data<T>(), B, H, H}, {now + block.gate * H, B, block.count * H, width},
                  {weights[direction].w_hh.data<T>() + block.weight * H * H, block.count * H, H, H},
                  Transpose::none, Store::add);
      }
      if (dh0.defined()) std::copy_n(carry.data<T>(), B * H, dh0.data<T>() + (d * s.N + begin) * H);
      if (dc0.defined()) std::copy_n(dc.data<T>(), B * H, dc0.data<T>() + (d * s.N + begin) * H);

      // Weights: sums over samples of products over all their steps.
      RecurrentWeights& sum = partial[static_cast<std::size_t>(part)][direction];
      const auto& want = dweights[direction];
      if (want.w_ih.defined()) sum.w_ih = zeros(want.w_ih.shape(), x.dtype());
      if (want.w_hh.defined()) sum.w_hh = zeros(want.w_hh.shape(), x.dtype());
      sum.b_ih = zeros({width}, x.dtype());  // of all four blocks
      for (std::int64_t b = 0; b < B; ++b) {
        const T* first = slopes + b * width;  // of step t: + t N 4H
        const std::int64_t stride = s.N * width, n = begin + b;
        if (want.w_ih.defined())
          gemm<T>({sum.w_ih.data<T>(), s.G * H, s.I, s.I}, {first, s.L, s.G * H, stride},
                  {x.data<T>() + n * s.L * s.I, s.L, s.I, s.I}, Transpose::a, Store::add);
        if (want.w_hh.defined())
          for (const auto& block : blocks) {
            const MatrixView<T> into{sum.w_hh.data<T>() + block.weight * H * H, block.count * H, H, H};
            const T *late = first + (d == 0 ? stride : 0) + block.gate * H,
                    *early = y.data<T>() + (n * s.L + (d == 0 ? 0 : 1)) * row + d * H;
            gemm<T>(into, {late, s.L - 1, block.count * H, stride}, {early, s.L - 1, H, row}, Transpose::a,
                    Store::add);
            gemm<T>(into, {first + s.time(d, 0) * stride + block.gate * H, 1, block.count * H, stride},
                    {h_first + b * H, 1, H, H}, Transpose::a, Store::add);
          }
        if (want.b_ih.defined() || want.b_hh.defined())
          for (std::int64_t t = 0; t < s.L; ++t)
            for (std::int64_t k = 0; k < width; ++k) sum.b_ih.data<T>()[k] += first[t * stride + k];
      }
    });

    for (std::size_t d = 0; d < weights.size(); ++d) {
      auto& into = dweights[d];
      Tensor bias = zeros({width}, x.dtype());
      for (auto* each : {&into.w_ih, &into.w_hh})
        if (each->defined()) each->fill(0);
      for (auto& part : partial) {  // in the order of the parts
        if (part[d].w_ih.defined()) accumulate(Cpu{}, into.w_ih, part[d].w_ih);
        if (part[d].w_hh.defined()) accumulate(Cpu{}, into.w_hh, part[d].w_hh);
        if (part[d].b_ih.defined()) accumulate(Cpu{}, bias, part[d].b_ih);
      }
      if (into.b_ih.defined()) std::copy_n(bias.data<T>(), s.G * H, into.b_ih.data<T>());
      if (into.b_hh.defined())
        for (const auto& block : blocks)
          std::copy_n(bias.data<T>() + block.gate * H, block.count * H,
                      into.b_hh.data<T>() + block.weight * H);
    }
    if (dx.defined())
      parallel_for(s.N, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t n = begin; n < end; ++n)
          for (std::int64_t d = 0; d < D; ++d)
            gemm<T>({dx.data<T>() + n * s.L * s.I, s.L, s.I, s.I},
                    {sums.data<T>() + (d * s.L * s.N + n) * width, s.L, s.G * H, s.N * width},
                    {weights[static_cast<std::size_t>(d)].w_ih.data<T>(), s.G * H, s.I, s.I}, Transpose::none,
                    d == 0 ? Store::assign : Store::add);
      });
  });
}

}  // namespace cordis::inline CORDIS_ABI
