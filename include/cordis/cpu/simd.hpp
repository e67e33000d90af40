// cordis/cpu/simd.hpp: vectors as wide as the target of the compiler offers: AVX-512, AVX, SSE, NEON
// Written in the vector extensions that g++ and clang++ share, so that a kernel is written once for all
// widths.
#pragma once

#include <cordis/config.hpp>
#include <cstdint>
#include <cstring>

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

}  // namespace cordis::inline CORDIS_ABI
