// tests/simt/cudart.hpp: what the stand-in runtime's entry points share
#pragma once

#include <cuda_runtime_api.h>

#include <mutex>

#include "streams.hpp"

namespace simt {

// While a call of the runtime lasts.
struct Call {
  explicit Call(const char* name);
  const std::lock_guard<std::recursive_mutex> lock;
};

// Remembers an error for cudaGetLastError.
cudaError_t result(cudaError_t status);

inline bool is_device(int device) { return device >= 0 && device < device_count(); }
// Most bytes of shared memory that a block may have.
inline constexpr std::size_t kSharedDefault = std::size_t{48} << 10, kSharedMost = std::size_t{64} << 10;

}  // namespace simt
