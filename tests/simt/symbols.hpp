// tests/simt/symbols.hpp: names and extents from the program's own symbol table
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace simt {

struct Extent {
  std::uintptr_t begin;
  std::size_t bytes;
};

// The function that holds the address, without its parameters; "?" where the program has no symbols.
std::string function_name(std::uintptr_t address);

// The static variables that functions declare in their bodies: those of kernels are shared memory.
const std::vector<Extent>& local_statics();
// Those of one function.
const std::vector<Extent>& local_statics_of(std::uintptr_t function);

// Up to 32 bytes after each variable that belong to no variable, or to a local static other than these, a
// byte each; without those that AddressSanitizer guards.
std::vector<Extent> margins_of(const std::vector<Extent>& variables);
// All variables in the program's writable data, by address.
const std::vector<Extent>& variables();

// The program's writable data.
Extent writable_data();

std::uintptr_t program_base();

// FILE:LINE of an instruction, where binutils is installed and the program has debug information; else
// function+offset.
std::string source_of(std::uintptr_t address);

}  // namespace simt
