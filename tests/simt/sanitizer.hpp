// tests/simt/sanitizer.hpp: AddressSanitizer's interface, empty in builds without it
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_HAS_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_HAS_ASAN
#endif
#endif

#ifdef SIMT_HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SIMT_ASAN(call) call
#else
#define SIMT_ASAN(call) static_cast<void>(0)
#endif

namespace simt {

inline void poison([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t bytes) {
  SIMT_ASAN(__asan_poison_memory_region(p, bytes));
}
inline void unpoison([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t bytes) {
  SIMT_ASAN(__asan_unpoison_memory_region(p, bytes));
}

inline bool is_poisoned([[maybe_unused]] const void* p) {
#ifdef SIMT_HAS_ASAN
  return __asan_address_is_poisoned(p) != 0;
#else
  return false;
#endif
}

}  // namespace simt
