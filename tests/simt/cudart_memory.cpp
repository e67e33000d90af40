// tests/simt/cudart_memory.cpp: the stand-in runtime: memory, copies and fills
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "cudart.hpp"
#include "device_memory.hpp"
#include "violation.hpp"

namespace simt {

namespace {

std::map<std::uintptr_t, std::size_t>& pinned() {
  static auto& blocks = *new std::map<std::uintptr_t, std::size_t>;
  return blocks;
}

enum class Where { device, pinned, pageable };

// Where [p, p + bytes) lies; ends the program where it is not in one living buffer or pinned block.
Where where(const void* p, std::size_t bytes, const char* call) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (device_memory().owns(address)) {
    const Buffer* const buffer = device_memory().find(address);
    if (!buffer || !buffer->alive || address - buffer->begin > buffer->bytes ||
        buffer->bytes - (address - buffer->begin) < bytes)
      violation("%s of %zu bytes of %s", call, bytes, device_memory().describe(address).c_str());
    return Where::device;
  }
  auto after = pinned().upper_bound(address);
  if (after == pinned().begin()) return Where::pageable;
  --after;
  const std::size_t offset = address - after->first;
  if (offset >= after->second) return Where::pageable;
  if (after->second - offset < bytes)
    violation("%s of %zu bytes at offset %zu of %zu pinned bytes", call, bytes, offset, after->second);
  return Where::pinned;
}

void check_kind(cudaMemcpyKind kind, bool to_device, bool from_device, const char* call) {
  const cudaMemcpyKind is = to_device ? (from_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice)
                                      : (from_device ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost);
  if (kind == cudaMemcpyDefault || kind == is) return;
  static const char* const names[] = {"host to host", "host to device", "device to host", "device to device"};
  violation("%s is told %s, but its pointers are %s", call, kind >= 0 && kind <= 3 ? names[kind] : "nonsense",
            names[is]);
}

// When the stream gets there.
void copy_now(void* to, const void* from, std::size_t bytes, bool staged, const char* call) {
  const bool to_device = where(to, bytes, call) == Where::device;
  const bool from_device = !staged && where(from, bytes, call) == Where::device;
  if (from_device) race::copy_reads(from, bytes, call);
  if (to_device) race::copy_writes(to, bytes, call);
  if (from_device && to_device) race::copy_state(to, from, bytes);
  if (from_device && !to_device) race::host_reads(from, bytes, call);
  std::memmove(to, from, bytes);
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t handle,
                 bool async, const char* name) {
  const Call call(name);
  if (bytes == 0) return cudaSuccess;
  if (!to || !from) return result(cudaErrorInvalidValue);
  Stream* const stream = find_stream(handle);
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  const Where target = where(to, bytes, name), source = where(from, bytes, name);
  check_kind(kind, target == Where::device, source == Where::device, name);
  if (!async && breaks_capture()) return result(cudaErrorStreamCaptureUnsupported);
  if (source == Where::pageable && !stream->capture) {  // staged during the call
    if (!async) synchronize(*stream);
    const auto* const begin = static_cast<const unsigned char*>(from);
    const auto staged = std::make_shared<std::vector<unsigned char>>(begin, begin + bytes);
    enqueue(*stream, [=] { copy_now(to, staged->data(), bytes, true, name); });
  } else {
    enqueue(*stream, [=] { copy_now(to, from, bytes, false, name); });
  }
  const bool both_device = target == Where::device && source == Where::device;
  const bool both_staged = target == Where::device && source == Where::pageable;
  const bool waits = async ? target == Where::pageable : !both_device && !both_staged;
  if (waits && !stream->capture) synchronize(*stream);
  return cudaSuccess;
}

cudaError_t fill(void* to, int byte, std::size_t bytes, cudaStream_t handle, const char* name) {
  const Call call(name);
  if (bytes == 0) return cudaSuccess;
  Stream* const stream = find_stream(handle);
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  if (where(to, bytes, name) != Where::device) violation("%s of host memory", name);
  enqueue(*stream, [=] {
    where(to, bytes, name);
    race::copy_writes(to, bytes, name);
    std::memset(to, byte, bytes);
  });
  return cudaSuccess;
}

Buffer& living_buffer(void* p, const char* name) {
  Buffer* const buffer = device_memory().at(p);
  if (buffer && !buffer->alive) violation("%s frees device buffer %d twice", name, buffer->number);
  if (buffer) return *buffer;
  if (!device_memory().owns(reinterpret_cast<std::uintptr_t>(p))) violation("%s of a host pointer", name);
  violation("%s of %s, which is not its begin", name,
            device_memory().describe(reinterpret_cast<std::uintptr_t>(p)).c_str());
}

cudaError_t allocate_pinned(void** p, std::size_t bytes, const char* name) {
  const Call call(name);
  *p = std::malloc(bytes ? bytes : 1);
  if (!*p) return result(cudaErrorMemoryAllocation);
  std::memset(*p, 0xA5, bytes);
  pinned()[reinterpret_cast<std::uintptr_t>(*p)] = bytes;
  return cudaSuccess;
}

}  // namespace

}  // namespace simt

