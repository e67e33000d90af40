// tests/simt/scheduler.cpp: runs a launch: blocks one after the other, their threads as fibers
#include "scheduler.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "block.hpp"
#include "device_memory.hpp"
#include "race.hpp"
#include "sanitizer.hpp"
#include "symbols.hpp"
#include "violation.hpp"

namespace simt {

Current current;
Block block;

namespace {

constexpr unsigned char kSharedFill = 0xFF;  // NaN in any floating-point type
constexpr std::size_t kSharedRoom = std::size_t{64} << 10, kSharedMargin = 4096;

const Launch* launch = nullptr;
Fiber host;                // the stack that run_launch was called on
std::vector<Fiber*> idle;  // fibers that have no thread
Counts totals;

unsigned char* shared_room() {
  static auto* const room = static_cast<unsigned char*>(
      mmap(nullptr, kSharedRoom + kSharedMargin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  return room;
}

struct Statics {
  std::vector<Extent> variables, margins;  // margins: what follows them and is none of theirs
};
const Statics* statics = nullptr;    // of the running kernel
std::vector<unsigned char> margins;  // what they held before the block

const Statics& statics_of(const void* kernel) {
  static auto& known = *new std::unordered_map<const void*, Statics>;
  const auto found = known.find(kernel);
  if (found != known.end()) return found->second;
  Statics& made = known[kernel];
  made.variables = local_statics_of(reinterpret_cast<std::uintptr_t>(kernel));
  made.margins = margins_of(made.variables);
  return made;
}

Thread* draw_ready() {
  auto& ready = block.ready;
  if (ready.empty()) return nullptr;
  std::swap(ready[draw(ready.size())], ready.back());
  Thread* const drawn = &block.threads[ready.back()];
  ready.pop_back();
  return drawn;
}

void become(Thread& thread) {
  block.self = &thread;
  current.thread = thread.index;
}

[[noreturn]] void deadlock() {
  std::string text;
  for (const Thread& thread : block.threads) {
    if (!thread.waits || text.size() > 300) continue;
    text += "; thread (" + std::to_string(thread.index.x) + ',' + std::to_string(thread.index.y) + ',' +
            std::to_string(thread.index.z) + ") waits at " + thread.site.file + ':' +
            std::to_string(thread.site.line);
  }
  for (Thread& thread : block.threads) {
    if (!thread.waits) continue;
    become(thread);
    violation_at(thread.site, "deadlock: nobody can go on%s", text.c_str());
  }
  violation("deadlock");
}

void exit_thread() {
  Thread& me = *block.self;
  me.exited = true;
  ++block.exited;
  if (block.arrived)
    violation_at(block.site, "the thread exits while %u others of its block wait at a barrier",
                 block.arrived);
  Warp& warp = block.warps[me.id.number / 32];
  warp.alive &= ~(1u << me.id.number % 32);
  if (warp.waiting) finish_waiting(warp);
}

// One thread after the other, until the one drawn has a fiber of its own.
void fiber_main() {
  for (;;) {
    Fiber& mine = *block.self->fiber;
    Thread* next = nullptr;
    for (;;) {
      race::watching = true;
      launch->body();
      race::watching = false;
      exit_thread();
      next = draw_ready();
      if (!next || next->fiber) break;
      next->fiber = &mine;
      become(*next);
    }
    idle.push_back(&mine);
    if (next) {
      become(*next);
      switch_fiber(mine, *next->fiber);
    } else {
      if (block.exited != block.threads.size()) deadlock();
      switch_fiber(mine, host);
    }
  }
}

Fiber* take_fiber() {
  if (idle.empty()) return make_fiber(fiber_main);
  Fiber* const fiber = idle.back();
  idle.pop_back();
  return fiber;
}

void begin_block(std::uint32_t number) {
  const dim3 grid = launch->grid, size = launch->block;
  current.block = {number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
  const std::uint32_t n = size.x * size.y * size.z;
  block.threads.resize(n);
  block.warps.resize((n + 31) / 32);
  block.ready.resize(n);
  block.exited = block.arrived = 0;
  std::iota(block.ready.begin(), block.ready.end(), 0u);
  uint3 index{0, 0, 0};
  for (std::uint32_t k = 0; k < n; ++k) {
    block.threads[k] = Thread{nullptr, index, {number, k, 0, 0}, false, false, {}};
    if (++index.x == size.x) index.x = 0, ++index.y;
    if (index.y == size.y) index.y = 0, ++index.z;
  }
  for (std::size_t w = 0; w < block.warps.size(); ++w) {
    Warp& warp = block.warps[w];
    const std::size_t lanes = std::min<std::size_t>(32, n - w * 32);
    warp.alive = lanes == 32 ? ~0u : (1u << lanes) - 1;
    warp.waiting = 0;
    warp.alike = true;
  }
  for (const Extent& variable : statics->variables)
    std::memset(reinterpret_cast<void*>(variable.begin), kSharedFill, variable.bytes);
  if (launch->shared) std::memset(shared_room(), kSharedFill, launch->shared);
  margins.clear();
  for (const Extent& margin : statics->margins) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(margin.begin);
    margins.insert(margins.end(), bytes, bytes + margin.bytes);
  }
}

void check_static_margins() {
  const unsigned char* before = margins.data();
  for (const Extent& margin : statics->margins) {
    if (std::memcmp(before, reinterpret_cast<const void*>(margin.begin), margin.bytes) != 0)
      violation("%s block (%u,%u,%u) wrote past the end of a __shared__ variable",
                function_name(running_kernel()).c_str(), current.block.x, current.block.y, current.block.z);
    before += margin.bytes;
  }
}

void check_shared_margin() {
#ifndef SIMT_HAS_ASAN
  const unsigned char* const end = shared_room() + kSharedRoom + kSharedMargin;
  const unsigned char* const from = shared_room() + launch->shared;
  const auto* const wrong =
      std::find_if(from, std::min(end, from + 256), [](auto byte) { return byte != 0; });
  if (wrong != std::min(end, from + 256))
    violation("%s block (%u,%u,%u) wrote dynamic shared memory at offset %td of %zu bytes",
              function_name(running_kernel()).c_str(), current.block.x, current.block.y, current.block.z,
              wrong - shared_room(), launch->shared);
#endif
}

}  // namespace

void suspend() {
  Thread& me = *block.self;
  Thread* const next = draw_ready();
  if (!next) deadlock();
  if (next != &me) {
    if (!next->fiber) next->fiber = take_fiber();
    become(*next);
    switch_fiber(*me.fiber, *next->fiber);
  }
}

void yield_thread() {
  const race::Pause pause;
  block.ready.push_back(block.self->id.number);
  suspend();
}

int block_barrier(Barrier kind, bool predicate, Site site) {
  if (!kernel_is_running()) violation("a barrier outside of a kernel at %s:%d", site.file, site.line);
  const race::Pause pause;
  Thread& me = *block.self;
  if (block.exited) violation_at(site, "barrier after %u of the block's threads have exited", block.exited);
  if (block.arrived == 0) {
    block.site = site;
    block.barrier = kind;
    block.votes = 0;
  } else if (block.barrier != kind || !same(block.site, site)) {
    violation_at(site, "divergent barrier: %u threads of the block wait at the one of %s:%d", block.arrived,
                 block.site.file, block.site.line);
  }
  block.votes += predicate;
  ++me.id.barriers;
  if (++block.arrived < block.threads.size()) {
    me.waits = true;
    me.site = site;
    suspend();
    return block.result;
  }
  const std::uint32_t n = block.arrived;
  block.result = kind == Barrier::count ? static_cast<int>(block.votes)
                                        : (kind == Barrier::any ? block.votes > 0 : block.votes == n);
  block.arrived = 0;
  for (Thread& thread : block.threads) {
    if (!thread.waits) continue;
    thread.waits = false;
    block.ready.push_back(thread.id.number);
  }
  return block.result;
}

bool kernel_is_running() { return launch && block.self; }
std::uintptr_t running_kernel() { return launch ? reinterpret_cast<std::uintptr_t>(launch->kernel) : 0; }
const unsigned char* dynamic_shared() { return shared_room(); }
std::size_t dynamic_shared_bytes() { return launch ? launch->shared : 0; }
const RunningThread& running() { return block.self->id; }

std::size_t static_shared_bytes(const void* kernel) {
  std::size_t sum = 0;
  for (const Extent& variable : statics_of(kernel).variables) sum += variable.bytes;
  return sum;
}

void run_launch(const Launch& which) {
  install_fault_stack();
  adopt_host_stack(host);
  launch = &which;
  statics = &statics_of(which.kernel);
  current.block_size = which.block;
  current.grid_size = which.grid;
  current.dynamic_shared = shared_room();
  unpoison(shared_room(), kSharedRoom + kSharedMargin);
  std::memset(shared_room() + which.shared, 0, 256);
  poison(shared_room() + which.shared, kSharedRoom + kSharedMargin - which.shared);
  std::vector<std::uint32_t> order(std::size_t{which.grid.x} * which.grid.y * which.grid.z);
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t left = order.size(); left > 1; --left) std::swap(order[draw(left)], order[left - 1]);
  race::begin_launch();
  for (const std::uint32_t number : order) {
    begin_block(number);
    Thread& first = *draw_ready();
    first.fiber = take_fiber();
    become(first);
    switch_fiber(host, *first.fiber);
    check_static_margins();
    if (which.shared) check_shared_margin();
  }
  race::end_launch();
  block.self = nullptr;
  device_memory().check_margins(which.kernel);
  ++totals.launches;
  totals.threads += order.size() * block.threads.size();
  launch = nullptr;
}

std::uint64_t draw(std::uint64_t below) {
  static std::uint64_t state =
      static_cast<std::uint64_t>(setting("CORDIS_SIMT_SEED", 1)) * 0x9E3779B97F4A7C15u + 1;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return ((state >> 32) * below) >> 32;
}

const Counts& counts() { return totals; }

}  // namespace simt
