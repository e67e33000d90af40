// cordis/cpu/recurrent_forward.hpp: an LSTM or GRU layer from its inputs to its outputs
// Each step is, group by group, a product of all samples' rows [x, h] with the group's packed weights (28 KiB
// for 100 units in f32: they stay in the first-level cache while the samples pass) and, straight after it,
// the gates of these units. The groups are gone through forth and back in turn, so that the last one's
// weights are still there when the next step begins with it. Parallel over (direction, sample): no thread
// waits for a step.
#pragma once

#include <cordis/cpu/micro_kernel.hpp>
#include <cordis/cpu/recurrent_layout.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

// c (V vectors) = or += a (K) b (K, V vectors): one row. Even and odd k are summed apart, since V sums are
// too few to keep the multipliers busy.
template <int V, Store kStore, class T>
[[gnu::noinline]] void row_tile(std::int64_t K, const T* __restrict a, const T* __restrict b,
                                std::int64_t ldb, T* __restrict c) {
  constexpr int W = kLanes<T>;
  Vec<T> even[V], odd[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) even[v] = odd[v] = Vec<T>{};
  std::int64_t k = 0;
  for (; k + 2 <= K; k += 2, b += 2 * ldb) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) even[v] += load(b + W * v) * a[k];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) odd[v] += load(b + ldb + W * v) * a[k + 1];
  }
  if (k < K)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) even[v] += load(b + W * v) * a[k];
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    even[v] += odd[v];
    if constexpr (kStore == Store::add) even[v] += load(c + W * v);
    store<T>(c + W * v, even[v]);
  }
}

// c (M, width) = or += a (M, K) b (K, width), width a number of whole vectors.
template <Store kStore, class T>
void vectors_product(std::int64_t M, std::int64_t width, std::int64_t K, const Strided<T>& a, const T* b,
                     std::int64_t ldb, T* c, std::int64_t ldc) {
  for (std::int64_t col = 0; col < width; col += kPanel<T>) {
    const std::int64_t part = std::min<std::int64_t>(kPanel<T>, width - col);
    if (M == 1 && a.step == 1) {
      const auto row = [&](auto kernel) { kernel(K, a.data, b + col, ldb, c + col); };
      if (part == kPanel<T>)
        row(&row_tile<kTileVectors, kStore, T>);
      else if (part == kLanes<T>)
        row(&row_tile<1, kStore, T>);
      else if (part == 2 * kLanes<T>)
        row(&row_tile<2, kStore, T>);
      else
        row(&row_tile<3, kStore, T>);
    } else {
      panel_product<kStore>(M, part, K, a, b + col, ldb, c + col, ldc);
    }
  }
}

// z = the sums of one group's gates, for B rows [x, 1, h].
template <class Cell, class T>
void group_sums(const RecurrentLayout<Cell, T>& s, const std::vector<StepProduct<Cell, T>>& products,
                std::int64_t B, const T* rows, std::int64_t first, T* z, std::int64_t ldz) {
  const std::int64_t u = s.units(first);
  for (const auto& p : products) {
    const Strided<T> a{rows + p.row, s.input_stride(), 1};
    const auto product = [&]<Store kStore>() {
      vectors_product<kStore>(B, p.width(u), p.depth, a, p.group(first), p.width(u), z + p.block * u, ldz);
    };
    if (p.block == 0) {
      product.template operator()<Store::assign>();
    } else {
      for (std::int64_t b = 0; b < B; ++b) store<T>(z + b * ldz + 3 * u, Vec<T>{});
      product.template operator()<Store::add>();
    }
  }
}

