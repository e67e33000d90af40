// cordis/cpu/recurrent_backward.hpp: gradients of an LSTM or GRU layer
// Steps are gone through from the last to the first in blocks of about 128 rows (steps x samples). A block's
// gradients of the gates never leave the second-level cache: each step multiplies its own by the recurrent
// weights, and at the end of the block one product adds to the weights' gradients, another gives the inputs'.
// The rows [x, 1, h] are gathered anew from x and y. Parallel over (direction, sample); the parts' sums are
// added in the order of the parts.
#pragma once

#include <cordis/cpu/accumulate.hpp>
#include <cordis/cpu/recurrent_forward.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

// The tensors of one call; those not wanted or not given are undefined.
template <class Cell, class T>
struct RecurrentBackward {
  RecurrentLayout<Cell, T> s;
  Tensors dx;  // (N, L, I) of each direction
  Tensor dh0, dc0;
  const Tensor &dy, &dh_n, &dc_n, &x, &y, &h0, &c0;
  const RecurrentSaved& saved;
  Tensors w_hh, w_ih;            // rows_by_column of each direction; w_ih where dx is wanted
  std::int64_t first_row, rows;  // of [x, 1, h]: those whose weights' gradients are wanted
  static constexpr std::int64_t kBlock = 128;

  std::int64_t ld() const { return s.sums_stride() + s.kWidth; }  // of the weights' gradients

  // sums: (inputs, ld) added to.
  void segment(std::int64_t d, std::int64_t begin, std::int64_t end, T* sums) const {
    const std::int64_t B = end - begin, H = s.H, state = s.state_stride(), columns = s.sums_stride();
    const std::int64_t block = std::min(s.L, std::max<std::int64_t>(1, kBlock / B));
    const DType dtype = dtype_of<T>;
    Tensor inputs({block * B, s.input_stride()}, dtype),
        upstream = zeros({block * B, state}, dtype), slopes({block * B * columns + s.kWidth}, dtype),
        carry = zeros({B, state}, dtype), dc = carry.clone(), first_c = carry.clone(),
        out({dx.empty() ? 0 : block * B, padded<T>(s.I)}, dtype);
    const auto take = [&](Tensor& to, const Tensor& from) {
      if (from.defined())
        for (std::int64_t b = 0; b < B; ++b)
          copy_row(to.data<T>() + b * state, from.data<T>() + (d * s.N + begin + b) * H, H);
    };
    const auto give = [&](const Tensor& to, const Tensor& from) {
      if (to.defined())
        for (std::int64_t b = 0; b < B; ++b)
          copy_row(to.data<T>() + (d * s.N + begin + b) * H, from.data<T>() + b * state, H);
    };
    take(carry, dh_n), take(dc, dc_n), take(first_c, c0);

    for (std::int64_t last = s.L; last > 0; last -= std::min(block, last)) {  // steps [last - count, last)
      const std::int64_t count = std::min(block, last), rows_now = count * B;
      for (std::int64_t b = 0; b < B; ++b) gather(d, begin + b, b, B, last, count, inputs, upstream);
      for (std::int64_t i = 0; i < count; ++i) {
        T* now = slopes.data<T>() + i * B * columns;
        step(d, begin, B, last - 1 - i, now, carry.data<T>(), dc.data<T>(),
             upstream.data<T>() + i * B * state, inputs.data<T>() + i * B * s.input_stride(),
             first_c.data<T>());
        const T* w = w_hh[static_cast<std::size_t>(d)].template data<T>();
        constexpr Store kStore = RecurrentLayout<Cell, T>::kFirst ? Store::add : Store::assign;
        vectors_product<kStore, T>(B, state, s.hidden_sums(), {now, columns, 1}, w, state, carry.data<T>(),
                                   state);
      }
      add_weights(rows_now, inputs.data<T>(), slopes.data<T>(), sums);
      if (!dx.empty()) input_gradient(d, begin, B, last, count, slopes.data<T>(), out.data<T>());
    }
    give(dh0, carry), give(dc0, dc);
  }

