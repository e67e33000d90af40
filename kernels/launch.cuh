// kernels/launch.cuh: how kernels are started, by nvcc's runtime or on the host
// Under nvcc this is CUDA. A host compiler gets CUDA's headers with <simt.hpp>, which runs the kernels' own
// source on the CPU (tests/simt).
#pragma once

#ifdef __CUDACC__

#include <cuda_runtime.h>

#include <tuple>
#include <type_traits>
#include <utility>

// The launch's dynamic shared memory as an array of T: KERNEL_DYNAMIC_SHARED(T, name);
#define KERNEL_DYNAMIC_SHARED(T, name)                                    \
  extern __shared__ __align__(16) unsigned char kernel_dynamic_shared_[]; \
  T* const name = reinterpret_cast<T*>(kernel_dynamic_shared_)

// Puts the kernel into the stream. Each argument is converted to the kernel's own parameter type first: the
// runtime copies parameters by their size in the kernel, whatever lies at the address given.
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared,
                   cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments),
                "one argument for each parameter of the kernel");
  std::tuple<std::decay_t<Parameters>...> values(
      static_cast<std::decay_t<Parameters>>(std::forward<Arguments>(arguments))...);
  return std::apply(
      [&](auto&... each) {
        void* addresses[] = {const_cast<void*>(static_cast<const void*>(&each))..., nullptr};
        return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, addresses, shared,
                                stream);
      },
      values);
}

#else
#include <simt.hpp>
#endif
