// tests/io/scratch.hpp: safetensors files made by hand, and work in a child process
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <scratch_folder.hpp>
#include <string>
#include <string_view>

namespace scratch {

// Bytes of a safetensors file: the header's length, or the one given, the header, the data.
inline std::string file_of(std::string_view header, std::string_view data = {}) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes.append(header).append(data);
}

// Exit status of f in a child process, whose limits and rights may be changed; -1 where it crashed. f returns
// 0 where all is well and makes no assertions of its own.
template <class F>
int in_child(F&& f) {
  const pid_t child = fork();
  if (child == 0) {
    int status = 99;
    try {
      status = f();
    } catch (...) {
    }
    std::_Exit(status);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace scratch
