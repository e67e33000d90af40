// tests/simt/device_memory.cpp: buffers that the host cannot touch
#include "device_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "race.hpp"
#include "sanitizer.hpp"
#include "symbols.hpp"
#include "violation.hpp"

namespace simt {

namespace {

constexpr std::size_t kPage = 4096, kAlignment = 256;
[[maybe_unused]] constexpr std::size_t kMargin = 64;  // bytes checked before and after a buffer
constexpr unsigned char kMarginByte = 0xC3;

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

[[maybe_unused]] const unsigned char* wrong_margin(const unsigned char* p, std::size_t bytes) {
  const auto* const end = p + bytes;
  const auto* const found = std::find_if(p, end, [](unsigned char byte) { return byte != kMarginByte; });
  return found == end ? nullptr : found;
}

}  // namespace

DeviceMemory::DeviceMemory()
    : fill_(static_cast<unsigned char>(setting("CORDIS_SIMT_FILL", 0xA5))),
      capacity_(static_cast<std::size_t>(setting("CORDIS_SIMT_MEMORY", 2048)) << 20) {
  nothing_ = memfd_create("simt", MFD_CLOEXEC);
  void* const all = mmap(nullptr, kAddresses, PROT_NONE, MAP_SHARED | MAP_NORESERVE, nothing_, 0);
  if (nothing_ < 0 || all == MAP_FAILED) violation("no address space for device memory");
  begin_ = next_ = reinterpret_cast<std::uintptr_t>(all);
  install_fault_handler();
}

void* DeviceMemory::allocate(int device, std::size_t bytes) {
  const std::size_t room = round_up(bytes, kAlignment) + kAlignment;
  if (bytes > capacity_ || in_use_[device] + room > capacity_) return nullptr;
  Buffer buffer;
  buffer.bytes = bytes;
  buffer.pages = next_;
  buffer.page_bytes = round_up(room, kPage);
  buffer.begin = buffer.pages + buffer.page_bytes - room;
  buffer.number = ++count_;
  buffer.device = device;
  auto* const pages = reinterpret_cast<unsigned char*>(buffer.pages);
  if (mmap(pages, buffer.page_bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
    return nullptr;
  next_ += buffer.page_bytes;
  in_use_[device] += bytes;

  auto* const data = reinterpret_cast<unsigned char*>(buffer.begin);
  std::memset(pages, kMarginByte, static_cast<std::size_t>(data - pages));
  std::memset(data, fill_, bytes);
  std::memset(data + bytes, kMarginByte, room - bytes);
  poison(pages, static_cast<std::size_t>(data - pages));
  poison(data + bytes, room - bytes);
  if (depth_ == 0) mprotect(pages, buffer.page_bytes, PROT_NONE);

  Buffer& kept = buffers_[buffer.begin] = buffer;
  alive_[buffer.begin] = &kept;
  last_ = nullptr;
  race::add_buffer(kept);
  return data;
}

void DeviceMemory::release(Buffer& buffer) {
  race::remove_buffer(buffer);
  buffer.alive = false;
  alive_.erase(buffer.begin);
  in_use_[buffer.device] -= buffer.bytes;
  // The same offset in the empty file as around it: neighbours that are free become one mapping again.
  mmap(reinterpret_cast<void*>(buffer.pages), buffer.page_bytes, PROT_NONE,
       MAP_SHARED | MAP_NORESERVE | MAP_FIXED, nothing_, static_cast<off_t>(buffer.pages - begin_));
  poison(reinterpret_cast<void*>(buffer.begin), buffer.bytes);
}

Buffer* DeviceMemory::find(std::uintptr_t address) {
  if (last_ && address - last_->begin < last_->bytes) return last_;
  auto after = buffers_.upper_bound(address);
  if (after == buffers_.begin()) return nullptr;
  return last_ = &(--after)->second;
}

Buffer* DeviceMemory::at(const void* p) {
  const auto found = buffers_.find(reinterpret_cast<std::uintptr_t>(p));
  return found == buffers_.end() ? nullptr : &found->second;
}

std::string DeviceMemory::describe(std::uintptr_t address) {
  char text[160];
  const Buffer* buffer = find(address);
  const auto next = buffers_.upper_bound(address);
  if (next != buffers_.end() && address >= next->second.pages) buffer = &next->second;  // before its begin
  if (!buffer) return "no device buffer";
  const auto offset = static_cast<std::ptrdiff_t>(address - buffer->begin);
  const bool outside = offset < 0 || static_cast<std::size_t>(offset) >= buffer->bytes;
  std::snprintf(text, sizeof text, "%sdevice buffer %d (%zu bytes) at offset %td%s",
                buffer->alive ? "" : "freed ", buffer->number, buffer->bytes, offset,
                outside ? ", which is outside it" : "");
  return text;
}

void DeviceMemory::open() {
  if (depth_++ == 0 && next_ > begin_)
    mprotect(reinterpret_cast<void*>(begin_), next_ - begin_, PROT_READ | PROT_WRITE);
}
void DeviceMemory::close() {
  if (--depth_ == 0 && next_ > begin_) mprotect(reinterpret_cast<void*>(begin_), next_ - begin_, PROT_NONE);
}

void DeviceMemory::check_margins([[maybe_unused]] const void* kernel) {
#ifndef SIMT_HAS_ASAN
  for (const auto& [begin, buffer] : alive_) {
    const std::size_t before = std::min<std::size_t>(kMargin, begin - buffer->pages);
    const std::uintptr_t end = begin + buffer->bytes;
    const std::size_t after = std::min<std::size_t>(kMargin, buffer->pages + buffer->page_bytes - end);
    const unsigned char* wrong = wrong_margin(reinterpret_cast<unsigned char*>(begin - before), before);
    if (!wrong) wrong = wrong_margin(reinterpret_cast<unsigned char*>(end), after);
    if (!wrong) continue;
    const std::string what = describe(reinterpret_cast<std::uintptr_t>(wrong));
    violation("%s wrote to %s", function_name(reinterpret_cast<std::uintptr_t>(kernel)).c_str(),
              what.c_str());
  }
#endif
}

std::size_t DeviceMemory::in_use(int device) const {
  const auto found = in_use_.find(device);
  return found == in_use_.end() ? 0 : found->second;
}

void DeviceMemory::report() const {
  for (const auto& [begin, buffer] : alive_)
    std::fprintf(stderr, "simt: device buffer %d (%zu bytes, device %d) was never freed\n", buffer->number,
                 buffer->bytes, buffer->device);
}

DeviceMemory& device_memory() {
  static DeviceMemory& memory = *new DeviceMemory;  // never destroyed: tensors may be freed at exit
  return memory;
}

}  // namespace simt
