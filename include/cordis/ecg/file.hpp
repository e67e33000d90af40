// cordis/ecg/file.hpp: whole files into memory, and the digest that says which bytes a run has read
#pragma once

#include <cordis/io/atomic_file.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace cordis::inline CORDIS_ABI::ecg {

// FNV-1a, 64 bits: tells accidental changes, not forgeries.
struct Digest {
  std::uint64_t value = 14695981039346656037u;

  // goes on with these bytes
  void add(std::string_view bytes) {
    for (const char byte : bytes) value = (value ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  }
  // goes on with eight bytes, the lowest first
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) value = (value ^ ((number >> shift) & 255u)) * 1099511628211u;
  }
  // 16 hexadecimal digits
  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
  }
};

// Size in bytes of a regular file; anything else (missing, folder, pipe) throws IoError.
inline std::uint64_t size_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) throw IoError(concat(path.string(), ": no such file"));
  if (!std::filesystem::is_regular_file(status)) throw IoError(concat(path.string(), ": not a regular file"));
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) throw IoError(concat(path.string(), ": ", error.message()));
  return size;
}

// The first `bytes` bytes. The caller has compared `bytes` with size_of_file, so nothing absurd is allocated.
inline std::string read_bytes(const std::filesystem::path& path, std::uint64_t bytes) {
  const cordis::detail::FileDescriptor file(cordis::detail::open_retrying(path.c_str(), O_RDONLY));
  if (file.get() < 0) cordis::detail::io_fail(path, "cannot be opened");
  std::string content(static_cast<std::size_t>(bytes), '\0');
  const std::size_t done = cordis::detail::read_all(file.get(), content.data(), content.size(), path);
  if (done < content.size()) throw IoError(concat(path.string(), ": read ", done, " bytes, wanted ", bytes));
  return content;
}

// A whole text file of at most `limit` bytes.
inline std::string read_text(const std::filesystem::path& path, std::uint64_t limit = 1u << 30) {
  const std::uint64_t size = size_of_file(path);
  if (size > limit)
    throw IoError(concat(path.string(), ": holds ", size, " bytes, at most ", limit, " wanted"));
  return read_bytes(path, size);
}

}  // namespace cordis::inline CORDIS_ABI::ecg
