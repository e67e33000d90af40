// tests/simt/violation.cpp: messages, and the handler of memory faults
#include "violation.hpp"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "device_memory.hpp"
#include "fiber.hpp"
#include "sanitizer.hpp"
#include "scheduler.hpp"
#include "simt.hpp"
#include "symbols.hpp"

namespace simt {

namespace {

[[noreturn]] void finish(const char* format, std::va_list arguments, const std::string& place) {
  char text[1024];
  std::vsnprintf(text, sizeof text, format, arguments);
  std::fflush(stdout);
  std::fprintf(stderr, "simt: %s%s%s\n", text, place.empty() ? "" : " at ", place.c_str());
  std::fflush(stderr);
  _exit(kViolationStatus);
}

struct sigaction before[NSIG];

void on_fault(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto* const machine = static_cast<const ucontext_t*>(context);
  const auto instruction = static_cast<std::uintptr_t>(machine->uc_mcontext.gregs[REG_RIP]);
  if (device_memory().owns(address)) {
    const std::string what = device_memory().describe(address);
    if (kernel_is_running()) violation_at(instruction, "access to %s", what.c_str());
    violation("the host accesses %s at %s", what.c_str(), source_of(instruction).c_str());
  }
  if (is_stack_guard(info->si_addr)) violation_at(instruction, "the thread's stack overflows");
  sigaction(signal, &before[signal], nullptr);  // returns into the same fault
}

}  // namespace

void violation(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  finish(format, arguments, "");
}

void violation_at(Site site, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const char* file = site.file ? site.file : "?";
  finish(format, arguments, running_thread() + ' ' + file + ':' + std::to_string(site.line));
}

void violation_at(std::uintptr_t instruction, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  finish(format, arguments, running_thread() + ' ' + source_of(instruction));
}

std::string running_thread() {
  if (!kernel_is_running()) return {};
  char text[160];
  const Current& c = current;
  std::snprintf(text, sizeof text, " block (%u,%u,%u) thread (%u,%u,%u)", c.block.x, c.block.y, c.block.z,
                c.thread.x, c.thread.y, c.thread.z);
  return function_name(running_kernel()) + text;
}

void install_fault_handler() {
  static const bool once = [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS}) sigaction(signal, &action, &before[signal]);
    return true;
  }();
  static_cast<void>(once);
}

void install_fault_stack() {
  thread_local bool done = false;
  if (std::exchange(done, true)) return;
  stack_t stack{};
  if (sigaltstack(nullptr, &stack) == 0 && !(stack.ss_flags & SS_DISABLE)) return;
  stack.ss_size = std::size_t{64} << 10;
  stack.ss_sp = std::malloc(stack.ss_size);
  stack.ss_flags = 0;
  sigaltstack(&stack, nullptr);
}

long setting(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::atol(text) : otherwise;
}

}  // namespace simt

#ifdef SIMT_HAS_ASAN
extern "C" const char* __asan_default_options() { return "exitcode=86:detect_leaks=0"; }
extern "C" void __asan_on_error() {
  if (const std::string where = simt::running_thread(); !where.empty())
    std::fprintf(stderr, "simt: AddressSanitizer's report below is at %s\n", where.c_str());
}
#endif
