// cordis/core/dtype.hpp: run-time element types and the way into templates
#pragma once

#include <cordis/config.hpp>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <type_traits>

namespace cordis::inline CORDIS_ABI {

// Element types: float, double, std::int64_t.
enum class DType : std::uint8_t { f32, f64, i64 };

inline std::size_t size_of(DType dtype) { return dtype == DType::f32 ? 4 : 8; }  // Bytes of one element.

// "f32", "f64" or "i64".
inline const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::i64:
      return "i64";
  }
  return "?";
}

// Its name.
inline std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

// The DType of float, double or std::int64_t; others do not compile.
template <class T>
inline constexpr DType dtype_of = [] {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>,
                "cordis: element types are float, double and std::int64_t");
  if constexpr (std::is_same_v<T, float>) return DType::f32;
  if constexpr (std::is_same_v<T, double>) return DType::f64;
  return DType::i64;
}();

// Calls f.template operator()<T>() with float or double: dispatch_float(x.dtype(), "relu", [&]<class T>() {
// ... }).
template <class F>
decltype(auto) dispatch_float(DType dtype, const char* op, F&& f) {
  CORDIS_CHECK(dtype != DType::i64, "[", op, "] i64 is not a floating type, f32 or f64 is needed");
  if (dtype == DType::f32) return f.template operator()<float>();
  return f.template operator()<double>();
}

// dispatch_float for i64 as well, which calls f with std::int64_t.
template <class F>
decltype(auto) dispatch_all(DType dtype, F&& f) {
  if (dtype == DType::f32) return f.template operator()<float>();
  if (dtype == DType::f64) return f.template operator()<double>();
  return f.template operator()<std::int64_t>();
}

}  // namespace cordis::inline CORDIS_ABI
