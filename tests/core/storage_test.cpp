// tests/core/storage_test.cpp: shared bytes, the free list, poison, many threads
#include <doctest/doctest.h>

#include <algorithm>
#include <cordis/core/storage.hpp>
#include <random>
#include <thread>

#include "refusal.hpp"
#include "sanitized.hpp"

using namespace cordis;

// Sanitizers end the program at absurd sizes unless told to refuse them, as the system does.
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }

namespace {

std::byte* bytes_of(const Storage& storage) { return static_cast<std::byte*>(storage.data()); }

// What a request of this size takes: the classes are 256 and four per power of two above.
std::size_t capacity(std::size_t bytes) {
  for (std::size_t power = 256;; power *= 2)
    for (std::size_t quarter = 0; quarter < 4; ++quarter)
      if (const std::size_t size = power + quarter * (power / 4); bytes <= size) return size;
}

}  // namespace

TEST_CASE("storage: copies share the bytes, the last one gives them back") {
  const std::size_t before = memory_stats().in_use;
  Storage none;
  CHECK_FALSE(none);
  CHECK_FALSE(none.unique());
  CHECK(none.data() == nullptr);
  {
    Storage first(1000);
    CHECK(first);
    CHECK(first.unique());
    CHECK(first.device() == Device::cpu());
    CHECK(memory_stats().in_use == before + capacity(1000));
    {
      const Storage second = first;  // NOLINT: the copy is the matter
      CHECK(second.data() == first.data());
      CHECK_FALSE(first.unique());
      CHECK_FALSE(second.unique());
      CHECK(memory_stats().in_use == before + capacity(1000));
    }
    CHECK(first.unique());
    void* const data = first.data();
    Storage moved = std::move(first);
    CHECK(moved.data() == data);
    CHECK(moved.unique());
    CHECK_FALSE(first);  // NOLINT: moved from means empty
    Storage& alias = moved;
    moved = alias;
    CHECK(moved.data() == data);
    CHECK(moved.unique());
    moved = Storage(10);
    CHECK(memory_stats().in_use == before + capacity(10));
    moved = none;
    CHECK_FALSE(moved);
    CHECK(memory_stats().in_use == before);
  }
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("storage: capacity by size class, a quarter of slack at most, a cache line's alignment") {
  const std::size_t before = memory_stats().in_use;
  std::vector<std::size_t> sizes{0, 1, 7, 64, 255, 256};
  for (std::size_t power = 256; power <= std::size_t{1} << 22; power *= 2)
    for (std::size_t step = 0; step < 4; ++step)
      for (std::size_t shift = 0; shift < 3; ++shift)  // just below, at and above each class
        sizes.push_back(power + step * (power / 4) + shift - 1);
  for (const std::size_t size : sizes) {
    CAPTURE(size);
    const Storage storage(size);
    const std::size_t taken = memory_stats().in_use - before;
    CHECK(taken == capacity(size));
    CHECK(taken >= size);
    if (size > 256) CHECK(taken - size < size / 4 + 1);
    CHECK(reinterpret_cast<std::uintptr_t>(storage.data()) % 64 == 0);
    if (size) std::memset(storage.data(), 0xAB, size);  // a sanitizer sees a block that is too short
  }
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("storage: a block released is the next one of its class") {
  if (kAddressSanitizer) return;
  empty_cache();
  CHECK(memory_stats().cached == 0);
  void* first = nullptr;
  {
    const Storage storage(5000);
    first = storage.data();
  }
  CHECK(memory_stats().cached == capacity(5000));
  const auto allocations = memory_stats().system_allocs;
  {
    const Storage other(100), again(5001), more(5000);  // same class: 4097 .. 5120
    CHECK(again.data() == first);
    CHECK(more.data() != first);
    CHECK(memory_stats().system_allocs == allocations + 2);
    CHECK(memory_stats().cached == 0);
  }
  CHECK(memory_stats().cached == capacity(100) + 2 * capacity(5000));
  for (int step = 0; step < 100; ++step) const Storage a(5000), b(4097), c(1);
  CHECK(memory_stats().system_allocs == allocations + 2);
  empty_cache();
  CHECK(memory_stats().cached == 0);
  const Storage fresh(5000);
  CHECK(memory_stats().system_allocs == allocations + 3);
}

TEST_CASE("storage: peak is the most ever held at once") {
  std::size_t before = memory_stats().in_use;
  std::size_t top = 0;
  {
    const Storage large(memory_stats().peak);  // in_use is now the peak
    top = memory_stats().in_use;
    CHECK(memory_stats().peak == top);
  }
  {
    const Storage small(1);
    CHECK(memory_stats().peak == top);
  }
  CHECK(memory_stats().in_use == before);
  CHECK(memory_stats().peak == top);
}

TEST_CASE("storage: sizes beyond memory throw, and leave the books in order") {
  const auto before = memory_stats();
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 4 + 1, SIZE_MAX / 4 - 1,
                                 std::size_t{1} << 60, std::size_t{1} << 55}) {
    CAPTURE(size);
    CHECK_THROWS_AS(Storage{size}, OutOfMemory);
    CHECK(says(refusal<std::bad_alloc>([&] { Storage{size}; }), {"[memory]", std::to_string(size)}));
  }
  const auto after = memory_stats();
  CHECK(after.in_use == before.in_use);
  CHECK(after.peak == before.peak);
  const Storage works(100);
  CHECK(works.unique());
}

