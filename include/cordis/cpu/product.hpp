// cordis/cpu/product.hpp: products of any matrices by the micro kernel, for what has no kernel of its own
// Panels of b, kDepthCut deep, are copied side by side (turned where b is transposed), so that they stay in
// the first-level cache while the rows of a pass.
#pragma once

#include <algorithm>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/micro_kernel.hpp>
#include <type_traits>

namespace cordis::inline CORDIS_ABI {

// A row-major matrix in somebody's memory: row r starts at data + r * stride. Rows may overlap (stride <
// cols) where the matrix is only read: the patches of a convolution.
template <class T>
struct MatrixView {
  T* data;
  std::int64_t rows, cols;
  std::int64_t stride;
};

enum class Transpose { none, a, b };

// c (m, n) = or += a b; Transpose::a reads a as (k, m), Transpose::b reads b as (n, k). c overlaps neither.
// Runs on the calling thread.
template <class T>
void product(MatrixView<T> c, MatrixView<std::type_identity_t<const T>> a,
             MatrixView<std::type_identity_t<const T>> b, Transpose transpose = Transpose::none,
             Store kind = Store::assign) {
  constexpr std::int64_t P = kPanel<T>, kDepthCut = 128;
  const bool turned = transpose == Transpose::b;
  const std::int64_t K = turned ? b.cols : b.rows;
  if (K == 0 && kind == Store::assign)
    for (std::int64_t m = 0; m < c.rows; ++m) std::fill_n(c.data + m * c.stride, c.cols, T{0});
  const Tensor scratch({std::min(kDepthCut, K) * P}, dtype_of<T>);
  T* panel = scratch.data<T>();
  for (std::int64_t k = 0; k < K; k += kDepthCut) {
    const std::int64_t depth = std::min(kDepthCut, K - k);
    const Strided<T> left = transpose == Transpose::a ? Strided<T>{a.data + k * a.stride, 1, a.stride}
                                                      : Strided<T>{a.data + k, a.stride, 1};
    for (std::int64_t n = 0; n < c.cols; n += P) {
      const std::int64_t width = std::min(P, c.cols - n);
      for (std::int64_t i = 0; i < depth; ++i) {
        T* row = panel + i * P;
        if (turned)
          for (std::int64_t j = 0; j < width; ++j) row[j] = b.data[(n + j) * b.stride + k + i];
        else
          std::copy_n(b.data + (k + i) * b.stride + n, width, row);
        std::fill_n(row + width, P - width, T{0});
      }
      if (kind == Store::add || k > 0)
        panel_product<Store::add>(c.rows, width, depth, left, panel, P, c.data + n, c.stride);
      else
        panel_product<Store::assign>(c.rows, width, depth, left, panel, P, c.data + n, c.stride);
    }
  }
}

}  // namespace cordis::inline CORDIS_ABI
