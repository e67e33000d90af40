// cordis/io/mapped_file.hpp: a file as memory
#pragma once

#include <sys/mman.h>

#include <cordis/io/atomic_file.hpp>

namespace cordis::inline CORDIS_ABI {

// A whole file, its pages read when they are touched. What is written to them stays in this process.
class MappedFile {
 public:
  // Maps it; IoError where it cannot be opened or is no regular file.
  explicit MappedFile(const std::filesystem::path& path) {
    const detail::FileDescriptor file(detail::open_retrying(path.c_str(), O_RDONLY));
    if (file.get() < 0) detail::io_fail(path, "cannot be opened");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) detail::io_fail(path, "cannot be examined");
    if (!S_ISREG(status.st_mode)) throw IoError(concat(path.string(), ": not a regular file"));
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return;  // which no system maps
    data_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
    if (data_ == MAP_FAILED) detail::io_fail(path, "cannot be mapped");
  }
  ~MappedFile() {
    if (size_ > 0) ::munmap(data_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }  // its content

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cordis::inline CORDIS_ABI
