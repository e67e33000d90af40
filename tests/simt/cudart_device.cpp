// tests/simt/cudart_device.cpp: the stand-in runtime: devices, errors and versions
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cudart.hpp"
#include "device_memory.hpp"
#include "scheduler.hpp"
#include "violation.hpp"

namespace simt {

namespace {

thread_local cudaError_t last_error = cudaSuccess;

void report_at_exit() {
  std::fprintf(stderr, "simt: %llu launches, %llu threads\n",
               static_cast<unsigned long long>(counts().launches),
               static_cast<unsigned long long>(counts().threads));
  device_memory().report();
}

}  // namespace

Call::Call(const char* name) : lock(runtime_mutex()) {
  static const bool reports = [] {
    if (setting("CORDIS_SIMT_REPORT", 0)) std::atexit(report_at_exit);
    return true;
  }();
  static_cast<void>(reports);
  if (within_work()) violation("%s is called by a stream's own work", name);
}

cudaError_t result(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

}  // namespace simt

using namespace simt;

extern "C" {

int simt_exact_allocations() { return 1; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device_count();
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  current_device() = device;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = current_device();
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  if (!is_device(device)) return result(cudaErrorInvalidDevice);
  std::memset(p, 0, sizeof *p);
  std::strcpy(p->name, "simt");
  p->major = 7;
  p->minor = 5;
  p->totalGlobalMem = device_memory().capacity();
  p->totalConstMem = 65536;
  p->sharedMemPerBlock = kSharedDefault;
  p->sharedMemPerBlockOptin = p->sharedMemPerMultiprocessor = kSharedMost;
  p->regsPerBlock = p->regsPerMultiprocessor = 65536;
  p->warpSize = 32;
  p->maxThreadsPerBlock = p->maxThreadsPerMultiProcessor = 1024;
  p->maxBlocksPerMultiProcessor = 16;
  p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
  p->maxThreadsDim[2] = 64;
  p->maxGridSize[0] = 2147483647;
  p->maxGridSize[1] = p->maxGridSize[2] = 65535;
  p->multiProcessorCount = 4;
  p->l2CacheSize = 4 << 20;
  p->memoryBusWidth = 256;
  p->concurrentKernels = p->asyncEngineCount = p->unifiedAddressing = p->memoryPoolsSupported = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  if (const auto status = cudaGetDeviceProperties(&p, device)) return status;
  switch (attribute) {
    case cudaDevAttrWarpSize:
      *value = p.warpSize;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = p.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = p.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrMaxBlocksPerMultiprocessor:
      *value = p.maxBlocksPerMultiProcessor;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = p.multiProcessorCount;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = p.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = p.minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(p.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(kSharedMost);
      break;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor:
      *value = p.regsPerBlock;
      break;
    case cudaDevAttrMaxGridDimX:
      *value = p.maxGridSize[0];
      break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      *value = p.maxGridSize[1];
      break;
    case cudaDevAttrL2CacheSize:
      *value = p.l2CacheSize;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = p.memoryBusWidth;
      break;
    case cudaDevAttrConcurrentKernels:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      break;
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrIntegrated:
      *value = 0;
      break;
    default:
      violation("cudaDeviceGetAttribute: no answer for attribute %d", static_cast<int>(attribute));
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!is_device(device) || !is_device(peer)) return result(cudaErrorInvalidDevice);
  *can = device != peer;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  return result(is_device(peer) && peer != current_device() ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Call call("cudaMemGetInfo");
  *total = device_memory().capacity();
  *free = *total - device_memory().in_use(current_device());
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }

cudaError_t cudaPeekAtLastError() { return last_error; }
cudaError_t cudaGetLastError() {
  const cudaError_t status = last_error;
  last_error = cudaSuccess;
  return status;
}

#define SIMT_ERRORS(X)                                                                            \
  X(cudaSuccess, "no error")                                                                      \
  X(cudaErrorInvalidValue, "invalid argument")                                                    \
  X(cudaErrorMemoryAllocation, "out of memory")                                                   \
  X(cudaErrorInvalidConfiguration, "invalid configuration argument")                              \
  X(cudaErrorInvalidDevice, "invalid device ordinal")                                             \
  X(cudaErrorInvalidResourceHandle, "invalid resource handle")                                    \
  X(cudaErrorNotReady, "device not ready")                                                        \
  X(cudaErrorNotSupported, "operation not supported")                                             \
  X(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")        \
  X(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture") \
  X(cudaErrorStreamCaptureUnmatched, "the stream does not capture")                               \
  X(cudaErrorStreamCaptureIsolation, "a captured stream depends on work outside of the capture")  \
  X(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream")

const char* cudaGetErrorString(cudaError_t status) {
#define SIMT_CASE(name, text) \
  case name:                  \
    return text;
  switch (status) {
    SIMT_ERRORS(SIMT_CASE)
    default:
      return "unrecognized error code";
  }
#undef SIMT_CASE
}
const char* cudaGetErrorName(cudaError_t status) {
#define SIMT_CASE(name, text) \
  case name:                  \
    return #name;
  switch (status) {
    SIMT_ERRORS(SIMT_CASE)
    default:
      return "unrecognized error code";
  }
#undef SIMT_CASE
}

}  // extern "C"
