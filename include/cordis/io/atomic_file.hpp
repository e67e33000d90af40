// cordis/io/atomic_file.hpp: files read whole, and written so that a reader sees the old bytes or the new
// ones
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cordis/config.hpp>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace cordis::inline CORDIS_ABI {

namespace detail {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] inline void io_fail(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  throw IoError(concat(path.string(), ": ", what, ": ", std::strerror(error)));
}

inline int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int fd = -1;
  do fd = ::open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

// All of them, at the descriptor's place.
inline void write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) io_fail(path, "cannot be written");
    done += static_cast<std::size_t>(count);
  }
}

// Until they are on the disk.
inline void sync(int fd, const std::filesystem::path& path) {
  int result = 0;
  do result = ::fsync(fd);
  while (result != 0 && errno == EINTR);
  if (result != 0) io_fail(path, "cannot be synced");
}

// As many of the file's next bytes as there are, at most size.
inline std::size_t read_some(int fd, char* to, std::size_t size, const std::filesystem::path& path) {
  while (true) {
    const ssize_t count = ::read(fd, to, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) io_fail(path, "cannot be read");
    return static_cast<std::size_t>(count);
  }
}

// The file's next size bytes, or all there are; returns how many.
inline std::size_t read_all(int fd, char* to, std::size_t size, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < size) {
    const std::size_t count = read_some(fd, to + done, size - done, path);
    if (count == 0) break;
    done += count;
  }
  return done;
}

}  // namespace detail

// All bytes of a file or pipe; IoError with the system's reason where it cannot be read.
inline std::string read_file(const std::filesystem::path& path) {
  const detail::FileDescriptor file(detail::open_retrying(path.c_str(), O_RDONLY));
  if (file.get() < 0) detail::io_fail(path, "cannot be opened");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) detail::io_fail(path, "cannot be examined");
  if (S_ISDIR(status.st_mode)) throw IoError(concat(path.string(), ": is a folder, a file is needed"));
  std::string bytes;
  if (S_ISREG(status.st_mode)) bytes.reserve(static_cast<std::size_t>(status.st_size));
  std::string chunk(std::size_t{1} << 16, '\0');
  while (true) {
    const std::size_t count = detail::read_some(file.get(), chunk.data(), chunk.size(), path);
    if (count == 0) return bytes;
    bytes.append(chunk.data(), count);
  }
}

// A file on its way: written under a temporary name in the same folder; commit() syncs it, renames it and
// syncs the folder. Where any of it fails (disk full, no permission), or commit() is never reached, the
// temporary file is removed, what was there before is untouched, and IoError says why.
class AtomicFile {
 public:
  // Opens the temporary file; IoError where the folder does not take it.
  explicit AtomicFile(std::filesystem::path path)
      : path_(std::move(path)),
        temporary_(concat(path_.string(), ".tmp.", ::getpid(), '.', next_number())),
        file_(detail::open_retrying(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666)) {
    if (file_.get() < 0) detail::io_fail(path_, "cannot be written");
  }
  ~AtomicFile() {
    if (!committed_) ::unlink(temporary_.c_str());
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends; IoError where the disk is full.
  void write(std::string_view bytes) { detail::write_all(file_.get(), bytes, path_); }
  // Puts it in place: from here on the file is there in full, also after a crash.
  void commit() {
    detail::sync(file_.get(), path_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      detail::io_fail(path_, "cannot be renamed into place");
    committed_ = true;
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    const detail::FileDescriptor parent(detail::open_retrying(folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (parent.get() < 0) detail::io_fail(folder, "cannot be opened");
    detail::sync(parent.get(), folder);
  }

 private:
  static unsigned next_number() {  // two threads may write the same path
    static std::atomic<unsigned> number{0};
    return number++;
  }

  std::filesystem::path path_;
  std::string temporary_;
  detail::FileDescriptor file_;
  bool committed_ = false;
};

// A whole file: a reader sees the old bytes or the new ones.
inline void atomic_write(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace cordis::inline CORDIS_ABI
