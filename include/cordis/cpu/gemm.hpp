// cordis/cpu/gemm.hpp: Eigen's matrix product, what the tests hold the project's own against
// No other header instantiates it: that takes a compiler seconds for every file.
#pragma once

#include <Eigen/Core>
#include <cordis/cpu/product.hpp>

namespace cordis::inline CORDIS_ABI {

// c (m, n) = or += a b; Transpose::a reads a as (k, m), Transpose::b reads b as (n, k). c overlaps neither.
// Runs on the calling thread.
template <class T>
void gemm(MatrixView<T> c, MatrixView<std::type_identity_t<const T>> a,
          MatrixView<std::type_identity_t<const T>> b, Transpose transpose = Transpose::none,
          Store store = Store::assign) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Stride = Eigen::OuterStride<>;
  const Eigen::Map<const Matrix, 0, Stride> left(a.data, a.rows, a.cols, Stride(a.stride));
  const Eigen::Map<const Matrix, 0, Stride> right(b.data, b.rows, b.cols, Stride(b.stride));
  Eigen::Map<Matrix, 0, Stride> out(c.data, c.rows, c.cols, Stride(c.stride));
  if (c.rows == 0 || c.cols == 0) return;
  // a zero-sized inner extent makes Eigen leave the sum untouched, as it should be
  if (store == Store::assign) out.setZero();
  switch (transpose) {
    case Transpose::none:
      out.noalias() += left * right;
      break;
    case Transpose::a:
      out.noalias() += left.transpose() * right;
      break;
    case Transpose::b:
      out.noalias() += left * right.transpose();
      break;
  }
}

}  // namespace cordis::inline CORDIS_ABI
