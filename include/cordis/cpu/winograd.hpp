// cordis/cpu/winograd.hpp: convolutions of three taps and stride 1 with half the multiplications
// Winograd's minimal filtering (Lavin and Gray 2016) by Toom and Cook's construction: a tile of 4 outputs is
// a polynomial product, evaluated at 0, +-a, +-b and infinity: 6 products of transformed inputs V and weights
// U instead of 12. The weights' gradient is the same with 3 outputs and 4 taps, on the same V. The points 5/8
// and 5/4 are exact in binary, keep the even/odd symmetry that halves the work of a transform, and lose
// least: in f32 the error is 1.3 times the direct sum's in the mean (+-1, +-2 gives 1.9). Blocks of
// kTileBlock tiles are transformed into the second-level cache; per panel of 64 outputs six products write a
// block that is still in the cache when it is transformed back.
#pragma once

#include <cordis/cpu/conv1d_direct.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {

inline constexpr int kPoints = 6;
inline constexpr std::int64_t kTileOutputs = 4, kTileBlock = 48, kGradientBlock = 128;
// Behind each row of V, so that rows a power of two long do not share their cache lines.
template <class T>
inline constexpr std::int64_t kRowGap = kLanes<T>;

template <class T>
struct WinogradPoints {
  static constexpr T a = T{0.625}, b = T{1.25}, a2 = a * a, b2 = b * b, p = a2 * b2, q = a2 + b2;
  // 1 / prod (point - other points), for 0, +-a and +-b
  static constexpr T at_0 = 1 / p, at_a = 1 / (2 * a2 * (a2 - b2)), at_b = 1 / (2 * b2 * (b2 - a2));
};

// V from the six samples under a tile; distance: between the six vectors of out.
template <class T>
[[gnu::always_inline]] inline void winograd_input(const T* const (&d)[kPoints], std::int64_t c, T* out,
                                                  std::int64_t distance) {
  using W = WinogradPoints<T>;
  const Vec<T> d0 = load(d[0] + c), d1 = load(d[1] + c), d2 = load(d[2] + c), d3 = load(d[3] + c),
               d4 = load(d[4] + c), d5 = load(d[5] + c);
  const Vec<T> even_a = d4 - W::b2 * d2, odd_a = d3 - W::b2 * d1, even_b = d4 - W::a2 * d2,
               odd_b = d3 - W::a2 * d1;
  store<T>(out, W::p * d0 + (d4 - W::q * d2));
  store<T>(out + distance, even_a + W::a * odd_a);
  store<T>(out + 2 * distance, even_a - W::a * odd_a);
  store<T>(out + 3 * distance, even_b + W::b * odd_b);
  store<T>(out + 4 * distance, even_b - W::b * odd_b);
  store<T>(out + 5 * distance, W::p * d1 + (d5 - W::q * d3));
}

// The samples under tile t of a record: rows of zeros where there are none.
template <class T>
void tile_samples(const T* (&d)[kPoints], const Correlation& s, const T* x, std::int64_t tile,
                  std::int64_t tiles, const T* zero) {
  const T* record = x + tile / tiles * s.L * s.C;
  const std::int64_t l = s.first + tile % tiles * kTileOutputs;
  for (std::int64_t i = 0; i < kPoints; ++i) d[i] = l + i >= 0 && l + i < s.L ? record + (l + i) * s.C : zero;
}

// V of tile `tile`: six rows of C, `distance` apart from `out` on.
template <class T>
[[gnu::always_inline]] inline void transform_input(T* out, std::int64_t distance, const Correlation& s,
                                                   const T* x, std::int64_t tile, std::int64_t tiles,
                                                   const T* zero) {
  const T* d[kPoints];
  tile_samples(d, s, x, tile, tiles, zero);
  for (std::int64_t c = 0; c < s.C; c += kLanes<T>) winograd_input(d, c, out + c, distance);
}

inline std::int64_t winograd_tiles(const Correlation& s) {
  return (s.rows + kTileOutputs - 1) / kTileOutputs;
}

}  // namespace detail

// Shapes that the kernels below take.
template <class T>
bool winograd_fits(const Correlation& s) {
  return s.taps == 3 && s.step == 1 && s.C % kLanes<T> == 0 && s.O % kLanes<T> == 0 && s.C > 0 && s.O > 0;
}

