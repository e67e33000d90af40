// kernels/check.hpp: CUDA's error codes as exceptions
#pragma once

#include <cuda_runtime.h>

#include <cordis/cuda/runtime.hpp>

namespace cordis::inline CORDIS_ABI {

// Throws CudaError where the call failed: what was called, where, and CUDA's text.
inline void check(cudaError_t status, const char* call, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // else the next call would report this error again
  throw CudaError(concat("[cuda] ", call, " at ", file, ':', line, ": ", cudaGetErrorString(status), " (",
                         cudaGetErrorName(status), ')'));
}

// Makes `device` the one that this thread's calls of CUDA mean.
void use(Cuda device);

}  // namespace cordis::inline CORDIS_ABI
