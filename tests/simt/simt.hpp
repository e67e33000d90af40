// tests/simt/simt.hpp: CUDA's SIMT model on the host: a kernel's own source, one fiber a CUDA thread
// Included instead of nvcc's built-ins by kernels/launch.cuh. Link with one of the libraries simt_plain,
// simt_asan and simt_race: they run the kernels and hold a stand-in for the CUDA runtime, so that libcudart
// is not needed.
//
// Blocks, threads and independent work of streams run in an order drawn at random. What CUDA leaves undefined
// ends the program with one line on stderr and exit code 86:
//   simt: <what> at <kernel> block (x,y,z) thread (x,y,z) FILE:LINE
// __shared__ variables are declared in the bodies of kernels, from where the symbol table tells their
// extents. Environment:
//   CORDIS_SIMT_SEED=N     the order (1)
//   CORDIS_SIMT_PREEMPT=N  race build: also change threads at one memory access in N (off)
//   CORDIS_SIMT_DEVICES=N  devices (1)
//   CORDIS_SIMT_MEMORY=N   MiB that a device has (2048)
//   CORDIS_SIMT_FILL=N     byte that fills new device memory (165)
//   CORDIS_SIMT_REPORT=1   at exit: counts, and buffers never freed
#pragma once

#ifdef __CUDACC__
#error "for host compilers: nvcc has the real thing"
#endif

#include <cuda_runtime.h>

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __constant__
#define __launch_bounds__(...)
#ifndef __forceinline__
#define __forceinline__ inline __attribute__((always_inline))
#endif

namespace simt {

struct Site {
  const char* file;
  int line;
};

// What the running thread sees as its built-in variables.
struct Current {
  uint3 thread, block;
  dim3 block_size, grid_size;
  void* dynamic_shared;
};
extern Current current;

// Puts a kernel, as a function of no arguments, into a stream.
cudaError_t enqueue_kernel(const void* kernel, dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream,
                           std::function<void()> body);

}  // namespace simt

// 1: an allocator above cudaMalloc should give each tensor an allocation of its own and of its exact size,
// else overruns from one to the next cannot be seen. Declare it weak: only these libraries define it.
extern "C" int simt_exact_allocations();

#define threadIdx (::simt::current.thread)
#define blockIdx (::simt::current.block)
#define blockDim (::simt::current.block_size)
#define gridDim (::simt::current.grid_size)
inline constexpr int warpSize = 32;

// The launch's dynamic shared memory as an array of T.
#define KERNEL_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(::simt::current.dynamic_shared)

#include "simt_intrinsics.hpp"

// As nvcc's headers have them, for any kernel.
template <class... P>
cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute attribute, int value) {
  return ::cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
template <class... P>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(P...)) {
  return ::cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
template <class... P>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void (*kernel)(P...), int threads,
                                                          std::size_t shared) {
  return ::cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<const void*>(kernel),
                                                         threads, shared);
}

// Puts the kernel into the stream, its arguments converted to the parameters' types and copied now.
template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared,
                   cudaStream_t stream, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments),
                "one argument for each parameter of the kernel");
  static_assert((std::is_trivially_copyable_v<std::decay_t<Parameters>> && ...),
                "parameters are copied as bytes");
  std::tuple<std::decay_t<Parameters>...> values(
      static_cast<std::decay_t<Parameters>>(std::forward<Arguments>(arguments))...);
  return simt::enqueue_kernel(reinterpret_cast<const void*>(kernel), grid, block, shared, stream,
                              [kernel, values] { std::apply(kernel, values); });
}