// packed (panels, 3 C, kPanel), as the pack functions leave it -> U (panels, 6, C, kPanel).
template <class T>
Tensor winograd_weights(const Tensor& packed) {
  using W = detail::WinogradPoints<T>;
  const std::int64_t panels = packed.size(0), C = packed.size(1) / 3, size = C * kPanel<T>;
  Tensor u({panels, detail::kPoints, C, kPanel<T>}, packed.dtype());
  parallel_for(panels, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const T* from = packed.data<T>() + panel * 3 * size;
      T* to = u.data<T>() + panel * detail::kPoints * size;
      for (std::int64_t i = 0; i < size; i += kLanes<T>) {
        const Vec<T> w0 = load(from + i), w1 = load(from + size + i), w2 = load(from + 2 * size + i);
        const Vec<T> even_a = (w0 + W::a2 * w2) * W::at_a, odd_a = w1 * (W::a * W::at_a);
        const Vec<T> even_b = (w0 + W::b2 * w2) * W::at_b, odd_b = w1 * (W::b * W::at_b);
        store<T>(to + i, w0 * W::at_0);
        store<T>(to + size + i, even_a + odd_a);
        store<T>(to + 2 * size + i, even_a - odd_a);
        store<T>(to + 3 * size + i, even_b + odd_b);
        store<T>(to + 4 * size + i, even_b - odd_b);
        store<T>(to + 5 * size + i, w2);
      }
    }
  });
  return u;
}

// As correlate, with u of winograd_weights. Parallel over tiles, or over panels where tiles are few.
template <class T>
void winograd_correlate(const Correlation& s, const T* x, const T* u, const OutputRows<T>& y,
                        const Ending<T>& ending = {}) {
  using W = detail::WinogradPoints<T>;
  constexpr std::int64_t P = kPanel<T>, B = detail::kTileBlock;
  const std::int64_t pitch = s.C + detail::kRowGap<T>, tiles = detail::winograd_tiles(s), all = s.N * tiles;
  const std::int64_t panels = panels_of<T>(s.O);

  const auto run = [&](std::int64_t begin, std::int64_t end, std::int64_t panel0, std::int64_t panel1) {
    Tensor scratch({detail::kPoints * B * (pitch + P) + s.C}, dtype_of<T>);
    T *v = scratch.data<T>(), *m = v + detail::kPoints * B * pitch, *zero = m + detail::kPoints * B * P;
    std::fill_n(zero, s.C, T{0});
    for (std::int64_t t0 = begin; t0 < end; t0 += B) {
      const std::int64_t count = std::min(B, end - t0);
      for (std::int64_t t = 0; t < count; ++t)
        detail::transform_input(v + t * pitch, B * pitch, s, x, t0 + t, tiles, zero);
      for (std::int64_t panel = panel0; panel < panel1; ++panel) {
        const std::int64_t width = std::min(P, s.O - panel * P);
        for (std::int64_t i = 0; i < detail::kPoints; ++i)
          panel_product<Store::assign>(count, width, s.C, Strided<T>{v + i * B * pitch, pitch, 1},
                                       u + (panel * detail::kPoints + i) * s.C * P, P, m + i * B * P, P,
                                       i + 1 < detail::kPoints || panel + 1 < panel1
                                           ? u + (panel * detail::kPoints + i + 1) * s.C * P
                                           : nullptr);
        for (std::int64_t t = 0; t < count; ++t) {
          const std::int64_t n = (t0 + t) / tiles, i = (t0 + t) % tiles * detail::kTileOutputs,
                             rows = std::min(detail::kTileOutputs, s.rows - i);
          const std::int64_t at = (n * s.rows + i) * s.O + panel * P;
          T* out = y.data + n * y.record + i * y.row + panel * P;
          for (std::int64_t o = 0; o < width; o += kLanes<T>) {
            const T* from = m + t * P + o;
            const Vec<T> m0 = load(from), m1 = load(from + B * P), m2 = load(from + 2 * B * P),
                         m3 = load(from + 3 * B * P), m4 = load(from + 4 * B * P),
                         m5 = load(from + 5 * B * P);
            const Vec<T> even_a = m1 + m2, odd_a = W::a * (m1 - m2), even_b = m3 + m4,
                         odd_b = W::b * (m3 - m4);
            const auto put = [&](std::int64_t r, Vec<T> value) {
              store<T>(out + r * y.row + o, ending(value, panel * P + o, at + r * s.O + o));
            };
            put(0, m0 + (even_a + even_b));
            if (rows > 1) put(1, odd_a + odd_b);
            if (rows > 2) put(2, W::a2 * even_a + W::b2 * even_b);
            if (rows > 3) put(3, W::a2 * odd_a + W::b2 * odd_b + m5);
          }
        }
      }
    }
  };
  const int threads = num_threads();
  if (all >= detail::kTileBlock / 2 * threads || all >= panels * kTileRows)
    parallel_for(all, [&](std::int64_t begin, std::int64_t end, int) { run(begin, end, 0, panels); });
  else
    parallel_for(panels, [&](std::int64_t begin, std::int64_t end, int) { run(0, all, begin, end); });
}

