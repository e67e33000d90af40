// tests/cpu/product_test.cpp: products of any matrices against Eigen's
#include <doctest/doctest.h>

#include <cordis/cpu/gemm.hpp>
#include <op/support.hpp>

using namespace cordis;

TEST_CASE("product: equals Eigen's, either side transposed, rows apart or overlapping") {
  Generator generator(6);
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    return static_cast<std::int64_t>(low + generator.below(high - low + 1));
  };
  for (int i = 0; i < 120; ++i) {
    const std::int64_t M = draw(0, 40), N = draw(0, 150), K = i % 10 == 0 ? 0 : draw(1, 300);
    const auto transpose = static_cast<Transpose>(i % 3);
    const Store kind = i % 2 ? Store::add : Store::assign;
    const bool a_turned = transpose == Transpose::a, b_turned = transpose == Transpose::b;
    // of a, rows may overlap: fewer values apart than they are long
    const std::int64_t a_cols = a_turned ? M : K,
                       a_stride = std::max<std::int64_t>(1, a_cols - 2 + draw(0, 4)),
                       b_stride = (b_turned ? K : N) + draw(0, 3), c_stride = N + draw(0, 3);
    CAPTURE(M);
    CAPTURE(N);
    CAPTURE(K);
    CAPTURE(i);
    const Tensor a = random_tensor({(a_turned ? K : M) * a_stride + a_cols}, 1),
                 b = random_tensor({(b_turned ? N : K) * b_stride + 1}, 2),
                 c = random_tensor({M * c_stride + 1}, 3), expected = c.clone();
    const MatrixView<const double> left{a.data<double>(), a_turned ? K : M, a_cols, a_stride},
        right{b.data<double>(), b_turned ? N : K, b_turned ? K : N, b_stride};
    product<double>({c.data<double>(), M, N, c_stride}, left, right, transpose, kind);
    const MatrixView<double> wanted{expected.data<double>(), M, N, c_stride};
    if (transpose == Transpose::none && kind == Store::assign)
      gemm<double>(wanted, left, right);
    else
      gemm<double>(wanted, left, right, transpose, kind);
    CHECK(deviation(c, expected) < 1e-13);
  }
}
