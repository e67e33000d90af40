// tests/faults/inject.cpp: preloaded (LD_PRELOAD) into a program, makes chosen calls to the system fail
// By environment variables:
//   FAULT_CALL     read write open sync rename map close remove mkdir stat thread memory
//   FAULT_HOW      an error (EIO ENOSPC EINTR EMFILE EACCES ENOMEM EAGAIN); short: reads and writes move a
//   part of what
//                  was asked; full: writes fail once FAULT_FROM bytes are written; none: calls are only
//                  counted
//   FAULT_FROM     the first call that fails, from 1
//   FAULT_EVERY    0: that call alone; else it and every such call after it
//   FAULT_UNDER    folders with ':' between them, absolute: calls on files elsewhere are neither counted nor
//   failed FAULT_ABOVE    memory: requests of fewer bytes are neither counted nor failed FAULT_PROGRAM  name
//   of the program that is meant; others that it starts are left alone FAULT_LOG      gets a line "hit NUMBER
//   PATH" for each call that failed, and "calls NUMBER BYTES" at the end
// Only what happens between the beginning and the end of main() counts.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

struct Setting {
  const char* call = "";
  const char* under = "";
  const char* log = nullptr;
  int error = 0;
  bool cut = false, full = false;
  long from = 0, every = 0, above = 0;
} setting;
std::atomic<bool> armed{false};
std::atomic<long> calls{0}, bytes{0};

// The function of this name that would have been called without this file.
struct Next {
  const char* name;
  template <class F>
  operator F*() const {
    return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
  }
};

const char* text_of(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  return value ? value : otherwise;
}

int error_of(const char* name) {
  static constexpr struct {
    const char* name;
    int value;
  } kErrors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EINTR", EINTR},  {"EMFILE", EMFILE},
                 {"EACCES", EACCES}, {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN}};
  for (const auto& error : kErrors)
    if (std::strcmp(name, error.name) == 0) return error.value;
  return 0;
}

// Straight to the system: no call that is looked at here, and no memory.
void note(const char* word, long number, const char* rest) {
  if (!setting.log) return;
  char line[PATH_MAX + 64];
  const int size = std::snprintf(line, sizeof line, "%s %ld %s\n", word, number, rest);
  const long fd = syscall(SYS_openat, AT_FDCWD, setting.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return;
  syscall(SYS_write, fd, line, static_cast<std::size_t>(std::clamp<int>(size, 0, sizeof line - 1)));
  syscall(SYS_close, fd);
}

void note_calls() {
  char written[32];
  std::snprintf(written, sizeof written, "%ld", bytes.load());
  note("calls", calls.load(), written);
}

bool meant(const char* call) {
  return armed.load(std::memory_order_relaxed) && std::strcmp(call, setting.call) == 0;
}

bool is_under(const char* path) {
  for (const char* at = setting.under; *at;) {
    const std::size_t size = std::strcspn(at, ":");
    if (std::strncmp(path, at, size) == 0 && (path[size] == '/' || path[size] == '\0')) return true;
    at += size + (at[size] == ':');
  }
  return false;
}

// A place in the file system as text.
struct Place {
  char path[PATH_MAX] = "";
  explicit Place(int fd) { set_fd(fd, ""); }
  Place(int folder, const char* name) {
    if (name[0] == '/')
      std::snprintf(path, sizeof path, "%s", name);
    else if (folder == AT_FDCWD && getcwd(path, sizeof path))
      append(name);
    else
      set_fd(folder, name);
  }

 private:
  void set_fd(int fd, const char* name) {
    char link[32];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(link, path, sizeof path - 1);
    path[std::max<ssize_t>(size, 0)] = '\0';
    if (*name) append(name);
  }
  void append(const char* name) {
    const std::size_t size = std::strlen(path);
    std::snprintf(path + size, sizeof path - size, "/%s", name);
  }
};

// Counts this call; true where it is to fail, and noted.
bool strikes(const char* what) {
  const long number = ++calls;
  if ((setting.error == 0 && !setting.cut) || setting.full || number < setting.from) return false;
  if (number > setting.from && (setting.every == 0 || (number - setting.from) % setting.every != 0))
    return false;
  note("hit", number, what);
  return true;
}
bool fails(const Place& place) {
  if (!is_under(place.path) || !strikes(place.path)) return false;
  errno = setting.error;
  return true;
}
bool fails(const char* call, int fd) { return meant(call) && fails(Place(fd)); }
bool fails(const char* call, int folder, const char* path) {
  return meant(call) && fails(Place(folder, path));
}
bool no_memory(std::size_t size) {
  if (!meant("memory") || size < static_cast<std::size_t>(setting.above)) return false;
  char text[32];
  std::snprintf(text, sizeof text, "%zu", size);
  if (!strikes(text)) return false;
  errno = ENOMEM;
  return true;
}

std::size_t part_of(std::size_t size) { return std::min<std::size_t>((size + 1) / 2, 97); }

// How much of a transfer goes through; -1: it fails.
ssize_t allowed(const char* call, int fd, std::size_t size) {
  if (!meant(call)) return static_cast<ssize_t>(size);
  const Place place(fd);
  if (!is_under(place.path)) return static_cast<ssize_t>(size);
  const long before = bytes.fetch_add(static_cast<long>(size));
  if (setting.full) {
    const long room = std::max(0L, setting.from - before);
    if (room >= static_cast<long>(size)) return static_cast<ssize_t>(size);
    note("hit", before, place.path);
    if (room > 0) return room;
    errno = ENOSPC;
    return -1;
  }
  if (!strikes(place.path)) return static_cast<ssize_t>(size);
  errno = setting.error;
  return setting.cut ? static_cast<ssize_t>(part_of(size)) : -1;
}

int (*program_main)(int, char**, char**) = nullptr;
int counted_main(int count, char** arguments, char** environment) {
  armed = true;
  const int status = program_main(count, arguments, environment);
  armed = false;
  return status;
}

}  // namespace