template <class Cell, bool kKeep, class T>
void forward_segment(const RecurrentLayout<Cell, T>& s, const std::vector<StepProduct<Cell, T>>& products,
                     std::int64_t d, std::int64_t begin, std::int64_t end, Tensor& y, Tensor& h_n,
                     Tensor& c_n, RecurrentSaved& saved, const Tensor& x, const Tensor& h0,
                     const Tensor& c0) {
  const std::int64_t B = end - begin, H = s.H, stride = s.input_stride(), state = s.state_stride(),
                     groups = state / s.kWidth;
  // Of few samples the gates of one group leave the processor waiting: all groups' are made together.
  const bool few = B <= 2;
  const std::int64_t together = few ? groups : 1,
                     ldz = kKeep || few ? s.gates_stride() : s.gates_width(std::min(H, s.kWidth));
  Tensor slots = zeros({2, B, stride}, x.dtype()), cells = zeros({Cell::kHasCell ? B : 0, state}, x.dtype()),
         sums({kKeep ? 0 : B, ldz}, x.dtype());
  T* slot[2] = {slots.data<T>(), slots.data<T>() + B * stride};
  for (std::int64_t b = 0; b < B; ++b) {
    const std::int64_t given = (d * s.N + begin + b) * H;
    slot[0][b * stride + s.I] = slot[1][b * stride + s.I] = 1;
    if (h0.defined()) copy_row(slot[0] + b * stride + s.I + 1, h0.data<T>() + given, H);
    if (c0.defined()) copy_row(cells.data<T>() + b * state, c0.data<T>() + given, H);
  }
  const T* c_before = cells.data<T>();
  T* c = cells.data<T>();
  for (std::int64_t step = 0; step < s.L; ++step) {
    const std::int64_t t = s.time(d, step), kept = (d * s.L + step) * s.N + begin;
    T *now = slot[step % 2], *next = slot[(step + 1) % 2];
    for (std::int64_t b = 0; b < B; ++b)
      copy_row(now + b * stride, x.data<T>() + ((begin + b) * s.L + t) * s.I, s.I);
    if constexpr (Cell::kHasCell && kKeep) c = saved.c.data<T>() + kept * state;
    for (std::int64_t i = 0; i < groups; i += together) {
      const auto each = [&](auto&& f) {
        for (std::int64_t j = i; j < i + together; ++j) {
          const std::int64_t first = (step % 2 ? groups - 1 - j : j) * s.kWidth;
          f(first, s.units(first),
            kKeep ? saved.gates.data<T>() + kept * ldz + 4 * first : sums.data<T>() + (few ? 4 * first : 0));
        }
      };
      each([&](std::int64_t first, std::int64_t, T* z) { group_sums(s, products, B, now, first, z, ldz); });
      each([&](std::int64_t first, std::int64_t u, T* z) {
        for (std::int64_t b = 0; b < B; ++b)
          Cell::template gates<kKeep>(z + b * ldz, u, c + b * state + first, c_before + b * state + first);
      });
      each([&](std::int64_t first, std::int64_t u, T* z) {
        for (std::int64_t b = 0; b < B; ++b)
          Cell::output(z + b * ldz, u, next + b * stride + s.I + 1 + first,
                       now + b * stride + s.I + 1 + first, c + b * state + first);
      });
    }
    c_before = c;
    const std::int64_t later = step + 1 < s.L ? s.time(d, step + 1) - t : 0;
    for (std::int64_t b = 0; b < B; ++b) {
      T* out = y.data<T>() + ((begin + b) * s.L + t) * s.D * H + d * H;
      prefetch_row<true>(out + later * s.D * H, H);
      copy_row(out, next + b * stride + s.I + 1, H);
    }
  }
  for (std::int64_t b = 0; b < B; ++b) {
    const std::int64_t out = (d * s.N + begin + b) * H;
    copy_row(h_n.data<T>() + out, slot[s.L % 2] + b * stride + s.I + 1, H);
    if constexpr (Cell::kHasCell) copy_row(c_n.data<T>() + out, c + b * state, H);
  }
}

}  // namespace detail

// y: (N, L, D H); h_n, c_n: (D, N, H), c_n undefined for a GRU; saved: made here where keep is true; x: (N,
// L, I); h0, c0: (D, N, H) or undefined for zeros.
template <class Cell>
void recurrent_forward(Cpu, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, bool keep,
                       const Tensor& x, const Tensor& h0, const Tensor& c0,
                       const std::vector<RecurrentWeights>& weights) {
  dispatch_float(x.dtype(), Cell::kName, [&]<class T>() {
    const detail::RecurrentLayout<Cell, T> s{x.size(0), x.size(1), x.size(2), h_n.size(2), h_n.size(0)};
    std::vector<std::vector<detail::StepProduct<Cell, T>>> products;
    for (const auto& w : weights) products.push_back(detail::step_products(s, w));
    if (keep) {
      saved.gates = Tensor({s.D, s.L, s.N, s.gates_stride()}, x.dtype());
      if (Cell::kHasCell) saved.c = Tensor({s.D, s.L, s.N, s.state_stride()}, x.dtype());
    }
    s.segments([&](std::int64_t d, std::int64_t begin, std::int64_t end, int) {
      const auto segment =
          keep ? &detail::forward_segment<Cell, true, T> : &detail::forward_segment<Cell, false, T>;
      segment(s, products[static_cast<std::size_t>(d)], d, begin, end, y, h_n, c_n, saved, x, h0, c0);
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
