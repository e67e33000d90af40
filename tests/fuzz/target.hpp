// tests/fuzz/target.hpp: what all fuzz targets share: bytes in, refusals are fine, anything else is a finding
#pragma once

#include <unistd.h>

#include <cordis/config.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace fuzz {

// A folder in memory, this process's own.
inline const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    std::string name = "/dev/shm/cordis_fuzz_XXXXXX";
    if (!mkdtemp(name.data())) std::abort();
    static std::string kept = name;
    std::atexit([] { std::filesystem::remove_all(kept); });
    return std::filesystem::path(name);
  }();
  return path;
}

inline std::filesystem::path write(const std::filesystem::path& name, std::string_view bytes) {
  const auto path = folder() / name;
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

// In a target's LLVMFuzzerInitialize, where what it reads is written by the program itself: `TARGET seeds
// FOLDER` leaves there what make(put) puts, and ends.
template <class F>
void offer_seeds(int argc, char** argv, F&& make) {
  if (argc != 3 || std::string_view(argv[1]) != "seeds") return;
  int number = 0;
  make([&](const std::string& bytes) {
    std::ofstream(std::filesystem::path(argv[2]) / std::to_string(number++), std::ios::binary) << bytes;
  });
  std::exit(0);
}

// Input that is refused in words is no finding; a crash, a hang, another exception is.
template <class F>
void try_it(F&& f) {
  try {
    f();
  } catch (const cordis::IoError&) {
  } catch (const std::invalid_argument&) {
  }
}

}  // namespace fuzz

void one_input(std::string_view bytes);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