extern "C" {

int __libc_start_main(int (*main)(int, char**, char**), int count, char** arguments, void (*init)(),
                      void (*fini)(), void (*rtld_fini)(), void* stack_end) {
  static int (*const real)(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(), void (*)(),
                           void*) = Next{"__libc_start_main"};
  const char* how = text_of("FAULT_HOW", "none");
  setting.call = text_of("FAULT_CALL");
  setting.under = text_of("FAULT_UNDER");
  setting.log = std::getenv("FAULT_LOG");
  setting.error = error_of(how);
  setting.cut = std::strcmp(how, "short") == 0;
  setting.full = std::strcmp(how, "full") == 0;
  setting.from = std::atol(text_of("FAULT_FROM", "1"));
  setting.every = std::atol(text_of("FAULT_EVERY", "0"));
  setting.above = std::atol(text_of("FAULT_ABOVE", "0"));
  const char* name = std::strrchr(arguments[0], '/');
  if (std::strcmp(name ? name + 1 : arguments[0], text_of("FAULT_PROGRAM")) != 0)
    return real(main, count, arguments, init, fini, rtld_fini, stack_end);
  std::atexit(note_calls);
  program_main = main;
  return real(counted_main, count, arguments, init, fini, rtld_fini, stack_end);
}

ssize_t read(int fd, void* data, std::size_t size) {
  static ssize_t (*const real)(int, void*, std::size_t) = Next{"read"};
  const ssize_t part = allowed("read", fd, size);
  return part < 0 ? part : real(fd, data, static_cast<std::size_t>(part));
}
ssize_t pread(int fd, void* data, std::size_t size, off_t at) {
  static ssize_t (*const real)(int, void*, std::size_t, off_t) = Next{"pread"};
  const ssize_t part = allowed("read", fd, size);
  return part < 0 ? part : real(fd, data, static_cast<std::size_t>(part), at);
}
ssize_t pread64(int fd, void* data, std::size_t size, off64_t at) { return pread(fd, data, size, at); }
ssize_t write(int fd, const void* data, std::size_t size) {
  static ssize_t (*const real)(int, const void*, std::size_t) = Next{"write"};
  const ssize_t part = allowed("write", fd, size);
  return part < 0 ? part : real(fd, data, static_cast<std::size_t>(part));
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t at) {
  static ssize_t (*const real)(int, const void*, std::size_t, off_t) = Next{"pwrite"};
  const ssize_t part = allowed("write", fd, size);
  return part < 0 ? part : real(fd, data, static_cast<std::size_t>(part), at);
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off64_t at) {
  return pwrite(fd, data, size, at);
}
// A short one moves of its first piece only.
ssize_t writev(int fd, const iovec* pieces, int count) {
  static ssize_t (*const real)(int, const iovec*, int) = Next{"writev"};
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) size += pieces[i].iov_len;
  const ssize_t part = allowed("write", fd, size);
  if (part < 0) return part;
  if (static_cast<std::size_t>(part) == size) return real(fd, pieces, count);
  const iovec first{pieces[0].iov_base, std::min(pieces[0].iov_len, static_cast<std::size_t>(part))};
  return real(fd, &first, 1);
}

