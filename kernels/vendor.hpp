// kernels/vendor.hpp: what cuDNN and cuBLAS compute for us
// Defined in kernels/cudnn_conv1d.cpp, cudnn_recurrent.cpp and cublas.cpp; in a build without cuDNN
// (CORDIS_CUDNN=OFF) in vendor_none.cpp, where available() is false and the rest throws. All pointers are
// device memory of `device`; the work goes into its current stream (cuda/runtime.hpp).
#pragma once

#include <compare>
#include <cordis/core/device.hpp>
#include <cordis/core/dtype.hpp>
#include <cordis/core/storage.hpp>
#include <cstdint>
#include <string>

namespace cordis::inline CORDIS_ABI::vendor {

bool available();
std::string versions();  // "cuDNN 9.19.0, cuBLAS 13.0.2"; empty where not available

// x: (N, L, C); w: (O, K, C / groups), channels last; y: (N, L_out, O).
struct Conv1dShape {
  DType dtype;
  std::int64_t N, L, C, O, K, L_out, stride, padding, dilation, groups;
  friend auto operator<=>(const Conv1dShape&, const Conv1dShape&) = default;
};
enum class Conv1dPass {
  forward,          // y of x and w
  backward_data,    // x, its gradient, of y's gradient and w
  backward_weight,  // w, its gradient, of x and y's gradient
};
// Writes one of the three, in full, from the others. Each thread keeps its plans by shape and pass.
void conv1d(Cuda device, Conv1dPass pass, const Conv1dShape& shape, void* x, void* w, void* y);

// Row-major C (m, n) = op(A) op(B) + beta C with A (m, k), or (k, m) where transposed, and B (k, n) or
// (n, k).
struct Product {
  DType dtype;
  std::int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  double beta = 0;
};
void product(Cuda device, const Product& shape, void* c, const void* a, const void* b);

// One layer, one or two directions. x: (N, L, I); y: (N, L, D H); states (D, N, H); weights and gates as
// PyTorch's.
struct RecurrentShape {
  DType dtype;
  bool lstm;  // else GRU
  bool bias;
  std::int64_t directions, N, L, I, H;
  friend auto operator<=>(const RecurrentShape&, const RecurrentShape&) = default;
};
struct RecurrentPointers {  // of one direction: w_ih (G H, I), w_hh (G H, H), b_ih, b_hh (G H,), or null
  void *w_ih, *w_hh, *b_ih, *b_hh;
};
// What forward leaves for backward.
struct RecurrentReserve {
  Storage weights;  // cuDNN's weight space
  Storage reserve;
};
// h0, c0: null for zeros. c_n: null for a GRU. `keep`: reserve is filled for backward.
void recurrent_forward(Cuda device, const RecurrentShape& shape, bool keep, RecurrentReserve& saved,
                       const void* x, const void* h0, const void* c0, const RecurrentPointers* weights,
                       void* y, void* h_n, void* c_n);
// dx, dh0, dc0, and each pointer of dw may be null: not wanted. dy, dh_n, dc_n may be null: zero. The rest as
// forward had and left it. cuDNN overwrites the reserve, so that it is given up and a second backward throws
// std::logic_error; `again`: it is copied aside and back, so that another backward can follow.
void recurrent_backward(Cuda device, const RecurrentShape& shape, RecurrentReserve& saved, void* dx,
                        void* dh0, void* dc0, const RecurrentPointers* dw, const void* dy, const void* dh_n,
                        const void* dc_n, const void* x, const void* y, const void* h0, const void* c0,
                        bool again = false);

}  // namespace cordis::inline CORDIS_ABI::vendor
