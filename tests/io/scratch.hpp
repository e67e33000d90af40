// tests/io/scratch.hpp: a temporary folder, safetensors files made by hand, and work in a child process
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cordis/config.hpp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace scratch {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;

  Folder() {
    std::string name = (fs::temp_directory_path() / "cordis_io_XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed");
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path write(const fs::path& name, std::string_view content) const {
    std::ofstream(path / name, std::ios::binary) << content;
    return path / name;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : fs::directory_iterator(path)) result.push_back(entry.path().filename().string());
    return result;
  }
};

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
