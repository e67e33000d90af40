// kernels/cudnn.cpp: checked calls of cuDNN, its descriptors and handles
#include "cudnn.hpp"

#include <climits>

#include "cudnn_per_thread.hpp"

namespace cordis::inline CORDIS_ABI {

void check(cudnnStatus_t status, const char* call, const char* file, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw CudaError(concat("[cuda] ", call, " at ", file, ':', line, ": ", cudnnGetErrorString(status), ": ",
                         vendor::last_message()));
}

namespace vendor {

std::string last_message() {
  char text[1024] = "";
  cudnnGetLastErrorString(text, sizeof text);
  return text;
}

std::vector<Descriptor> Descriptor::get(cudnnBackendAttributeName_t name,
                                        cudnnBackendDescriptorType_t type) const {
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(native_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
        "cudnnBackendGetAttribute");
  std::vector<Descriptor> descriptors;
  std::vector<cudnnBackendDescriptor_t> natives;
  for (std::int64_t i = 0; i < count; ++i) natives.push_back(descriptors.emplace_back(type).native());
  std::int64_t filled = 0;
  check(
      cudnnBackendGetAttribute(native_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &filled, natives.data()),
      "cudnnBackendGetAttribute");
  while (static_cast<std::int64_t>(descriptors.size()) > filled) descriptors.pop_back();
  return descriptors;
}

namespace {
struct Handle {
  explicit Handle(Cuda device) {
    use(device);
    check(cudnnCreate(&native), "cudnnCreate");
  }
  cudnnHandle_t native = nullptr;
};
}  // namespace

cudnnHandle_t cudnn_handle(Cuda device) {
  const cudnnHandle_t handle = PerThread<Handle>::on(device).native;
  use(device);
  check(cudnnSetStream(handle, current_stream(device).native()), "cudnnSetStream");
  return handle;
}

cudnnDataType_t cudnn_type(DType dtype) {
  CORDIS_CHECK(dtype != DType::i64, "[cuda] cuDNN computes f32 and f64, not i64");
  return dtype == DType::f32 ? CUDNN_DATA_FLOAT : CUDNN_DATA_DOUBLE;
}

int narrow(std::int64_t size, const char* what) {
  CORDIS_CHECK(0 <= size && size <= INT_MAX, "[cuda] ", what, ' ', size,
               " is more than cuDNN and cuBLAS take, ", INT_MAX);
  return static_cast<int>(size);
}

}  // namespace vendor

}  // namespace cordis::inline CORDIS_ABI
