// tests/simt/race.hpp: what the race build watches; in the other builds, nothing
// The kernels' source is compiled with -fsanitize=thread, whose calls for each access hooks.cpp defines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "device_memory.hpp"
#include "simt.hpp"

namespace simt::race {

// For each stream, up to which of its operations one may rely on.
using Clock = std::vector<std::uint64_t>;

#ifdef SIMT_RACE

// Whether this host thread runs a kernel's own code.
extern constinit thread_local bool watching;

// While the engine does its own work in a kernel's thread.
struct Pause {
  Pause() { watching = false; }
  ~Pause() { watching = true; }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
};

void add_buffer(Buffer& buffer);
void remove_buffer(Buffer& buffer);

// The operation of a stream that runs from now on, and what it comes after.
void begin_operation(std::size_t stream, std::uint64_t number, const Clock& after);
void begin_launch();
void end_launch();

enum class Access : std::uint8_t { read, write, atomic };
void access(std::uintptr_t address, std::size_t bytes, Access kind, std::uintptr_t instruction);
void atomic_access(const void* p, std::size_t bytes, Site site);

// Accesses by copies and fills, whole and within a buffer.
void host_reads(const void* p, std::size_t bytes, const char* call);
void copy_reads(const void* p, std::size_t bytes, const char* call);
void copy_writes(const void* p, std::size_t bytes, const char* call);
// What was never written in the source is so in the copy.
void copy_state(const void* to, const void* from, std::size_t bytes);

#else

inline bool watching = false;
struct Pause {
  Pause() {}
};
inline void add_buffer(Buffer&) {}
inline void remove_buffer(Buffer&) {}
inline void begin_operation(std::size_t, std::uint64_t, const Clock&) {}
inline void begin_launch() {}
inline void end_launch() {}
inline void atomic_access(const void*, std::size_t, Site) {}
inline void host_reads(const void*, std::size_t, const char*) {}
inline void copy_reads(const void*, std::size_t, const char*) {}
inline void copy_writes(const void*, std::size_t, const char*) {}
inline void copy_state(const void*, const void*, std::size_t) {}

#endif

}  // namespace simt::race
