// cordis/config.hpp: version, ABI tag, error reporting
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

// The only place that tells the version: CMake and Conan read it here.
// Grows with releases that break programs.
#define CORDIS_VERSION_MAJOR 0
// Grows with releases that add; while MAJOR is 0, these may break programs too.
#define CORDIS_VERSION_MINOR 1
// Grows with releases that only mend.
#define CORDIS_VERSION_PATCH 0

#define CORDIS_TEXT_OF(name) #name
// The text of what a macro stands for: CORDIS_TEXT(CORDIS_ABI) is "cpu_avx2".
#define CORDIS_TEXT(name) CORDIS_TEXT_OF(name)

// Every header opens `namespace cordis::inline CORDIS_ABI`, so that objects built with and without CUDA, with
// and without compiled kernels, or for processors with vectors of other widths, fail to link with each other
// instead of sharing inline functions of different bodies. In a CUDA build, where one library of kernels
// serves all widths, the linker compares them (cpu/simd.hpp).
#if defined(__AVX512F__)
#define CORDIS_WIDTH avx512
#define CORDIS_WIDTH_NUMBER 512
#elif defined(__AVX2__) && defined(__FMA__)
#define CORDIS_WIDTH avx2
#define CORDIS_WIDTH_NUMBER 2
#elif defined(__AVX__)
#define CORDIS_WIDTH avx
#define CORDIS_WIDTH_NUMBER 1
#else
// The name of the vectors' width.
#define CORDIS_WIDTH base
// Tells it from others where a name cannot.
#define CORDIS_WIDTH_NUMBER 0
#endif
// One name of two, as they stand.
#define CORDIS_JOIN_OF(a, b) a##b
// One name of two that may be macros.
#define CORDIS_JOIN(a, b) CORDIS_JOIN_OF(a, b)
#if defined(CORDIS_CUDA) && defined(CORDIS_COMPILED)
#error "cordis::compiled has kernels for the CPU alone; link cordis::cuda without it"
#elif defined(CORDIS_CUDA)
#define CORDIS_ABI cuda
#elif defined(CORDIS_COMPILED)
#define CORDIS_ABI CORDIS_JOIN(compiled_, CORDIS_WIDTH)
#else
#define CORDIS_ABI CORDIS_JOIN(cpu_, CORDIS_WIDTH)
#endif

// The tag goes into the names of functions that only return a type of Cordis, which do not tell its
// namespace.
namespace cordis {
inline namespace CORDIS_ABI __attribute__((abi_tag(CORDIS_TEXT(CORDIS_ABI)))) {}
}  // namespace cordis

namespace cordis::inline CORDIS_ABI {

// "MAJOR.MINOR.PATCH"
inline constexpr const char* kVersion = CORDIS_TEXT(CORDIS_VERSION_MAJOR) "." CORDIS_TEXT(
    CORDIS_VERSION_MINOR) "." CORDIS_TEXT(CORDIS_VERSION_PATCH);

// A file that cannot be read, written or believed: names the file and the place in it.
struct IoError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A stream into a string that throws where there is no memory; a plain one would swallow that, and its text
// would lack the rest.
struct TextStream : std::ostringstream {
  TextStream() { exceptions(std::ios::badbit); }
};

// Everything streamable, one after the other.
template <class... Parts>
std::string concat(const Parts&... parts) {
  TextStream text;
  (text << ... << parts);
  return text.str();
}

// Throws std::invalid_argument with the parts, one after the other, as its text.
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