int openat(int folder, const char* path, int flags, ...) {
  static int (*const real)(int, const char*, int, ...) = Next{"openat"};
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  // Nobody waits for a folder, so none is interrupted.
  const bool never = (flags & O_DIRECTORY) && setting.error == EINTR;
  return !never && fails("open", folder, path) ? -1 : real(folder, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return openat(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char* path, int flags, ...) __attribute__((alias("openat")));
FILE* fopen(const char* path, const char* mode) {
  static FILE* (*const real)(const char*, const char*) = Next{"fopen"};
  return fails("open", AT_FDCWD, path) ? nullptr : real(path, mode);
}
FILE* fopen64(const char* path, const char* mode) { return fopen(path, mode); }
DIR* opendir(const char* path) {
  static DIR* (*const real)(const char*) = Next{"opendir"};
  return fails("open", AT_FDCWD, path) ? nullptr : real(path);
}

int fsync(int fd) {
  static int (*const real)(int) = Next{"fsync"};
  return fails("sync", fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
  static int (*const real)(int) = Next{"fdatasync"};
  return fails("sync", fd) ? -1 : real(fd);
}
int rename(const char* from, const char* to) noexcept {
  static int (*const real)(const char*, const char*) = Next{"rename"};
  return fails("rename", AT_FDCWD, to) ? -1 : real(from, to);
}
void* mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) noexcept {
  static void* (*const real)(void*, std::size_t, int, int, int, off_t) = Next{"mmap"};
  if (fd >= 0 && fails("map", fd)) return MAP_FAILED;
  return real(at, size, protection, flags, fd, offset);
}
void* mmap64(void* at, std::size_t size, int protection, int flags, int fd, off64_t offset) noexcept {
  return mmap(at, size, protection, flags, fd, offset);
}

// The descriptor is gone all the same, as on Linux.
int close(int fd) {
  static int (*const real)(int) = Next{"close"};
  const bool struck = fails("close", fd);
  const int result = real(fd);
  if (struck) errno = setting.error;
  return struck ? -1 : result;
}
int fclose(FILE* file) {
  static int (*const real)(FILE*) = Next{"fclose"};
  const bool struck = fails("close", fileno(file));
  const int result = real(file);
  if (struck) errno = setting.error;
  return struck ? EOF : result;
}

int unlink(const char* path) noexcept {
  static int (*const real)(const char*) = Next{"unlink"};
  return fails("remove", AT_FDCWD, path) ? -1 : real(path);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  static int (*const real)(int, const char*, int) = Next{"unlinkat"};
  return fails("remove", folder, path) ? -1 : real(folder, path, flags);
}
int remove(const char* path) noexcept {
  static int (*const real)(const char*) = Next{"remove"};
  return fails("remove", AT_FDCWD, path) ? -1 : real(path);
}
int mkdir(const char* path, mode_t mode) noexcept {
  static int (*const real)(const char*, mode_t) = Next{"mkdir"};
  return fails("mkdir", AT_FDCWD, path) ? -1 : real(path, mode);
}
int stat(const char* path, struct stat* out) noexcept {
  static int (*const real)(const char*, struct stat*) = Next{"stat"};
  return fails("stat", AT_FDCWD, path) ? -1 : real(path, out);
}
int lstat(const char* path, struct stat* out) noexcept {
  static int (*const real)(const char*, struct stat*) = Next{"lstat"};
  return fails("stat", AT_FDCWD, path) ? -1 : real(path, out);
}
int stat64(const char* path, struct stat64* out) noexcept {
  return stat(path, reinterpret_cast<struct stat*>(out));
}
int lstat64(const char* path, struct stat64* out) noexcept {
  return lstat(path, reinterpret_cast<struct stat*>(out));
}
int fstat(int fd, struct stat* out) noexcept {
  static int (*const real)(int, struct stat*) = Next{"fstat"};
  return fails("stat", fd) ? -1 : real(fd, out);
}
int fstat64(int fd, struct stat64* out) noexcept { return fstat(fd, reinterpret_cast<struct stat*>(out)); }

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  static int (*const real)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) =
      Next{"pthread_create"};
  if (meant("thread") && strikes("")) return setting.error;
  return real(thread, attributes, run, argument);
}

void* malloc(std::size_t size) noexcept { return no_memory(size) ? nullptr : __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return no_memory(count * size) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* before, std::size_t size) noexcept {
  return no_memory(size) ? nullptr : __libc_realloc(before, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return no_memory(size) ? nullptr : __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }
int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  void* memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

}  // extern "C"
