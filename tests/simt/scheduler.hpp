// tests/simt/scheduler.hpp: runs a launch: blocks one after the other, their threads as fibers
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>

#include "simt.hpp"

namespace simt {

struct Launch {
  const void* kernel;
  dim3 grid, block;
  std::size_t shared;
  std::function<void()> body;
};

// All of it, now. Device memory is open.
void run_launch(const Launch& launch);

bool kernel_is_running();
std::uintptr_t running_kernel();
const unsigned char* dynamic_shared();  // a page follows it that belongs to nobody
std::size_t dynamic_shared_bytes();

// Bytes of __shared__ variables in the kernel's own body.
std::size_t static_shared_bytes(const void* kernel);

struct RunningThread {
  std::uint32_t block, number;         // block within the launch, thread within the block
  std::uint32_t barriers, warp_syncs;  // passed
};
const RunningThread& running();

// Another thread may go on.
void yield_thread();

std::uint64_t draw(std::uint64_t below);  // uniform in 0 .. below - 1, from the seed

struct Counts {
  std::uint64_t launches = 0, threads = 0;
};
const Counts& counts();

}  // namespace simt
