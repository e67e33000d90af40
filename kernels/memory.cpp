// kernels/memory.cpp: device memory and copies
// Freed blocks wait, by size class, for the stream that they were taken for: what that stream still does with
// a block comes before what it will do with it, so that nothing is waited for.
#include "memory.hpp"

#include <cordis/core/memory.hpp>
#include <cordis/core/storage.hpp>
#include <cordis/cuda/graph.hpp>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "check.hpp"

namespace cordis::inline CORDIS_ABI::detail {

namespace {

class DeviceCache {
 public:
  static DeviceCache& instance() {
    static DeviceCache& cache = *new DeviceCache;  // never destroyed, as BlockCache
    return cache;
  }

  Block* take(Cuda device, std::size_t bytes) {
    const auto [size_class, capacity] = size_class_of(bytes);
    void* const stream = current_stream(device).native();
    const std::lock_guard lock(mutex_);
    auto& pool = pools_[device.index];
    auto& free = pool.free[{stream, size_class}];
    if (!exact_ && !free.empty()) {
      Block* block = free.back();
      free.pop_back();
      pool.stats.cached -= block->bytes;
      block->references.store(1, std::memory_order_relaxed);
      count(pool, block->bytes);
      return block;
    }
    auto* block = new Block;
    block->bytes = exact_ ? bytes : capacity;
    block->size_class = size_class;
    block->stream = stream;
    block->part = device.index;
    ++pool.stats.system_allocs;
    try {
      block->data = allocate(device, pool, block->bytes);
    } catch (...) {
      delete block;
      throw;
    }
    count(pool, block->bytes);
    return block;
  }

  void give(Cuda device, Block* block) {
    const std::lock_guard lock(mutex_);
    auto& pool = pools_[device.index];
    pool.stats.in_use -= block->bytes;
    if (exact_ && !pool.kept.contains(block->stream)) {
      cudaFree(block->data);
      delete block;
      return;
    }
    pool.stats.cached += block->bytes;
    pool.free[{block->stream, block->size_class}].push_back(block);
  }

  void clear(Cuda device) {
    const std::lock_guard lock(mutex_);
    clear(device, pools_[device.index]);
  }
  void keep(Cuda device, void* stream) {
    const std::lock_guard lock(mutex_);
    pools_[device.index].kept.insert(stream);
  }
  void release(Cuda device, void* stream) {
    const std::lock_guard lock(mutex_);
    auto& pool = pools_[device.index];
    pool.kept.erase(stream);
    for (auto& [key, blocks] : pool.free)
      if (key.first == stream) release(device, pool, blocks);
  }
  MemoryStats stats(Cuda device) {
    const std::lock_guard lock(mutex_);
    return pools_[device.index].stats;
  }

 private:
  struct Pool {
    std::map<std::pair<void*, int>, std::vector<Block*>> free;  // by stream and size class
    std::set<void*> kept;                                       // streams whose blocks stay theirs
    MemoryStats stats;
  };

  static void count(Pool& pool, std::size_t bytes) {
    pool.stats.in_use += bytes;
    pool.stats.peak = std::max(pool.stats.peak, pool.stats.in_use);
  }

  static void* allocate(Cuda device, Pool& pool, std::size_t bytes) {
    use(device);
    void* data = nullptr;
    const std::size_t asked = std::max<std::size_t>(bytes, 1);
    if (cudaMalloc(&data, asked) == cudaSuccess) return data;
    cudaGetLastError();
    if (!recording()) clear(device, pool);  // which waits
    const cudaError_t status = cudaMalloc(&data, asked);
    if (status != cudaSuccess)
      check(status, concat("cudaMalloc of ", asked, " bytes on cuda:", device.index, " beside ",
                           pool.stats.in_use, " in use")
                        .c_str());
    return data;
  }
  static void clear(Cuda device, Pool& pool) {
    use(device);
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    for (auto& [key, blocks] : pool.free)
      if (!pool.kept.contains(key.first)) release(device, pool, blocks);
  }
  static void release(Cuda device, Pool& pool, std::vector<Block*>& blocks) {
    use(device);
    for (Block* block : blocks) {
      cudaFree(block->data);  // an error here is one of earlier work, which the next wait reports
      pool.stats.cached -= block->bytes;
      delete block;
    }
    blocks.clear();
  }

  // CORDIS_CUDA_CACHE=0: every tensor is an allocation of its own and of its exact size, so that a memory
  // checker sees where it ends.
  const bool exact_ = [] {
    const char* const wish = std::getenv("CORDIS_CUDA_CACHE");
    return wish && wish == std::string("0");
  }();
  std::mutex mutex_;
  std::map<int, Pool> pools_;
};

cudaStream_t stream_of(Cuda device) {
  use(device);
  return current_stream(device).native();
}

}  // namespace

Block* take_block(Cuda device, std::size_t bytes) { return DeviceCache::instance().take(device, bytes); }
void give_block(Cuda device, Block* block) { DeviceCache::instance().give(device, block); }
MemoryStats stats_of(Cuda device) { return DeviceCache::instance().stats(device); }
void clear_cache(Cuda device) { DeviceCache::instance().clear(device); }
void keep_blocks(Cuda device, void* stream) { DeviceCache::instance().keep(device, stream); }
void release_blocks(Cuda device, void* stream) { DeviceCache::instance().release(device, stream); }

void poison(Cuda device, void* data, std::size_t bytes) {
  if (bytes > 0) check(cudaMemsetAsync(data, 0xFF, bytes, stream_of(device)), "cudaMemsetAsync");
}

void copy_bytes(Cuda device, Cpu, void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const cudaStream_t stream = stream_of(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream), "cudaMemcpyAsync to the device");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}
void copy_bytes(Cpu, Cuda device, void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const cudaStream_t stream = stream_of(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync from the device");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
}
void copy_bytes(Cuda to_device, Cuda from_device, void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  if (to_device.index == from_device.index) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(to_device)),
          "cudaMemcpyAsync within the device");
    return;
  }
  // The copy waits for what the source's stream still writes, and the source's stream for the copy, so that
  // the source may be freed or changed.
  Event written(from_device), copied(to_device);
  written.record(current_stream(from_device));
  current_stream(to_device).wait(written);
  check(cudaMemcpyPeerAsync(to, to_device.index, from, from_device.index, bytes, stream_of(to_device)),
        "cudaMemcpyPeerAsync");
  copied.record(current_stream(to_device));
  current_stream(from_device).wait(copied);
}

}  // namespace cordis::inline CORDIS_ABI::detail