 private:
  // Rows [x, 1, h] and dy of one sample, latest step first, B rows from one to the next.
  void gather(std::int64_t d, std::int64_t n, std::int64_t b, std::int64_t B, std::int64_t last,
              std::int64_t count, Tensor& inputs, Tensor& upstream) const {
    const std::int64_t H = s.H, row = s.D * H;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t step = last - 1 - i, t = s.time(d, step);
      T* to = inputs.data<T>() + (i * B + b) * s.input_stride();
      copy_row(to, x.data<T>() + (n * s.L + t) * s.I, s.I);
      to[s.I] = 1;
      if (step > count) {  // the next block
        prefetch_row(y.data<T>() + (n * s.L + s.time(d, step - 1 - count)) * row + d * H, H);
        if (dy.defined()) prefetch_row(dy.data<T>() + (n * s.L + s.time(d, step - count)) * row + d * H, H);
      }
      if (step > 0)
        copy_row(to + s.I + 1, y.data<T>() + (n * s.L + s.time(d, step - 1)) * row + d * H, H);
      else if (h0.defined())
        copy_row(to + s.I + 1, h0.data<T>() + (d * s.N + n) * H, H);
      else
        std::fill_n(to + s.I + 1, H, T{0});
      if (dy.defined())
        copy_row(upstream.data<T>() + (i * B + b) * s.state_stride(),
                 dy.data<T>() + (n * s.L + t) * row + d * H, H);
    }
  }

  // The gates of one step, for B samples: slopes (B, sums_stride) written.
  void step(std::int64_t d, std::int64_t begin, std::int64_t B, std::int64_t step, T* slopes, T* carry, T* dc,
            const T* upstream, const T* inputs, const T* first_c) const {
    const std::int64_t state = s.state_stride(), kept = (d * s.L + step) * s.N + begin;
    const T* gates = saved.gates.data<T>() + kept * s.gates_stride();
    const T* c = Cell::kHasCell ? saved.c.data<T>() + kept * state : nullptr;
    const T* c_before = !Cell::kHasCell ? nullptr : step > 0 ? c - s.N * state : first_c;
    for (std::int64_t b = 0; b < B; ++b)
      for (std::int64_t first = 0; first < s.H; first += s.kWidth) {
        const std::int64_t at = b * state + first;
        T* to = slopes + b * s.sums_stride();
        const RecurrentGradient<T> g{to + first * s.kHiddenBlocks,
                                     to + s.candidates() + first,
                                     carry + at,
                                     dc + at,
                                     upstream + at,
                                     s.units(first)};
        const T* z = gates + b * s.gates_stride() + 4 * first;
        const std::int64_t cell = Cell::kHasCell ? at : 0;
        if (step > 0) prefetch_row(z - s.N * s.gates_stride(), 4 * g.u);
        if (Cell::kHasCell && step > 1) prefetch_row(c_before + at - s.N * state, g.u);
        Cell::backward(g, z, inputs + b * s.input_stride() + s.I + 1 + first, c + cell, c_before + cell);
      }
  }

  void add_weights(std::int64_t K, const T* inputs, const T* slopes, T* sums) const {
    const auto add = [&](std::int64_t row, std::int64_t end, std::int64_t column, std::int64_t width) {
      if (row < end)
        vectors_product<Store::add, T>(end - row, padded<T>(width), K, {inputs + row, 1, s.input_stride()},
                                       slopes + column, s.sums_stride(), sums + row * ld() + column, ld());
    };
    add(first_row, first_row + rows, 0, s.hidden_sums());
    if (s.kFirst) add(first_row, std::min(first_row + rows, s.I + 1), s.candidates(), s.H);
  }

  void input_gradient(std::int64_t d, std::int64_t begin, std::int64_t B, std::int64_t last,
                      std::int64_t count, const T* slopes, T* out) const {
    const std::int64_t width = padded<T>(s.I), columns = s.sums_stride();
    const T* w = w_ih[static_cast<std::size_t>(d)].template data<T>();
    vectors_product<Store::assign, T>(count * B, width, s.hidden_sums(), {slopes, columns, 1}, w, width, out,
                                      width);
    if (s.kFirst)
      vectors_product<Store::add, T>(count * B, width, s.H, {slopes + s.candidates(), columns, 1},
                                     w + s.candidates() * width, width, out, width);
    for (std::int64_t b = 0; b < B; ++b)
      for (std::int64_t i = 0; i < count; ++i)
        copy_row(dx[static_cast<std::size_t>(d)].template data<T>() +
                     ((begin + b) * s.L + s.time(d, last - 1 - i)) * s.I,
                 out + (i * B + b) * width, s.I);
  }
};

}  // namespace detail

