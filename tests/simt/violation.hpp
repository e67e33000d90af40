// tests/simt/violation.hpp: how what CUDA leaves undefined is reported
#pragma once

#include <cstdint>
#include <string>

namespace simt {

struct Site;

inline constexpr int kViolationStatus = 86;

// Print one line, `simt: ` and the text, and end the program.
[[noreturn, gnu::format(printf, 1, 2)]] void violation(const char* format, ...);
// The same, with the kernel's name, block and thread, and the place.
[[noreturn, gnu::format(printf, 2, 3)]] void violation_at(Site site, const char* format, ...);
[[noreturn, gnu::format(printf, 2, 3)]] void violation_at(std::uintptr_t instruction, const char* format,
                                                          ...);

// "kernel block (x,y,z) thread (x,y,z)" of the running thread; empty outside kernels.
std::string running_thread();

// Reports accesses to device memory that is closed, freed or between buffers, and overflows of a fiber's
// stack.
void install_fault_handler();
// Gives the calling host thread a stack for the handler.
void install_fault_stack();

// An environment variable as a number.
long setting(const char* name, long otherwise);

}  // namespace simt
