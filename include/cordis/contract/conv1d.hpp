// cordis/contract/conv1d.hpp: options of a convolution, and its weights packed for inference
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// Of a convolution, in samples; PyTorch's.
struct Conv1dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
};

// The weights of one convolution (dilation 1, groups 1) as the kernels read them.
struct PackedConv1d {
  std::int64_t O, C, K;
  Conv1dOptions options;
  Tensor direct;    // in the layout of the device's kernels
  Tensor winograd;  // transformed, where the CPU has kernels for the shape
  Tensor bias;      // (O,)
};

// What is done with the output of a convolution before it is written.
struct Conv1dEnd {
  Tensor residual;  // (N, L_out, O), added before the ReLU, or undefined
  bool relu = false;
};

}  // namespace cordis::inline CORDIS_ABI
