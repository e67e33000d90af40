// tests/simt/device_memory.hpp: buffers that the host cannot touch
// Only while work runs (Opened) is the memory of living buffers accessible. Addresses are not given out
// twice, so that what was freed stays freed. At least 256 bytes lie between buffers, and the kernel's writes
// there are found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace simt {

namespace race {
struct Shadow;
}

struct Buffer {
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
  std::uintptr_t pages = 0;  // where its mapping begins
  std::size_t page_bytes = 0;
  int number = 0, device = 0;
  bool alive = true;
  race::Shadow* shadow = nullptr;  // in the race build
};

class DeviceMemory {
 public:
  DeviceMemory();

  // Null where the device has no more memory.
  void* allocate(int device, std::size_t bytes);
  void release(Buffer& buffer);

  bool owns(std::uintptr_t address) const { return address - begin_ < kAddresses; }
  // The buffer that holds the address or is the last before it; may be dead.
  Buffer* find(std::uintptr_t address);
  // A living or dead buffer that begins there.
  Buffer* at(const void* p);
  // What the address is: "device buffer 3 (40 bytes) at offset 44".
  std::string describe(std::uintptr_t address);

  void open();
  void close();
  // Ends the program where the kernel wrote bytes around a living buffer.
  void check_margins(const void* kernel);

  std::size_t in_use(int device) const;
  std::size_t capacity() const { return capacity_; }
  void report() const;

 private:
  static constexpr std::size_t kAddresses = std::size_t{1} << 40;

  std::uintptr_t begin_ = 0, next_ = 0;
  int nothing_ = -1;  // an empty file: what maps it faults, whatever its protection
  int depth_ = 0, count_ = 0;
  unsigned char fill_;
  std::size_t capacity_;
  std::map<int, std::size_t> in_use_;
  std::map<std::uintptr_t, Buffer> buffers_;  // by begin
  std::map<std::uintptr_t, Buffer*> alive_;
  Buffer* last_ = nullptr;
};

DeviceMemory& device_memory();

struct Opened {
  Opened() { device_memory().open(); }
  ~Opened() { device_memory().close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

}  // namespace simt
