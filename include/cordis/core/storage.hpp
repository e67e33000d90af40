// cordis/core/storage.hpp: reference-counted bytes, recycled through a free list of size classes
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cordis/core/device.hpp>
#include <cordis/core/parallel.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define CORDIS_NO_FREE_LIST_
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORDIS_NO_FREE_LIST_
#endif
#endif

namespace cordis::inline CORDIS_ABI {

// Of one device's memory, in bytes.
struct MemoryStats {
  std::size_t in_use = 0;         // bytes held by live storage
  std::size_t peak = 0;           // largest in_use so far
  std::size_t cached = 0;         // bytes in the free list
  std::size_t system_allocs = 0;  // times the system was asked for a block
};

// No memory for a tensor: how much was asked for, and how much the others hold.
struct OutOfMemory : std::bad_alloc {
  // Bytes of the tensor, and of those that are held.
  OutOfMemory(std::size_t asked, std::size_t in_use) {  // no string: there may be no memory for one
    std::snprintf(text_, sizeof text_, "[memory] no %zu bytes to be had for a tensor; others hold %zu", asked,
                  in_use);
  }
  // "[memory] no 4096 bytes to be had for a tensor; others hold 0"
  const char* what() const noexcept override { return text_; }

 private:
  char text_[112];
};

namespace detail {

// On the CPU a block's header lies 64 bytes before its data, so that data is aligned to a cache line.
struct alignas(64) Block {
  std::atomic<std::int64_t> references{1};
  std::size_t bytes = 0;  // capacity: the size class
  void* data = nullptr;
  void* stream = nullptr;  // of a device, that its memory was taken for
  Block* next = nullptr;   // in the list of free blocks
  int size_class = 0;
  int part = 0;  // of a parallel loop, that took it
};
static_assert(sizeof(Block) == 64);

struct SizeClass {
  int index;
  std::size_t bytes;
};
inline constexpr std::size_t kSizeClasses = 4 * 57;
// 256 bytes and up in four classes per power of two: at most a quarter of a block is slack.
inline SizeClass size_class_of(std::size_t bytes) {
  if (bytes <= 256) return {0, 256};
  if (bytes > SIZE_MAX / 4) throw OutOfMemory(bytes, 0);
  const int power = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
  const std::size_t quarter = std::size_t{1} << (power - 2);
  const std::size_t steps = (bytes - (std::size_t{1} << power) + quarter - 1) / quarter;  // 1 .. 4
  return {(power - 8) * 4 + static_cast<int>(steps), (std::size_t{1} << power) + steps * quarter};
}

// Free blocks by size class. Each part of parallel loops has lists of its own, to which the blocks that it
// took return: what it finds there does not depend on how far the other parts are.
class BlockCache {
 public:
  // Never destroyed: tensors with static storage duration may be released after it would have been.
  static BlockCache& instance() {
    static BlockCache& cache = *new BlockCache;
    return cache;
  }

  Block* take(std::size_t bytes) {
    const auto [size_class, capacity] = size_class_of(bytes);
    const int part = current_part();
    {
      const std::lock_guard lock(mutex_);
      List& free = list(part, size_class);
      if (Block* const block = free) {
        free = block->next;
        stats_.cached -= capacity;
        count(capacity);
        block->references.store(1, std::memory_order_relaxed);
        return block;
      }
      ++stats_.system_allocs;
    }
    void* memory = ::operator new (sizeof(Block) + capacity, std::align_val_t{64}, std::nothrow);
    if (!memory) {
      clear();
      memory = ::operator new (sizeof(Block) + capacity, std::align_val_t{64}, std::nothrow);
    }
    if (!memory) throw OutOfMemory(bytes, stats().in_use);
    auto* block = new (memory) Block;
    block->bytes = capacity;
    block->data = block + 1;
    block->size_class = size_class;
    block->part = part;
    const std::lock_guard lock(mutex_);
    count(capacity);
    return block;
  }

  // Needs no memory: destructors call it.
  void give(Block* block) noexcept {
    const std::lock_guard lock(mutex_);
    stats_.in_use -= block->bytes;
#ifdef CORDIS_NO_FREE_LIST_
    ::operator delete (block, std::align_val_t{64});  // the sanitizer then sees every use after release
#else
    stats_.cached += block->bytes;
    List& free = list(block->part, block->size_class);  // which take() has made
    block->next = std::exchange(free, block);
#endif
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    for (auto& lists : free_)
      for (List& free : lists)
        while (Block* const block = free) {
          free = block->next;
          ::operator delete (block, std::align_val_t{64});
        }
    stats_.cached = 0;
  }

