// tests/sanitized.hpp: which sanitizers the tests are compiled with
#pragma once

#if defined(__has_feature)  // clang++
#define CORDIS_SANITIZED_BY(name) __has_feature(name)
#else
#define CORDIS_SANITIZED_BY(name) 0
#endif

// Under which released memory is not kept for the next tensor.
#if defined(__SANITIZE_ADDRESS__) || CORDIS_SANITIZED_BY(address_sanitizer)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

#if defined(__SANITIZE_THREAD__) || CORDIS_SANITIZED_BY(thread_sanitizer)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