#ifndef CORDIS_CUDA
TEST_CASE("storage: no device memory in a build without CUDA") {
  const auto before = memory_stats().in_use;
  CHECK(says(refusal([] { Storage(8, Device::cuda(1)); }), {"cuda:1", "asked for", "built without CUDA"}));
  CHECK(memory_stats().in_use == before);
}
#endif

TEST_CASE("storage: poison fills new storage while its guard lives, in reused blocks too") {
  const auto clear = [] {
    const Storage storage(777);
    std::memset(storage.data(), 0x11, 777);
  };
  const auto poisoned = [&] {
    clear();  // the block that comes next
    const Storage storage(777);
    int count = 0;
    for (std::size_t i = 0; i < 777; ++i) count += bytes_of(storage)[i] == std::byte{0xFF};
    return count;
  };
  const auto outside = [&] {
    clear();
    if (kAddressSanitizer) return true;
    const Storage storage(777);
    return bytes_of(storage)[0] == std::byte{0x11} && bytes_of(storage)[776] == std::byte{0x11};
  };
  CHECK(outside());
  {
    const PoisonGuard guard;
    CHECK(poisoned() == 777);
    {
      const PoisonGuard inner;
      CHECK(poisoned() == 777);
    }
    CHECK(poisoned() == 777);  // the inner guard restores, it does not switch off
    int count = 0;
    std::thread([&] { count = poisoned(); }).join();  // other threads' buffers as well
    CHECK(count == 777);
    const Storage nothing(0);
    CHECK(nothing);
  }
  CHECK(outside());
}

TEST_CASE("storage: threads take, fill, share and release without meeting in a block") {
  const auto before = memory_stats().in_use;
  std::array<int, 4> wrong{};
  Storage shared(4096);
  std::memset(shared.data(), 0x5A, 4096);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&wrong, shared, t] {
      std::mt19937 random(t);
      struct Held {
        Storage storage;
        std::size_t size;
        unsigned char mark;
      };
      std::vector<Held> held;
      const auto intact = [](const Held& one) {
        const auto* bytes = static_cast<const unsigned char*>(one.storage.data());
        return std::all_of(bytes, bytes + one.size, [&](unsigned char byte) { return byte == one.mark; });
      };
      for (int step = 0; step < 2000; ++step) {
        if (held.size() < 8 && random() % 2) {
          const std::size_t size = 1 + random() % 3000;
          held.push_back({Storage(size), size, static_cast<unsigned char>(random())});
          std::memset(held.back().storage.data(), held.back().mark, size);
        } else if (!held.empty()) {
          std::swap(held[random() % held.size()], held.back());
          wrong[t] += !intact(held.back());
          held.pop_back();
        }
        const Storage copy = shared;  // NOLINT: counts references from four threads
        wrong[t] += bytes_of(copy)[step] != std::byte{0x5A};
      }
    });
  for (auto& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
  CHECK(shared.unique());
  CHECK(memory_stats().in_use == before + capacity(4096));
}

TEST_CASE("storage: released by another thread than took it") {
  const auto before = memory_stats().in_use;
  for (int round = 0; round < 50; ++round) {
    Storage storage(300);
    std::memset(storage.data(), round, 300);
    std::thread([taken = std::move(storage), round] {
      CHECK(taken.unique());
      CHECK(bytes_of(taken)[299] == std::byte(round));
    }).join();
  }
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("storage: somebody else's memory keeps its owner as long as any copy lives") {
  const auto before = memory_stats();
  auto owner = std::make_shared<std::vector<float>>(100, 3.0F);
  const std::weak_ptr<std::vector<float>> watched = owner;
  float* const data = owner->data();
  {
    Storage storage(data, std::move(owner));
    const Storage copy = storage;
    storage = Storage(64);
    CHECK(!watched.expired());
    CHECK(copy.data() == data);
    CHECK(copy.unique());
    CHECK(copy.device() == Device::cpu());
  }
  CHECK(watched.expired());
  CHECK(memory_stats().in_use == before.in_use);
}