  MemoryStats stats() {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void count(std::size_t capacity) {
    stats_.in_use += capacity;
    stats_.peak = stats_.in_use > stats_.peak ? stats_.in_use : stats_.peak;
  }

  using List = Block*;  // the last given back, and through `next` those before
  List& list(int part, int size_class) {
    const auto i = static_cast<std::size_t>(part);
    if (i >= free_.size()) free_.resize(i + 1);
    return free_[i][static_cast<std::size_t>(size_class)];
  }

  std::mutex mutex_;
  std::vector<std::array<List, kSizeClasses>> free_{1};
  MemoryStats stats_;
};

inline std::atomic<bool>& poison_flag() {
  static std::atomic<bool> flag{false};
  return flag;
}

}  // namespace detail

namespace detail {
inline Block* take_block(Cpu, std::size_t bytes) { return BlockCache::instance().take(bytes); }
inline void give_block(Cpu, Block* block) { BlockCache::instance().give(block); }
// A block of memory that is somebody else's, who is kept alive with it.
struct ForeignBlock : Block {
  std::shared_ptr<const void> owner;
};
inline void poison(Cpu, void* data, std::size_t bytes) { std::memset(data, 0xFF, bytes); }
inline MemoryStats stats_of(Cpu) { return BlockCache::instance().stats(); }
inline void clear_cache(Cpu) { BlockCache::instance().clear(); }
// Device memory, from lists of this thread's current stream; what is given back serves that stream again.
Block* take_block(Cuda, std::size_t bytes);
void give_block(Cuda, Block* block);
void poison(Cuda, void* data, std::size_t bytes);
MemoryStats stats_of(Cuda);
void clear_cache(Cuda);
}  // namespace detail

// What tensors take on a device, and what is kept for later ones.
inline MemoryStats memory_stats(Device device = Device::cpu()) {
  return on(device, [](auto kind) { return detail::stats_of(kind); });
}
// Gives the free list's blocks back to the system.
inline void empty_cache(Device device = Device::cpu()) {
  on(device, [](auto kind) { detail::clear_cache(kind); });
}

// While alive, new storage is filled with 0xFF bytes (NaN in both float types), so that a kernel that does
// not write its output in full shows.
class PoisonGuard {
 public:
  PoisonGuard() : before_(detail::poison_flag().exchange(true)) {}
  ~PoisonGuard() { detail::poison_flag().store(before_); }
  PoisonGuard(const PoisonGuard&) = delete;
  PoisonGuard& operator=(const PoisonGuard&) = delete;

 private:
  bool before_;
};

// A shared, uninitialised buffer. Copies share it; the last one returns it to the free list.
class Storage {
 public:
  Storage() = default;
  // Uninitialised bytes of a device, aligned to 64 at least; std::bad_alloc where there are none left.
  explicit Storage(std::size_t bytes, Device device = Device::cpu()) : device_(device) {
    on(device, [&](auto kind) {
      block_ = detail::take_block(kind, bytes);
      if (detail::poison_flag().load(std::memory_order_relaxed)) detail::poison(kind, data(), bytes);
    });
  }
  // Memory of the CPU that `owner` holds; it lives as long as the storage does.
  Storage(void* data, std::shared_ptr<const void> owner) {
    auto* block = new detail::ForeignBlock;
    block->data = data;
    block->size_class = kForeign;
    block->owner = std::move(owner);
    block_ = block;
  }
  // shares
  Storage(const Storage& other) : block_(other.block_), device_(other.device_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  // takes over
  Storage(Storage&& other) noexcept : block_(std::exchange(other.block_, nullptr)), device_(other.device_) {}
  // shares or takes over
  Storage& operator=(Storage other) noexcept {
    std::swap(block_, other.block_);
    std::swap(device_, other.device_);
    return *this;
  }
  ~Storage() {
    if (!block_ || block_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (block_->size_class == kForeign)
      delete static_cast<detail::ForeignBlock*>(block_);
    else
      on(device_, [&](auto kind) { detail::give_block(kind, block_); });
  }

  // null where undefined; on a GPU, its address there
  void* data() const { return block_ ? block_->data : nullptr; }
  Device device() const { return device_; }  // that the bytes are on
  // whether no other handle shares them
  bool unique() const { return block_ && block_->references.load(std::memory_order_acquire) == 1; }
  explicit operator bool() const { return block_ != nullptr; }  // whether it is defined

 private:
  static constexpr int kForeign = -1;  // in place of a size class

  detail::Block* block_ = nullptr;
  Device device_;
};

}  // namespace cordis::inline CORDIS_ABI

#undef CORDIS_NO_FREE_LIST_
