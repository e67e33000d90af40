// kernels/memory.cuh: filling and converting elements
#pragma once

#include "device.cuh"

namespace cordis::inline CORDIS_ABI::detail {

template <class T>
struct Constant {
  T value;
  __device__ T operator()() const { return value; }
};
template <class To>
struct Converted {
  template <class From>
  __device__ To operator()(From value) const {
    return static_cast<To>(value);
  }
};

void fill_elements(Cuda device, void* to, DType dtype, std::int64_t n, double value) {
  dispatch_all(dtype, [&]<class T>() {
    map(device, "fill", n, static_cast<T*>(to), Constant<T>{static_cast<T>(value)});
  });
}

void convert_elements(Cuda device, void* to, DType to_dtype, const void* from, DType from_dtype,
                      std::int64_t n) {
  if (n == 0) return;
  dispatch_all(from_dtype, [&]<class From>() {
    dispatch_all(to_dtype, [&]<class To>() {
      run(device, "convert", map_kernel<1, To, Converted<To>, From>, blocks_for(n), kBlock, 0, n,
          static_cast<To*>(to), Converted<To>{}, static_cast<const From*>(from));
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI::detail
