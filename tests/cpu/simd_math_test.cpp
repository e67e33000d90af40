// tests/cpu/simd_math_test.cpp: sigmoid and tanh of vectors against wider types, over every exponent
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/cpu/simd_math.hpp>
#include <limits>
#include <vector>

using namespace cordis;

namespace {

template <class T>
using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;

// Distance in units in the last place of the exact value; from the smallest normal number down 0 is right too.
template <class T>
double ulps(T got, Wide<T> exact) {
  if (exact > 0 && exact < 1.001 * std::numeric_limits<T>::min() && got == 0) return 0;
  int exponent = 0;
  std::frexp(static_cast<T>(exact), &exponent);
  const int last = std::max(exponent, std::numeric_limits<T>::min_exponent) - std::numeric_limits<T>::digits;
  return static_cast<double>(std::fabs(static_cast<Wide<T>>(got) - exact) / std::ldexp(Wide<T>{1}, last));
}

template <class T>
struct Worst {
  double sigmoid = 0, tanh = 0;
  std::int64_t lost = 0;  // NaN that became a number, signs that turned

  void see(const std::vector<T>& x) {
    for (std::size_t i = 0; i + kLanes<T> <= x.size(); i += kLanes<T>) {
      T s[kLanes<T>], t[kLanes<T>];
      store<T>(s, cordis::sigmoid<T>(load(x.data() + i)));
      store<T>(t, cordis::tanh<T>(load(x.data() + i)));
      for (std::size_t k = 0; k < kLanes<T>; ++k) {
        const Wide<T> exact = x[i + k];
        if (std::isnan(exact)) {
          lost += !std::isnan(s[k]) + !std::isnan(t[k]);
          continue;
        }
        lost += std::signbit(t[k]) != std::signbit(x[i + k]);
        sigmoid = std::max(sigmoid, ulps<T>(s[k], 1 / (1 + std::exp(-exact))));
        tanh = std::max(tanh, ulps<T>(t[k], std::tanh(exact)));
      }
    }
  }
};

template <class T>
void whole_range() {
  Worst<T> worst;
  const T limit = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  for (const T x : {T{0}, -T{0}, limit, -limit, nan, std::numeric_limits<T>::denorm_min(),
                    std::numeric_limits<T>::max(), -std::numeric_limits<T>::max()})
    worst.see(std::vector<T>(kLanes<T>, x));
  // every exponent, and more densely where the values change
  Generator generator(1, 2);
  std::vector<T> x(1 << 12);
  const auto fill = [&](double low, double high) {
    for (auto& value : x) value = static_cast<T>(low + (high - low) * generator.uniform());
  };
  for (int exponent = std::numeric_limits<T>::min_exponent - std::numeric_limits<T>::digits;
       exponent < std::numeric_limits<T>::max_exponent; ++exponent)
    for (const T sign : {T{1}, T{-1}}) {
      fill(1, 2);
      for (auto& value : x) value = sign * std::ldexp(value, exponent);
      worst.see(x);
    }
  for (int i = 0; i < 100; ++i)
    for (const double size : {0.1, 1.0, 4.0, 20.0, 100.0, 800.0}) fill(-size, size), worst.see(x);
  CHECK(worst.sigmoid < 4);
  CHECK(worst.tanh < 4);
  CHECK(worst.lost == 0);
}

}  // namespace

TEST_CASE("simd math: sigmoid and tanh within 4 ulp, whatever comes") {
  whole_range<float>();
  whole_range<double>();
}

TEST_CASE("simd math: limits are exact") {
  const auto at = [](double x) {
    float s[kLanes<float>], t[kLanes<float>];
    store<float>(s, cordis::sigmoid<float>(splat(static_cast<float>(x))));
    store<float>(t, cordis::tanh<float>(splat(static_cast<float>(x))));
    return std::pair{s[0], t[0]};
  };
  CHECK(at(0) == std::pair{0.5F, 0.0F});
  CHECK(at(1e30) == std::pair{1.0F, 1.0F});
  CHECK(at(-1e30) == std::pair{0.0F, -1.0F});
}