// m (6, O, C), the products of transformed dy and x summed over tiles [begin, end) of all records; dy:
// (N, rows, O), x: (N, L, C). winograd_weight_gradient makes dw of it.
template <class T>
void winograd_correlate_weights(const Correlation& s, T* m, const T* dy, const T* x, std::int64_t begin,
                                std::int64_t end) {
  using W = detail::WinogradPoints<T>;
  constexpr std::int64_t P = kPanel<T>, B = detail::kGradientBlock;
  const std::int64_t pitch = s.C + detail::kRowGap<T>, rise = s.O + detail::kRowGap<T>,
                     tiles = detail::winograd_tiles(s);
  Tensor scratch({detail::kPoints * B * (pitch + rise) + kPanel<T> + std::max(s.C, s.O)}, dtype_of<T>);
  T *v = scratch.data<T>(), *e = v + detail::kPoints * B * pitch, *zero = e + detail::kPoints * B * rise;
  std::fill_n(zero, kPanel<T> + std::max(s.C, s.O), T{0});
  for (std::int64_t t0 = begin; t0 < end; t0 += B) {
    const std::int64_t count = std::min(B, end - t0);
    for (std::int64_t t = 0; t < count; ++t) {
      detail::transform_input(v + t * pitch, B * pitch, s, x, t0 + t, tiles, zero);
      const std::int64_t n = (t0 + t) / tiles, i = (t0 + t) % tiles * detail::kTileOutputs;
      const T* rows[detail::kTileOutputs];
      for (std::int64_t r = 0; r < detail::kTileOutputs; ++r)
        rows[r] = i + r < s.rows ? dy + (n * s.rows + i + r) * s.O : zero;
      for (std::int64_t o = 0; o < s.O; o += kLanes<T>) {
        const Vec<T> g0 = load(rows[0] + o), g1 = load(rows[1] + o), g2 = load(rows[2] + o),
                     g3 = load(rows[3] + o);
        const Vec<T> even_a = (g0 + W::a2 * g2) * W::at_a, odd_a = (g1 + W::a2 * g3) * (W::a * W::at_a);
        const Vec<T> even_b = (g0 + W::b2 * g2) * W::at_b, odd_b = (g1 + W::b2 * g3) * (W::b * W::at_b);
        T* to = e + t * rise + o;
        store<T>(to, g0 * W::at_0);
        store<T>(to + B * rise, even_a + odd_a);
        store<T>(to + 2 * B * rise, even_a - odd_a);
        store<T>(to + 3 * B * rise, even_b + odd_b);
        store<T>(to + 4 * B * rise, even_b - odd_b);
        store<T>(to + 5 * B * rise, g3);
      }
    }
    for (std::int64_t i = 0; i < detail::kPoints; ++i)
      for (std::int64_t c = 0; c < s.C; c += P) {
        const Strided<T> a{e + i * B * rise, 1, rise};
        T* out = m + i * s.O * s.C + c;
        if (t0 == begin)
          panel_product<Store::assign>(s.O, std::min(P, s.C - c), count, a, v + i * B * pitch + c, pitch, out,
                                       s.C);
        else
          panel_product<Store::add>(s.O, std::min(P, s.C - c), count, a, v + i * B * pitch + c, pitch, out,
                                    s.C);
      }
  }
}

// dw (O, C, 3) of the sums m (6, O, C) of each part, added in the parts' order.
template <class T>
void winograd_weight_gradient(T* dw, const Tensors& parts, std::int64_t O, std::int64_t C) {
  using W = detail::WinogradPoints<T>;
  parallel_for(O, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t o = begin; o < end; ++o)
      for (std::int64_t c = 0; c < C; c += kLanes<T>) {
        Vec<T> m[detail::kPoints];
#pragma GCC unroll 6
        for (std::int64_t i = 0; i < detail::kPoints; ++i) {
          m[i] = load(parts[0].data<T>() + (i * O + o) * C + c);
          for (std::size_t part = 1; part < parts.size(); ++part)
            m[i] += load(parts[part].data<T>() + (i * O + o) * C + c);
        }
        const Vec<T> even_a = m[1] + m[2], even_b = m[3] + m[4];
        store_thirds<T>(dw + (o * C + c) * 3, m[0] + (even_a + even_b),
                        W::a * (m[1] - m[2]) + W::b * (m[3] - m[4]), W::a2 * even_a + W::b2 * even_b + m[5]);
      }
  });
}

}  // namespace cordis::inline CORDIS_ABI
