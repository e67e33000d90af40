// tests/simt/block.hpp: the threads of the running block, for scheduler.cpp and warp.cpp
#pragma once

#include <cstdint>
#include <vector>

#include "fiber.hpp"
#include "scheduler.hpp"

namespace simt {

struct Thread {
  Fiber* fiber = nullptr;  // null until it first runs
  uint3 index{};
  RunningThread id{};
  bool waits = false, exited = false;
  Site site{};  // of what it waits at
};

struct Lane {
  std::uint64_t value, result;
  unsigned mask;
  int argument, width;
  WarpOp op;
  Site site;
};

struct Warp {
  unsigned alive = 0, waiting = 0;
  bool alike = true;  // all that wait have the same operation, mask and site
  Lane lanes[32];
};

struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<std::uint32_t> ready;  // those that may run, in no order
  Thread* self = nullptr;
  std::uint32_t exited = 0;

  std::uint32_t arrived = 0, votes = 0;  // at the barrier
  int result = 0;
  Barrier barrier{};
  Site site{};
};

extern Block block;

inline bool same(Site a, Site b) {
  return a.line == b.line && (a.file == b.file || __builtin_strcmp(a.file, b.file) == 0);
}

// The running thread stops until it is in block.ready and drawn.
void suspend();
// Lets the lanes that wait for nobody else go on, after a lane has exited.
void finish_waiting(Warp& warp);

}  // namespace simt
