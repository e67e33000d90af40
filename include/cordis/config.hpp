// cordis/config.hpp: version, ABI tag, error reporting
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#define CORDIS_VERSION_MAJOR 0
#define CORDIS_VERSION_MINOR 1
#define CORDIS_VERSION_PATCH 0

// Every header opens `namespace cordis::inline CORDIS_ABI`, so that objects built with and without CUDA
// fail to link with each other instead of sharing inline functions of different bodies.
#ifdef CORDIS_CUDA
#define CORDIS_ABI cuda
#else
#define CORDIS_ABI cpu
#endif

namespace cordis::inline CORDIS_ABI {

inline constexpr const char* kVersion = "0.1.0";

// A file that cannot be read, written or believed: names the file and the place in it.
struct IoError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Everything streamable, one after the other.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw std::invalid_argument(concat(parts...));
}

}  // namespace cordis::inline CORDIS_ABI

// Misuse of a public function throws std::invalid_argument: "[conv1d] x has shape (8, 100, 12), but ...".
#define CORDIS_CHECK(condition, ...) \
  do {                               \
    if (!(condition)) [[unlikely]]   \
      ::cordis::fail(__VA_ARGS__);   \
  } while (false)