using namespace simt;

extern "C" {

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  const Call call("cudaMalloc");
  if (breaks_capture()) return result(cudaErrorStreamCaptureUnsupported);
  *p = bytes ? device_memory().allocate(current_device(), bytes) : nullptr;
  return result(*p || !bytes ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* p) {
  const Call call("cudaFree");
  if (!p) return cudaSuccess;
  if (breaks_capture()) return result(cudaErrorStreamCaptureUnsupported);
  Buffer& buffer = living_buffer(p, "cudaFree");
  synchronize_device(buffer.device);
  device_memory().release(buffer);
  return cudaSuccess;
}
cudaError_t cudaMallocAsync(void** p, std::size_t bytes, cudaStream_t handle) {
  const Call call("cudaMallocAsync");
  if (!find_stream(handle)) return result(cudaErrorInvalidResourceHandle);
  *p = bytes ? device_memory().allocate(current_device(), bytes) : nullptr;
  return result(*p || !bytes ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t handle) {
  const Call call("cudaFreeAsync");
  Stream* const stream = find_stream(handle);
  if (!p) return cudaSuccess;
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  living_buffer(p, "cudaFreeAsync");
  enqueue(*stream, [=] {
    Buffer& buffer = living_buffer(p, "cudaFreeAsync");
    race::copy_writes(p, buffer.bytes, "cudaFreeAsync");
    device_memory().release(buffer);
  });
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** p, std::size_t bytes) {
  return allocate_pinned(p, bytes, "cudaMallocHost");
}
cudaError_t cudaHostAlloc(void** p, std::size_t bytes, unsigned) {
  return allocate_pinned(p, bytes, "cudaHostAlloc");
}
cudaError_t cudaFreeHost(void* p) {
  const Call call("cudaFreeHost");
  if (!p) return cudaSuccess;
  synchronize_all();
  if (!pinned().erase(reinterpret_cast<std::uintptr_t>(p)))
    violation("cudaFreeHost of what is no pinned block, or was freed before");
  std::free(p);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return copy(to, from, bytes, kind, nullptr, false, "cudaMemcpy");
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return copy(to, from, bytes, kind, stream, true, "cudaMemcpyAsync");
}
cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device, std::size_t bytes,
                                cudaStream_t stream) {
  const Call call("cudaMemcpyPeerAsync");
  if (bytes == 0) return cudaSuccess;
  if (!is_device(to_device) || !is_device(from_device)) return result(cudaErrorInvalidDevice);
  const Buffer* const target = device_memory().find(reinterpret_cast<std::uintptr_t>(to));
  const Buffer* const source = device_memory().find(reinterpret_cast<std::uintptr_t>(from));
  if (!target || !source || target->device != to_device || source->device != from_device)
    violation("cudaMemcpyPeerAsync: the buffers are not on the devices that it is told, %d and %d", to_device,
              from_device);
  return copy(to, from, bytes, cudaMemcpyDeviceToDevice, stream, true, "cudaMemcpyPeerAsync");
}
cudaError_t cudaMemset(void* to, int byte, std::size_t bytes) {
  return fill(to, byte, bytes, nullptr, "cudaMemset");
}
cudaError_t cudaMemsetAsync(void* to, int byte, std::size_t bytes, cudaStream_t stream) {
  return fill(to, byte, bytes, stream, "cudaMemsetAsync");
}

}  // extern "C"
