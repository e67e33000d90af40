// kernels/cublas.cpp: matrix products by cuBLAS
#include <cublas_v2.h>

#include <algorithm>

#include "cudnn.hpp"
#include "cudnn_per_thread.hpp"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI::vendor {

namespace {

void check(cublasStatus_t status, const char* call, const char* file = __builtin_FILE(),
           int line = __builtin_LINE()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw CudaError(concat("[cuda] ", call, " at ", file, ':', line, ": ", cublasGetStatusString(status), " (",
                         cublasGetStatusName(status), ')'));
}

struct Handle {
  explicit Handle(Cuda device) {
    use(device);
    check(cublasCreate(&native), "cublasCreate");
    workspace = (properties(device).major >= 9 ? std::size_t{32} : std::size_t{4})
                << 20;  // as cuBLAS advises
  }
  cublasHandle_t native = nullptr;
  std::size_t workspace = 0;
};

}  // namespace

bool available() { return true; }

std::string versions() {
  const std::size_t cudnn = cudnnGetVersion();
  int parts[3] = {};
  check(cublasGetProperty(MAJOR_VERSION, &parts[0]), "cublasGetProperty");
  check(cublasGetProperty(MINOR_VERSION, &parts[1]), "cublasGetProperty");
  check(cublasGetProperty(PATCH_LEVEL, &parts[2]), "cublasGetProperty");
  return concat("cuDNN ", cudnn / 10000, '.', cudnn / 100 % 100, '.', cudnn % 100, ", cuBLAS ", parts[0], '.',
                parts[1], '.', parts[2]);
}

void product(Cuda device, const Product& shape, void* c, const void* a, const void* b) {
  const int m = narrow(shape.m, "m"), n = narrow(shape.n, "n"), k = narrow(shape.k, "k");
  if (m == 0 || n == 0) return;
  const Handle& handle = PerThread<Handle>::on(device);
  use(device);
  check(cublasSetStream(handle.native, current_stream(device).native()), "cublasSetStream");
  // A workspace of the stream's own: cuBLAS's one is shared by all streams of the handle.
  const Storage workspace(handle.workspace, Device::cuda(device.index));
  check(cublasSetWorkspace(handle.native, workspace.data(), handle.workspace), "cublasSetWorkspace");
  const auto operation = [](bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; };
  dispatch_float(shape.dtype, "product", [&]<class T>() {
    constexpr bool kSingle = dtype_of<T> == DType::f32;
    const cudaDataType type = kSingle ? CUDA_R_32F : CUDA_R_64F;
    const cublasComputeType_t compute = !kSingle         ? CUBLAS_COMPUTE_64F
                                        : tf32_allowed() ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                         : CUBLAS_COMPUTE_32F;
    const T alpha = 1, beta = static_cast<T>(shape.beta);
    // cuBLAS counts by columns: what it takes for C transposed is B transposed times A transposed.
    check(
        cublasGemmEx(handle.native, operation(shape.transpose_b), operation(shape.transpose_a), n, m, k,
                     &alpha, b, type, std::max(1, shape.transpose_b ? k : n), a, type,
                     std::max(1, shape.transpose_a ? m : k), &beta, c, type, n, compute, CUBLAS_GEMM_DEFAULT),
        "cublasGemmEx");
  });
}

}  // namespace cordis::inline CORDIS_ABI::vendor
