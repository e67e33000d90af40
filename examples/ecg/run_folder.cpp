// examples/ecg/run_folder.cpp: the folder a run leaves, bound to one set of options and one process at a time
#include "run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cordis/core/parallel.hpp>
#include <cordis/ecg/file.hpp>
#include <cordis/io/atomic_file.hpp>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

#include "console.hpp"
#include "json_reader.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;

std::string compiler() {
#if defined(__clang__)
  return concat("clang++ ", __clang_major__, '.', __clang_minor__, '.', __clang_patchlevel__);
#else
  return concat("g++ ", __GNUC__, '.', __GNUC_MINOR__, '.', __GNUC_PATCHLEVEL__);
#endif
}

// The first `model name` line of /proc/cpuinfo: -march=native code takes other instructions elsewhere.
std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// "/options/lr" -> "--lr", "/data/checksum" -> "data/checksum", list items under the list's name.
std::string spoken(const std::string& pointer) {
  static const std::string kOptions = "/options/";
  if (pointer.starts_with(kOptions)) return "--" + pointer.substr(kOptions.size());
  return pointer.substr(pointer.starts_with('/') ? 1 : 0);
}

std::string shown(const Json& value) {
  if (value.is_null()) return "absent";
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() > 160) text = text.substr(0, 157) + "...";
  return text;
}

// Files that a killed process was about to rename into place: NAME.tmp. and numbers, in any folder below.
void remove_halves(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> halves;
  for (fs::recursive_directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    const auto mark = name.rfind(".tmp.");
    if (mark != name.npos && name.find_first_not_of("0123456789.", mark + 5) == name.npos)
      halves.push_back(at->path());
  }
  for (const auto& half : halves) fs::remove(half, ignored);
}

void compare(const Json& there, const Json& now, const std::string& at, std::vector<std::string>& out) {
  if (there.is_object() && now.is_object()) {
    for (const auto& [key, value] : now.items())
      compare(there.contains(key) ? there[key] : Json(), value, at + '/' + key, out);
    for (const auto& [key, value] : there.items())
      if (!now.contains(key)) compare(value, Json(), at + '/' + key, out);
  } else if (there != now) {
    out.push_back(concat(spoken(at), " is ", shown(there), " there and ", shown(now), " now"));
  }
}

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "unknown";
}

// "process 123 on HOST (for 0:42)" of an open lock file.
std::string read_holder(int lock) {
  char text[512] = {};
  std::istringstream words(pread(lock, text, sizeof text - 1, 0) > 0 ? text : "");
  long pid = 0, since = 0;
  std::string host;
  words >> pid >> host >> since;
  if (!words) return "another process";
  return concat("process ", pid, " on ", host, " (for ",
                clock(static_cast<double>(std::max<long>(0, std::time(nullptr) - since))), ")");
}

}  // namespace

std::string lock_holder(const fs::path& folder) {
  const int lock = open((folder / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return {};
  const bool held = flock(lock, LOCK_SH | LOCK_NB) != 0;
  const std::string holder = held ? read_holder(lock) : "";
  close(lock);
  return holder;
}

std::vector<std::string> config_differences(const Json& there, const Json& now) {
  std::vector<std::string> out;
  compare(there, now, "", out);
  return out;
}

Json build_info() {
  Json info;
  info["cordis"] = cordis::kVersion;
  info["compiler"] = compiler();
  info["flags"] = ECG_BUILD_FLAGS;
  info["processor"] = processor();
  return info;
}

Json host_info() {
  Json info;
  info["cores"] = std::thread::hardware_concurrency();
  info["threads"] = cordis::num_threads();
  return info;
}

void write_json(const fs::path& path, const Json& json) {
  cordis::atomic_write(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

RunFolder::RunFolder(fs::path path, const Json& config) : path_(std::move(path)) {
  std::error_code error;
  const bool existed = fs::exists(path_);
  if (existed && !fs::is_directory(path_))
    throw IoError(concat(path_.string(), ": is a file; --out needs a folder"));
  fs::create_directories(path_, error);
  if (error) throw IoError(concat(path_.string(), ": cannot be made: ", error.message()));
  const fs::path file = path_ / "config.json", lock = path_ / "lock";
  if (existed && !fs::exists(file)) {
    for (const auto& entry : fs::directory_iterator(path_))
      if (const auto name = entry.path().filename().string();
          name != "lock" && !name.starts_with("config.json"))
        throw IoError(concat(path_.string(), ": holds ", name,
                             " but no config.json, so it is no run of this program; choose another --out"));
  }
  // The kernel drops the lock with its process, however that ends; the number in it is for the message only.
  lock_ = cordis::detail::open_retrying(lock.c_str(), O_RDWR | O_CREAT, 0644);
  if (lock_ < 0) cordis::detail::io_fail(lock, "cannot be opened");
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) cordis::detail::io_fail(lock, "cannot be locked");
    const std::string holder = read_holder(lock_);
    close(lock_);
    throw FolderBusy(concat(path_.string(), ": ", holder,
                            " is at work in this folder; wait for it or choose another --out"));
  }
  if (ftruncate(lock_, 0) != 0) cordis::detail::io_fail(lock, "cannot be written");
  cordis::detail::write_all(lock_, concat(getpid(), ' ', host_name(), ' ', std::time(nullptr), '\n'), lock);
  if (!fs::exists(file)) {
    remove_halves(path_);
    write_json(file, config);
    return;
  }
  resumed_ = true;
  const Json there = parse_json(cordis::ecg::read_text(file), file.string());
  const auto differences = config_differences(there, config);
  if (differences.empty()) {
    remove_halves(path_);
    return;
  }
  cordis::TextStream list;
  for (std::size_t i = 0; i < differences.size() && i < 6; ++i) list << (i ? "; " : "") << differences[i];
  if (differences.size() > 6) list << "; and " << differences.size() - 6 << " more";
  throw IoError(concat(path_.string(), ": holds a run with other settings: ", list.str(),
                       ". Choose another --out, or remove the folder"));
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace app
