// tests/simt/fiber.hpp: stacks that take turns on one host thread
#pragma once

#include <cstddef>

namespace simt {

struct Fiber {
  void* stack_pointer = nullptr;
  char* bottom = nullptr;  // of its stack
  std::size_t bytes = 0;
  void* fake_stack = nullptr;  // AddressSanitizer's
};

// A fiber that calls `main` when it is first switched to; `main` never returns. Fibers are reused, never
// destroyed.
Fiber* make_fiber(void (*main)());

// Lets `to` be the fiber of the host thread that calls.
void adopt_host_stack(Fiber& to);

// Goes on in `to`; returns when something switches back to `from`, which is the running one.
void switch_fiber(Fiber& from, Fiber& to);

// Whether an address is in the guard page below a fiber's stack.
bool is_stack_guard(const void* address);

}  // namespace simt
