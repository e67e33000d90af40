// kernels/cudnn.hpp: checked calls of cuDNN, its descriptors and handles
#pragma once

#include <cudnn.h>

#include <algorithm>
#include <cordis/core/dtype.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

namespace cordis::inline CORDIS_ABI {

// Throws CudaError where the call failed: what was called, where, and cuDNN's two texts.
void check(cudnnStatus_t status, const char* call, const char* file = __builtin_FILE(),
           int line = __builtin_LINE());

namespace vendor {

// What cuDNN has to say about the last call of this thread that failed.
std::string last_message();

template <class T>
inline constexpr cudnnBackendAttributeType_t kAttributeType = [] {
  if constexpr (std::is_same_v<T, std::int64_t>) return CUDNN_TYPE_INT64;
  if constexpr (std::is_same_v<T, float>) return CUDNN_TYPE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return CUDNN_TYPE_DOUBLE;
  if constexpr (std::is_same_v<T, char>) return CUDNN_TYPE_CHAR;
  if constexpr (std::is_same_v<T, void*>) return CUDNN_TYPE_VOID_PTR;
  if constexpr (std::is_same_v<T, cudnnHandle_t>) return CUDNN_TYPE_HANDLE;
  if constexpr (std::is_same_v<T, cudnnDataType_t>) return CUDNN_TYPE_DATA_TYPE;
  if constexpr (std::is_same_v<T, cudnnConvolutionMode_t>) return CUDNN_TYPE_CONVOLUTION_MODE;
  if constexpr (std::is_same_v<T, cudnnBackendHeurMode_t>) return CUDNN_TYPE_HEUR_MODE;
  if constexpr (std::is_same_v<T, cudnnBackendNumericalNote_t>) return CUDNN_TYPE_NUMERICAL_NOTE;
}();

// A descriptor of the graph API.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type, const char* file = __builtin_FILE(),
                      int line = __builtin_LINE()) {
    check(cudnnBackendCreateDescriptor(type, &native_), "cudnnBackendCreateDescriptor", file, line);
  }
  Descriptor(Descriptor&& other) noexcept : native_(std::exchange(other.native_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(native_, other.native_);
    return *this;
  }
  ~Descriptor() {
    if (native_) cudnnBackendDestroyDescriptor(native_);
  }

  cudnnBackendDescriptor_t native() const { return native_; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, const std::vector<T>& values,
           const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    set(name, kAttributeType<T>, static_cast<std::int64_t>(values.size()), values.data(), file, line);
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value, const char* file = __builtin_FILE(),
           int line = __builtin_LINE()) {
    set(name, kAttributeType<T>, 1, &value, file, line);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value, const char* file = __builtin_FILE(),
           int line = __builtin_LINE()) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.native_, file, line);
  }

  // Up to `most` values of the attribute.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t name, std::size_t most = 1,
                     const char* file = __builtin_FILE(), int line = __builtin_LINE()) const {
    std::vector<T> values(most);
    std::int64_t count = 0;
    check(cudnnBackendGetAttribute(native_, name, kAttributeType<T>, static_cast<std::int64_t>(most), &count,
                                   values.data()),
          "cudnnBackendGetAttribute", file, line);
    values.resize(std::min(most, static_cast<std::size_t>(count)));
    return values;
  }
  // The descriptors of type `type` that the attribute lists.
  std::vector<Descriptor> get(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) const;

  void finalize(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    check(cudnnBackendFinalize(native_), "cudnnBackendFinalize", file, line);
  }

 private:
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values, const char* file, int line) {
    check(cudnnBackendSetAttribute(native_, name, type, count, values), "cudnnBackendSetAttribute", file,
          line);
  }

  cudnnBackendDescriptor_t native_ = nullptr;
};

// This thread's handle on the device, bound to the current stream.
cudnnHandle_t cudnn_handle(Cuda device);

cudnnDataType_t cudnn_type(DType dtype);
// As the libraries' int; sizes beyond it are refused.
int narrow(std::int64_t size, const char* what);

}  // namespace vendor

}  // namespace cordis::inline CORDIS_ABI
