// tests/cpu/micro_kernel_test.cpp: the register-blocked product against Eigen's
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/cpu/gemm.hpp>
#include <limits>

using namespace cordis;

namespace {

// a in rows or in columns, b in rows longer than needed whose rest is NaN, c in longer rows too.
template <class T>
void compare(std::int64_t M, std::int64_t N, std::int64_t K, bool columns, Store store) {
  CAPTURE(M);
  CAPTURE(N);
  CAPTURE(K);
  CAPTURE(columns);
  const std::int64_t ldb = kPanel<T> + 3, ldc = N + 2;
  Tensor a({M, K}, dtype_of<T>), b({K, ldb}, dtype_of<T>), c({M, ldc}, dtype_of<T>);
  for (auto* each : {&a, &b, &c}) fill_uniform(*each, -1, 1);
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (std::int64_t k = 0; k < K; ++k)
    for (std::int64_t n = N; n < ldb; ++n) b.data<T>()[k * ldb + n] = nan;
  Tensor expected = c.clone(), turned({K, M}, dtype_of<T>);
  for (std::int64_t m = 0; m < M; ++m)
    for (std::int64_t k = 0; k < K; ++k) turned.data<T>()[k * M + m] = a.data<T>()[m * K + k];
  gemm<T>({expected.data<T>(), M, N, ldc}, {a.data<T>(), M, K, K}, {b.data<T>(), K, N, ldb}, Transpose::none,
          store);
  const Strided<T> left = columns ? Strided<T>{turned.data<T>(), 1, M} : Strided<T>{a.data<T>(), K, 1};
  if (store == Store::add)
    panel_product<Store::add>(M, N, K, left, b.data<T>(), ldb, c.data<T>(), ldc);
  else
    panel_product<Store::assign>(M, N, K, left, b.data<T>(), ldb, c.data<T>(), ldc);
  const double bound = static_cast<double>(std::numeric_limits<T>::epsilon() * static_cast<T>(K + 2));
  double worst = 0, outside = 0;
  for (std::int64_t i = 0; i < M * ldc; ++i) {
    const double error =
        std::abs(static_cast<double>(c.data<T>()[i]) - static_cast<double>(expected.data<T>()[i]));
    double& most = i % ldc < N ? worst : outside;
    most = error > most || std::isnan(error) ? error : most;
  }
  REQUIRE(worst <= bound);
  REQUIRE(outside == 0);
}

}  // namespace

TEST_CASE("micro kernel: equals Eigen's product at every width and height of a tile") {
  for (const Store store : {Store::assign, Store::add})
    for (const bool columns : {false, true})
      for (std::int64_t M : {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 31, 100})
        for (std::int64_t K : {1, 2, 17, 64}) {
          for (std::int64_t N = 1; N <= kPanel<float>; N += N < 18 ? 1 : 5)
            compare<float>(M, N, K, columns, store);
          compare<float>(M, kPanel<float>, K, columns, store);
          for (std::int64_t N = 1; N <= kPanel<double>; N += 3) compare<double>(M, N, K, columns, store);
          compare<double>(M, kPanel<double>, K, columns, store);
        }
}

TEST_CASE("micro kernel: a depth of zero gives zeros, or leaves the sum") {
  float c[2] = {5, 6}, b[64] = {};
  const float a[2] = {1, 2};
  panel_product<Store::add, float>(2, 1, 0, {a, 1, 1}, b, kPanel<float>, c, 1);
  CHECK(c[0] == 5);
  panel_product<Store::assign, float>(2, 1, 0, {a, 1, 1}, b, kPanel<float>, c, 1);
  CHECK(c[0] == 0);
  CHECK(c[1] == 0);
}
