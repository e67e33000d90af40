// tests/simt/fiber.cpp: stacks with guard pages and the switch between them
#include "fiber.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "sanitizer.hpp"

#ifndef __x86_64__
#error "the switch between stacks is written for x86-64"
#endif

// Saves what a called function must keep on the old stack, then restores it from the new one.
asm(R"(
.text
.p2align 4
.globl simt_switch_stack
.hidden simt_switch_stack
.type simt_switch_stack, @function
simt_switch_stack:
  .cfi_startproc
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
  .cfi_endproc
.size simt_switch_stack, . - simt_switch_stack
)");
extern "C" void simt_switch_stack(void** save, void* to);

namespace simt {

namespace {

constexpr std::size_t kPage = 4096, kStack = std::size_t{128} << 10;

std::vector<char*>& guards() {
  static std::vector<char*>& all = *new std::vector<char*>;
  return all;
}

void (*fiber_main)();

void enter() {
  SIMT_ASAN(__sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr));
  fiber_main();
  std::abort();
}

}  // namespace

Fiber* make_fiber(void (*main)()) {
  fiber_main = main;
  void* const memory = mmap(nullptr, kStack + kPage, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kPage, PROT_NONE)) std::abort();
  guards().push_back(static_cast<char*>(memory));
  auto* const fiber = new Fiber;
  fiber->bottom = static_cast<char*>(memory) + kPage;
  fiber->bytes = kStack;
  // Stacks begin at different offsets in their pages: else the hot ends of all would share few lines of the
  // cache.
  const std::size_t colour = guards().size() % 31 * 128;
  auto* top = reinterpret_cast<std::uintptr_t*>(fiber->bottom + kStack - colour);
  *--top = 0;  // where enter would return to; aligns it as a call does
  *--top = reinterpret_cast<std::uintptr_t>(&enter);
  for (int saved = 0; saved < 6; ++saved) *--top = 0;
  fiber->stack_pointer = top;
  return fiber;
}

void adopt_host_stack([[maybe_unused]] Fiber& to) {
#ifdef SIMT_HAS_ASAN
  pthread_attr_t attributes;
  void* bottom = nullptr;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &bottom, &to.bytes);
  pthread_attr_destroy(&attributes);
  to.bottom = static_cast<char*>(bottom);
#endif
}

void switch_fiber(Fiber& from, Fiber& to) {
  SIMT_ASAN(__sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.bytes));
  simt_switch_stack(&from.stack_pointer, to.stack_pointer);
  SIMT_ASAN(__sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr));
}

bool is_stack_guard(const void* address) {
  for (const char* guard : guards())
    if (address >= guard && address < guard + kPage) return true;
  return false;
}

}  // namespace simt
