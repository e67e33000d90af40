// tests/simt/hooks.cpp: the calls that -fsanitize=thread puts before each access, in place of its own library
#include "race.hpp"

namespace {

using simt::race::Access;

// Code that the linker shares with kernels calls these too: then nothing is watched.
#define SIMT_SEE(p, bytes, kind)                                               \
  if (simt::race::watching)                                                    \
  simt::race::access(reinterpret_cast<std::uintptr_t>(p), bytes, Access::kind, \
                     reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - 1)

}  // namespace

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}

#define SIMT_HOOKS(n)                                                \
  void __tsan_read##n(void* p) { SIMT_SEE(p, n, read); }             \
  void __tsan_write##n(void* p) { SIMT_SEE(p, n, write); }           \
  void __tsan_unaligned_read##n(void* p) { SIMT_SEE(p, n, read); }   \
  void __tsan_unaligned_write##n(void* p) { SIMT_SEE(p, n, write); } \
  void __tsan_volatile_read##n(void* p) { SIMT_SEE(p, n, read); }    \
  void __tsan_volatile_write##n(void* p) { SIMT_SEE(p, n, write); }  \
  void __tsan_read_write##n(void* p) {                               \
    SIMT_SEE(p, n, read);                                            \
    SIMT_SEE(p, n, write);                                           \
  }                                                                  \
  void __tsan_unaligned_read_write##n(void* p) {                     \
    SIMT_SEE(p, n, read);                                            \
    SIMT_SEE(p, n, write);                                           \
  }
SIMT_HOOKS(1)
SIMT_HOOKS(2)
SIMT_HOOKS(4)
SIMT_HOOKS(8)
SIMT_HOOKS(16)

void __tsan_read_range(void* p, std::size_t bytes) {
  if (bytes) SIMT_SEE(p, bytes, read);
}
void __tsan_write_range(void* p, std::size_t bytes) {
  if (bytes) SIMT_SEE(p, bytes, write);
}
void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  if (bytes) SIMT_SEE(from, bytes, read);
  if (bytes) SIMT_SEE(to, bytes, write);
  return __builtin_memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, std::size_t bytes) {
  if (bytes) SIMT_SEE(from, bytes, read);
  if (bytes) SIMT_SEE(to, bytes, write);
  return __builtin_memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int byte, std::size_t bytes) {
  if (bytes) SIMT_SEE(to, bytes, write);
  return __builtin_memset(to, byte, bytes);
}

// std::atomic in host code of the kernels' file.
#define SIMT_ATOMICS(bits, T)                                                                             \
  T __tsan_atomic##bits##_load(const volatile T* p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); } \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) {                                             \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                       \
  T __tsan_atomic##bits##_fetch_add(volatile T* p, T v, int) {                                            \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  T __tsan_atomic##bits##_fetch_sub(volatile T* p, T v, int) {                                            \
    return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  T __tsan_atomic##bits##_fetch_or(volatile T* p, T v, int) {                                             \
    return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                                     \
  }                                                                                                       \
  T __tsan_atomic##bits##_fetch_and(volatile T* p, T v, int) {                                            \
    return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                       \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* c, T v, int, int) {                 \
    return __atomic_compare_exchange_n(p, c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);               \
  }                                                                                                       \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* c, T v, int, int) {                   \
    return __atomic_compare_exchange_n(p, c, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
  }                                                                                                       \
  T __tsan_atomic##bits##_compare_exchange_val(volatile T* p, T c, T v, int, int) {                       \
    __atomic_compare_exchange_n(p, &c, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
    return c;                                                                                             \
  }
SIMT_ATOMICS(8, std::uint8_t)
SIMT_ATOMICS(16, std::uint16_t)
SIMT_ATOMICS(32, std::uint32_t)
SIMT_ATOMICS(64, std::uint64_t)
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

}  // extern "C"
