// cordis/core/device.hpp: where a tensor lives, and the only switch on it
#pragma once

#include <cordis/config.hpp>
#include <ostream>
#include <utility>

namespace cordis::inline CORDIS_ABI {

// The CPU, or the GPU of a number.
struct Device {
  // Of the two implementations of every op.
  enum class Kind : unsigned char { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;

  static Device cpu() { return {}; }                                 // the CPU, of which there is one
  static Device cuda(int index = 0) { return {Kind::cuda, index}; }  // the GPU of this number, from 0
  // The first GPU where this program was built for one and there is one, else the CPU.
  static Device best();

  friend bool operator==(const Device&, const Device&) = default;  // the same kind and number
  // "cpu", "cuda:0"
  friend std::ostream& operator<<(std::ostream& out, const Device& device) {
    return device.kind == Kind::cpu ? out << "cpu" : out << "cuda:" << device.index;
  }
};

// Kernels are overloads on these tags: relu_forward(Cpu, ...), relu_forward(Cuda, ...).
struct Cpu {};
// The tag of kernels for GPUs; the launch goes to the GPU of this number.
struct Cuda {
  int index = 0;
};

struct Compiled : Cpu {};  // kernels in the library cordis::compiled; what it has not is Cpu's

#ifdef CORDIS_COMPILED
using Host = Compiled;
#else
// The CPU's kernels in this program: Compiled where it links cordis::compiled.
using Host = Cpu;
#endif

int cuda_device_count();  // 0 without a driver; in programs built with CUDA

// Calls f(Host{}) or f(Cuda{}). An op without its CUDA kernel does not compile where CORDIS_CUDA is defined.
template <class F>
decltype(auto) on(const Device& device, F&& f) {
#ifdef CORDIS_CUDA
  if (device.kind == Device::Kind::cuda) return std::forward<F>(f)(Cuda{device.index});
#else
  CORDIS_CHECK(device.kind == Device::Kind::cpu, "[on] ", device,
               " asked for, but this program was built without CUDA");
#endif
  return std::forward<F>(f)(Host{});
}

inline Device Device::best() {
#ifdef CORDIS_CUDA
  if (cuda_device_count() > 0) return cuda();
#endif
  return cpu();
}

}  // namespace cordis::inline CORDIS_ABI
