// cordis/cpu/simd.hpp: vectors as wide as the target of the compiler offers: AVX-512, AVX, SSE, NEON
// Written in the vector extensions that g++ and clang++ share, so that a kernel is written once for all
// widths.
#pragma once

#include <cordis/config.hpp>
#include <cstdint>
#include <cstring>
#include <utility>

namespace cordis::inline CORDIS_ABI {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64, kVectorRegisters = 32;
#elif defined(__AVX__)
inline constexpr int kVectorBytes = 32, kVectorRegisters = 16;
#elif defined(__aarch64__)
inline constexpr int kVectorBytes = 16, kVectorRegisters = 32;
#else
inline constexpr int kVectorBytes = 16, kVectorRegisters = 16;
#endif

// The ABI tag of a CUDA build does not tell the width, since its kernels' library serves all. To the linker
// this symbol is the same in files of the same width, and defined twice where they differ.
#if defined(CORDIS_CUDA) && defined(__ELF__)
asm(".globl cordis_cuda_build_needs_one_march\n"
    ".hidden cordis_cuda_build_needs_one_march\n"
    ".set cordis_cuda_build_needs_one_march, " CORDIS_TEXT(CORDIS_WIDTH_NUMBER));
#endif

namespace detail {
template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float type __attribute__((vector_size(kVectorBytes)));
  typedef std::int32_t bits __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VectorOf<double> {
  typedef double type __attribute__((vector_size(kVectorBytes)));
  typedef std::int64_t bits __attribute__((vector_size(kVectorBytes)));
};
}  // namespace detail

// kLanes<T> values of T; + - * / and comparisons work lane by lane, a scalar operand stands for all lanes.
template <class T>
using Vec = typename detail::VectorOf<T>::type;
// Integers of the same width: what comparisons of Vec<T> give (-1 for true), and its bit patterns.
template <class T>
using VecBits = typename detail::VectorOf<T>::bits;
template <class T>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

// p need not be aligned.
template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* p) {
  Vec<T> v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
[[gnu::always_inline]] inline void store(T* p, Vec<T> v) {
  std::memcpy(p, &v, sizeof v);
}
// The first n of kLanes<T> values; lanes from n on are 0, and memory behind them is neither read nor written.
template <class T>
[[gnu::always_inline]] inline Vec<T> load_first(const T* p, std::int64_t n) {
  Vec<T> v{};
  std::memcpy(&v, p, static_cast<std::size_t>(n) * sizeof(T));
  return v;
}
template <class T>
[[gnu::always_inline]] inline void store_first(T* p, Vec<T> v, std::int64_t n) {
  std::memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(T));
}
template <class T>
[[gnu::always_inline]] inline Vec<T> splat(T value) {
  return Vec<T>{} + value;
}

namespace detail {
// a0 b0 a1 b1 ... from the low or the high halves.
template <bool kHigh, class V, int... I>
[[gnu::always_inline]] inline V interleave(V a, V b, std::integer_sequence<int, I...>) {
  constexpr int W = sizeof...(I);
  return __builtin_shufflevector(a, b, (I / 2 + (I % 2) * W + (kHigh ? W / 2 : 0))...);
}
}  // namespace detail

// Rows become columns. Each round interleaves the rows of the upper half with those of the lower.
template <class T>
[[gnu::always_inline]] inline void transpose(Vec<T> (&m)[kLanes<T>]) {
  constexpr int W = kLanes<T>;
  constexpr auto lanes = std::make_integer_sequence<int, W>{};
#pragma GCC unroll 4
  for (int round = 1; round < W; round *= 2) {
    Vec<T> t[W];
#pragma GCC unroll 16
    for (int i = 0; i < W / 2; ++i) {
      t[2 * i] = detail::interleave<false>(m[i], m[i + W / 2], lanes);
      t[2 * i + 1] = detail::interleave<true>(m[i], m[i + W / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) m[i] = t[i];
  }
}

namespace detail {
template <int kPart, class V, int... I>
[[gnu::always_inline]] inline V pick3(V a, V b, V c, std::integer_sequence<int, I...>) {
  constexpr int W = sizeof...(I);
  const V t = __builtin_shufflevector(a, b, (3 * I + kPart < 2 * W ? 3 * I + kPart : 0)...);
  return __builtin_shufflevector(t, c, (3 * I + kPart < 2 * W ? I : 3 * I + kPart - W)...);
}
template <int kPart, class V, int... I>
[[gnu::always_inline]] inline V mix3(V a, V b, V c, std::integer_sequence<int, I...>) {
  constexpr int W = sizeof...(I), from = kPart * W;
  const V t =
      __builtin_shufflevector(a, b, ((from + I) % 3 == 2 ? 0 : (from + I) % 3 * W + (from + I) / 3)...);
  return __builtin_shufflevector(t, c, ((from + I) % 3 == 2 ? W + (from + I) / 3 : I)...);
}
}  // namespace detail

// Of 3 kLanes<T> values at p those at part, part + 3, part + 6, ...
template <int kPart, class T>
[[gnu::always_inline]] inline Vec<T> load_third(const T* p) {
  return detail::pick3<kPart>(load(p), load(p + kLanes<T>), load(p + 2 * kLanes<T>),
                              std::make_integer_sequence<int, kLanes<T>>{});
}
// a[0] b[0] c[0] a[1] b[1] c[1] ...
template <class T>
[[gnu::always_inline]] inline void store_thirds(T* p, Vec<T> a, Vec<T> b, Vec<T> c) {
  constexpr auto lanes = std::make_integer_sequence<int, kLanes<T>>{};
  store<T>(p, detail::mix3<0>(a, b, c, lanes));
  store<T>(p + kLanes<T>, detail::mix3<1>(a, b, c, lanes));
  store<T>(p + 2 * kLanes<T>, detail::mix3<2>(a, b, c, lanes));
}

}  // namespace cordis::inline CORDIS_ABI