// Gradients of one layer; each of dx, dh0, dc0 undefined where it is not wanted. dweights: written in full
// where defined. dy: (N, L, D H), dh_n, dc_n: (D, N, H), each undefined for zero.
template <class Cell>
void recurrent_backward(Cpu, Tensor& dx, Tensor& dh0, Tensor& dc0, std::vector<RecurrentWeights>& dweights,
                        const Tensor& dy, const Tensor& dh_n, const Tensor& dc_n, const Tensor& x,
                        const Tensor& y, const Tensor& h0, const Tensor& c0, const RecurrentSaved& saved,
                        const std::vector<RecurrentWeights>& weights) {
  dispatch_float(x.dtype(), Cell::kName, [&]<class T>() {
    const std::size_t D = weights.size();
    detail::RecurrentBackward<Cell, T> call{
        {x.size(0), x.size(1), x.size(2), weights[0].w_hh.size(1), static_cast<std::int64_t>(D)},
        {},
        dh0,
        dc0,
        dy,
        dh_n,
        dc_n,
        x,
        y,
        h0,
        c0,
        saved,
        {},
        {},
        0,
        0};
    const auto& s = call.s;
    bool of_x = false, of_h = false;
    for (std::size_t d = 0; d < D; ++d) {
      const auto& want = dweights[d];
      of_x = of_x || want.w_ih.defined() || want.b_ih.defined() || want.b_hh.defined();
      of_h = of_h || want.w_hh.defined();
      call.w_hh.push_back(detail::rows_by_column(s, weights[d].w_hh, Cell::kOfH));
      if (!dx.defined()) continue;
      call.w_ih.push_back(detail::rows_by_column(s, weights[d].w_ih, Cell::kOfX));
      call.dx.push_back(d == 0 ? dx : empty_like(dx));
    }
    call.first_row = of_x ? 0 : s.I + 1;
    call.rows = (of_x ? s.I + 1 : 0) + (of_h ? s.H : 0);

    const std::size_t parts = static_cast<std::size_t>(parallel_parts(s.D * s.N));
    std::vector<Tensors> partial(parts, Tensors(D));
    s.segments([&](std::int64_t d, std::int64_t begin, std::int64_t end, int part) {
      Tensor& sums = partial[static_cast<std::size_t>(part)][static_cast<std::size_t>(d)];
      sums = zeros({s.inputs(), call.ld()}, x.dtype());
      call.segment(d, begin, end, sums.data<T>());
    });
    for (std::size_t d = 0; d < D; ++d) {
      Tensor sums = zeros({s.inputs(), call.ld()}, x.dtype());
      for (const auto& part : partial)
        if (part[d].defined()) accumulate(Cpu{}, sums, part[d]);
      detail::unpack_gradients(s, dweights[d], sums.data<T>(), call.ld());
    }
    if (dx.defined() && D == 2) accumulate(Cpu{}, dx, call.dx[1]);
  });
}

}  // namespace cordis::inline CORDIS_ABI
