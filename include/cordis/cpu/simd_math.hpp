// cordis/cpu/simd_math.hpp: sigmoid and tanh of whole vectors, within 4 units in the last place
// Both come from one reduction, e^a = 2^n (1 + p(r)) with |r| <= ln 2 / 2, and one division. NaN gives NaN,
// ±inf the limit, and tanh keeps the sign of zero; a sigmoid that is no normal number is 0.
#pragma once

#include <cordis/cpu/simd.hpp>
#include <iterator>
#include <utility>

namespace cordis::inline CORDIS_ABI {

namespace detail {

// kPoly: e^r - 1 = r + r² (c0 + c1 r + ...), highest power first, the minimax fit in the relative error of
// e^r - 1 on |r| <= ln 2 / 2: a Remez exchange at 80 digits over the weight r² / (e^r - 1) of the bracket.
// Largest relative error: f32 1.3e-8, f64 1.8e-17. kLn2High has few enough bits that n kLn2High is exact.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  typedef std::int32_t whole __attribute__((vector_size(kVectorBytes)));
  typedef std::uint32_t word __attribute__((vector_size(kVectorBytes)));
  static constexpr int kMantissa = 23;
  static constexpr std::uint32_t kBias = 127, kMagnitude = 0x7fffffff;
  static constexpr float kLog2E = 1.44269504F, kLn2 = 0.693147181F, kLn2High = 0.693359375F,
                         kLn2Low = -2.12194440e-4F;
  static constexpr float kSigmoidZero = 87.3365F, kTanhOne = 9.1F;
  static constexpr float kPoly[] = {0.00138825197F, 0.00836653014F, 0.0416672002F, 0.166665436F,
                                    0.499999982F};
};
template <>
struct ExpConstants<double> {
  typedef std::int32_t whole __attribute__((vector_size(kVectorBytes / 2)));
  typedef std::uint64_t word __attribute__((vector_size(kVectorBytes)));
  static constexpr int kMantissa = 52;
  static constexpr std::uint64_t kBias = 1023, kMagnitude = 0x7fffffffffffffff;
  static constexpr double kLog2E = 1.4426950408889634, kLn2 = 0.69314718055994531,
                          kLn2High = 0.693147182464599609375, kLn2Low = -1.90465429995776e-9;
  static constexpr double kSigmoidZero = 708.396, kTanhOne = 19.1;
  static constexpr double kPoly[] = {2.50537747197038921e-8,  2.76260576799033799e-7,  2.7557407595206051e-6,
                                     0.000024801505226581241, 0.000198412697189003065, 0.00138888889316016872,
                                     0.0083333333333896167,   0.0416666666665766514,   0.166666666666665892,
                                     0.500000000000000519};
};

// The value as it was computed: -ffast-math may not take its terms apart.
template <class V>
[[gnu::always_inline]] inline V intact(V value) {
#if defined(__x86_64__)
  asm("" : "+v"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#endif
  return value;
}

// e^r - 1
template <class T>
[[gnu::always_inline]] inline Vec<T> expm1_near_zero(Vec<T> r) {
  const auto horner = [r]<std::size_t... k>(std::index_sequence<k...>) {
    Vec<T> sum = splat(ExpConstants<T>::kPoly[0]);
    ((sum = sum * r + ExpConstants<T>::kPoly[k + 1]), ...);
    return sum;
  };
  return intact(r * r * horner(std::make_index_sequence<std::size(ExpConstants<T>::kPoly) - 1>{}) + r);
}

// The whole number nearest to a >= 0, as integer (unsigned: far outside the range it may wrap) and as T. In
// f64 it goes through 32 bits, for which every instruction set has a conversion.
template <class T>
[[gnu::always_inline]] inline typename ExpConstants<T>::word nearest(Vec<T> a, Vec<T>& as_float) {
  const auto n = __builtin_convertvector(a + T{0.5}, typename ExpConstants<T>::whole);
  as_float = __builtin_convertvector(n, Vec<T>);
  return __builtin_convertvector(n, typename ExpConstants<T>::word);
}

}  // namespace detail

// 1 / (1 + e^-x). With e = e^-|x| it is 1 / (1 + e) on the right and e / (1 + e) on the left: nothing
// cancels.
template <class T>
[[gnu::always_inline]] inline Vec<T> sigmoid(Vec<T> x) {
  using C = detail::ExpConstants<T>;
  using Word = typename C::word;
  const Vec<T> a = (Vec<T>)((Word)x & C::kMagnitude);
  Vec<T> n;
  const Word power = detail::nearest<T>(a * C::kLog2E, n);
  const Vec<T> r = n * C::kLn2Low + detail::intact(n * C::kLn2High - a);
  const Vec<T> mantissa = detail::expm1_near_zero<T>(r) + T{1};
  Vec<T> e = (Vec<T>)((Word)mantissa - (power << C::kMantissa));
  e = a > C::kSigmoidZero ? Vec<T>{} : e;
  return (x < T{0} ? e : splat(T{1})) / (e + T{1});
}

// With m = e^(2 |x|) - 1 = (2^n - 1) + 2^n p(r): m / (m + 2), and the sign of x.
template <class T>
[[gnu::always_inline]] inline Vec<T> tanh(Vec<T> x) {
  using C = detail::ExpConstants<T>;
  using Word = typename C::word;
  const Word sign = (Word)x & ~C::kMagnitude;
  const Vec<T> a = (Vec<T>)((Word)x & C::kMagnitude);
  Vec<T> n;
  const Word power = detail::nearest<T>(a * (2 * C::kLog2E), n);
  const Vec<T> scale = (Vec<T>)((power + C::kBias) << C::kMantissa);
  const Vec<T> m = scale * detail::expm1_near_zero<T>(a * T{2} - n * C::kLn2) + detail::intact(scale - T{1});
  const Vec<T> t = a > C::kTanhOne ? splat(T{1}) : m / (m + T{2});
  return (Vec<T>)((Word)t | sign);
}

}  // namespace cordis::inline CORDIS_ABI
