// examples/ecg/grid_local.cpp: a grid's cells as processes of this machine
#include "grid_local.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cordis/ecg/file.hpp>
#include <cordis/io/atomic_file.hpp>
#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "console.hpp"
#include "grid_progress.hpp"
#include "stopping.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using Clock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(100);  // between two looks at the processes

// A child that trains one cell, its output in the cell's log; it gets SIGTERM where this process dies.
pid_t start(const GridFolder& folder, const Cell& cell) {
  const std::string log = folder.log_of(cell.id).string(), path = folder.path().string();
  const cordis::detail::FileDescriptor out(
      cordis::detail::open_retrying(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
  if (out.get() < 0) cordis::detail::io_fail(log, "cannot be opened");
  const pid_t parent = getpid(), child = fork();
  if (child < 0) throw IoError(concat("cannot start a process: ", std::strerror(errno)));
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  // A terminal's Ctrl-C is for the parent, which passes it on.
  setpgid(0, 0);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (in < 0 || dup2(in, 0) < 0 || dup2(out.get(), 1) < 0 || dup2(out.get(), 2) < 0) _exit(1);
  execl("/proc/self/exe", "ecg", "run-cell", path.c_str(), cell.id.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

// Why a cell ended, from its log's last line: it may have been without memory, or room on the disk, to write
// it down.
std::string last_words(const fs::path& log) {
  const std::string kComplaint = "ecg: ";
  try {
    std::string text = cordis::ecg::read_text(log);
    while (text.ends_with('\n')) text.pop_back();
    text.erase(0, text.rfind('\n') + 1);
    return text.starts_with(kComplaint) ? text.substr(kComplaint.size()) : "";
  } catch (const IoError&) {
    return "";
  }
}

class Pool {
 public:
  Pool(const GridFolder& folder, int jobs)
      : folder_(folder), jobs_(static_cast<std::size_t>(jobs)), progress_(folder) {
    for (const Cell& cell : folder.cells()) {
      folder.forget_failure(cell);
      if (folder.finished(cell.id))
        folder.forget_checkpoint(cell);
      else
        waiting_.push_back(&cell);
    }
    fs::create_directories(folder.path() / "logs");
    say(concat(folder.cells().size(), " cells, ", folder.cells().size() - waiting_.size(),
               " finished before, ", jobs, jobs == 1 ? " process" : " processes"));
  }
  ~Pool() { stop(); }

  int run() {
    while (!waiting_.empty() || !running_.empty()) {
      fill();
      reap();
      if (stop_signal() != 0) {
        stop();
        stop_point();
      }
      if (Clock::now() >= shown_ + std::chrono::seconds(1)) {
        shown_ = Clock::now();
        std::vector<std::string> now;
        for (const auto& [pid, cell] : running_) now.push_back(cell->id);
        show_live(progress_.line(now));
      }
      std::this_thread::sleep_for(kLook);
    }
    const std::size_t left = failed_.size() + skipped_;
    say(concat(folder_.cells().size() - left, " of ", folder_.cells().size(), " cells are finished",
               failed_.empty() ? "" : concat(", ", failed_.size(), " failed: ", cordis::ecg::join(failed_)),
               skipped_ == 0 ? "" : concat(", ", skipped_, " were left because they start from those")));
    return left == 0 ? 0 : 1;
  }

 private:
  // Starts what can start, in the order of the plan.
  void fill() {
    for (auto at = waiting_.begin(); at != waiting_.end() && running_.size() < jobs_;) {
      const Cell& cell = **at;
      if (cell.pretrained() && failed_.contains(cell.init)) {
        say(concat(cell.id, ": left, because ", cell.init, " failed"));
        ++skipped_;
        at = waiting_.erase(at);
      } else if ((cell.pretrained() && !folder_.finished(cell.init)) ||
                 (busy_.contains(cell.id) && !lock_holder(folder_.folder_of(cell.id)).empty())) {
        ++at;
      } else {
        running_[start(folder_, cell)] = &cell;
        at = waiting_.erase(at);
      }
    }
  }

  void reap() {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto found = running_.find(pid);
      if (found == running_.end()) continue;
      const Cell& cell = *found->second;
      running_.erase(found);
      const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      if (folder_.finished(cell.id)) {
        say(concat(cell.id, ": finished, ", progress_.share()));
      } else if (code == kBusyStatus) {
        say(concat(cell.id, ": ", lock_holder(folder_.folder_of(cell.id)),
                   " is at work on it; waiting for that"));
        busy_.insert(cell.id);
        waiting_.push_back(&cell);
      } else if (stop_signal() == 0) {
        failed_.insert(cell.id);
        std::string note = folder_.status(cell).note;
        if (note.empty() && code >= 128) {
          note = concat("ended by signal ", code - 128, "; the same command tries again");
          folder_.note_failure(cell, note);
        }
        if (note.empty()) note = last_words(folder_.log_of(cell.id));
        if (note.empty())
          note = concat("ended with status ", code, " and could not write down why; is the disk full?");
        warn(concat(cell.id, ": failed: ", note, " (", folder_.log_of(cell.id).string(), ")"));
      }
    }
  }

  void stop() {
    for (const auto& [pid, cell] : running_) kill(pid, SIGTERM);
    for (const auto& [pid, cell] : running_) waitpid(pid, nullptr, 0);
    running_.clear();
  }

  const GridFolder& folder_;
  std::size_t jobs_;
  GridProgress progress_;
  std::vector<const Cell*> waiting_;
  std::map<pid_t, const Cell*> running_;
  std::set<std::string> failed_, busy_;
  std::size_t skipped_ = 0;
  Clock::time_point shown_{};
};

}  // namespace

int run_locally(const GridFolder& folder, int jobs) { return Pool(folder, jobs).run(); }

}  // namespace app
