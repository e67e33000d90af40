// tests/simt/cudart_launch.cpp: the stand-in runtime: kernels and their attributes
#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "cudart.hpp"
#include "scheduler.hpp"
#include "symbols.hpp"
#include "violation.hpp"

namespace simt {

namespace {

std::size_t& shared_limit(const void* kernel) {
  static auto& limits = *new std::unordered_map<const void*, std::size_t>;
  return limits.try_emplace(kernel, kSharedDefault).first->second;
}

void check_configuration(const void* kernel, dim3 grid, dim3 block, std::size_t shared) {
  const std::string name = function_name(reinterpret_cast<std::uintptr_t>(kernel));
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads < 1 || threads > 1024 || block.x > 1024 || block.y > 1024 || block.z > 64)
    violation("launch of %s with blocks of %u x %u x %u threads", name.c_str(), block.x, block.y, block.z);
  if (!grid.x || !grid.y || !grid.z || grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535)
    violation("launch of %s with a grid of %u x %u x %u blocks", name.c_str(), grid.x, grid.y, grid.z);
  const std::size_t statics = static_shared_bytes(kernel), limit = shared_limit(kernel);
  if (shared + statics > limit)
    violation("launch of %s with %zu bytes of shared memory and %zu of its own: the limit is %zu",
              name.c_str(), shared, statics, limit);
}

}  // namespace

cudaError_t enqueue_kernel(const void* kernel, dim3 grid, dim3 block, std::size_t shared, cudaStream_t handle,
                           std::function<void()> body) {
  const Call call("a launch");
  Stream* const stream = find_stream(handle);
  if (!stream || stream->device != current_device()) return result(cudaErrorInvalidResourceHandle);
  check_configuration(kernel, grid, block, shared);
  enqueue(*stream, [launch = Launch{kernel, grid, block, shared, std::move(body)}] { run_launch(launch); });
  return cudaSuccess;
}

}  // namespace simt

using namespace simt;

extern "C" {

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Call call("cudaFuncSetAttribute");
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  const std::size_t statics = static_shared_bytes(kernel);
  if (value < 0 || static_cast<std::size_t>(value) + statics > kSharedMost)
    return result(cudaErrorInvalidValue);
  shared_limit(kernel) = std::max(kSharedDefault, static_cast<std::size_t>(value) + statics);
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* out, const void* kernel) {
  const Call call("cudaFuncGetAttributes");
  std::memset(out, 0, sizeof *out);
  out->sharedSizeBytes = static_shared_bytes(kernel);
  out->maxThreadsPerBlock = 1024;
  out->numRegs = 32;
  out->ptxVersion = out->binaryVersion = 75;
  out->maxDynamicSharedSizeBytes = static_cast<int>(shared_limit(kernel) - out->sharedSizeBytes);
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* kernel,
                                                                   int threads, std::size_t shared,
                                                                   unsigned) {
  const Call call("cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  if (threads < 1) return result(cudaErrorInvalidValue);
  const std::size_t all = static_shared_bytes(kernel) + shared;
  *blocks =
      threads > 1024 || all > shared_limit(kernel) ? 0 : std::min(16, 1024 / ((threads + 31) / 32 * 32));
  if (all) *blocks = std::min(*blocks, static_cast<int>(kSharedMost / all));
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* kernel, int threads,
                                                          std::size_t shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, kernel, threads, shared, 0);
}

}  // extern "C"
