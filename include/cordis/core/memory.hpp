// cordis/core/memory.hpp: what is done with elements wherever they are: copy, fill, convert
#pragma once

#include <algorithm>
#include <cordis/core/device.hpp>
#include <cordis/core/dtype.hpp>
#include <cstring>

namespace cordis::inline CORDIS_ABI::detail {

// to, from: `bytes` bytes in memory of the given devices. To the CPU: done on return. From the CPU: `from`
// may be changed on return. Between two GPUs, and on one, in this thread's current streams.
inline void copy_bytes(Cpu, Cpu, void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}
void copy_bytes(Cuda, Cpu, void* to, const void* from, std::size_t bytes);
void copy_bytes(Cpu, Cuda, void* to, const void* from, std::size_t bytes);
void copy_bytes(Cuda, Cuda, void* to, const void* from, std::size_t bytes);

inline void fill_elements(Cpu, void* to, DType dtype, std::int64_t n, double value) {
  dispatch_all(dtype, [&]<class T>() { std::fill_n(static_cast<T*>(to), n, static_cast<T>(value)); });
}
void fill_elements(Cuda, void* to, DType dtype, std::int64_t n, double value);

inline void convert_elements(Cpu, void* to, DType to_dtype, const void* from, DType from_dtype,
                             std::int64_t n) {
  dispatch_all(from_dtype, [&]<class From>() {
    dispatch_all(to_dtype, [&]<class To>() {
      std::transform(static_cast<const From*>(from), static_cast<const From*>(from) + n, static_cast<To*>(to),
                     [](From value) { return static_cast<To>(value); });
    });
  });
}
void convert_elements(Cuda, void* to, DType to_dtype, const void* from, DType from_dtype, std::int64_t n);

}  // namespace cordis::inline CORDIS_ABI::detail
