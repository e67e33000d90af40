// examples/ecg/grid_slurm.cpp: a grid's cells as job arrays of Slurm
#include "grid_slurm.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cordis/io/atomic_file.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "console.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using Cells = std::vector<const Cell*>;

// A word of a shell's command line.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// What the command prints; IoError with that where it fails.
std::string output_of(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1 < /dev/null").c_str(), "re");
  if (!pipe) throw IoError("cannot start a shell for sbatch");
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t count = fread(part.data(), 1, part.size(), pipe)) text.append(part.data(), count);
  const int status = pclose(pipe);
  text = std::string(cordis::ecg::trim(text));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw IoError(concat(command, ": ",
                         WIFEXITED(status) && WEXITSTATUS(status) == 127
                             ? "no sbatch here; --engine local runs the cells on this machine"
                             : cordis::ecg::shown(text, 400)));
  return text;
}

// The script of an array: task N trains the cell in line N + 1 of the list. Some time before the limit Slurm
// sends SIGUSR1: the cell saves its state, and the task is queued again. SIGTERM, of scancel or of a node
// that is taken, is passed on and has the state saved; Slurm itself decides what comes after it.
std::string script_of(const GridFolder& folder, const fs::path& list) {
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  return concat(
      "#!/bin/bash\n"
      "cell=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" ",
      quoted(list.string()),
      ")\n"
      "again=\n"
      "stop() { kill -TERM \"$child\" 2> /dev/null; }\n"
      "trap stop TERM\n"
      "trap 'again=yes; stop' USR1\n",
      quoted(program), " run-cell ", quoted(fs::absolute(folder.path()).string()),
      " \"$cell\" &\n"
      "child=$!\n"
      "wait \"$child\"\n"
      "status=$?\n"
      "while kill -0 \"$child\" 2> /dev/null; do wait \"$child\"; status=$?; done\n"
      "if [[ -n $again && $status == 143 ]]; then\n"
      "  scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\" && sleep 60\n"
      "fi\n"
      "exit \"$status\"\n");
}

class Submitter {
 public:
  Submitter(const GridFolder& folder, const SlurmOptions& options)
      : folder_(folder), options_(options), at_(fs::absolute(folder.path()) / "slurm") {
    fs::create_directories(at_);
  }

  // The number of the job; empty in a dry run.
  std::string submit(const std::string& name, const Cells& cells, const std::string& after = {}) {
    const fs::path list = at_ / (name + ".cells"), script = at_ / (name + ".sh");
    std::string lines;
    for (const Cell* cell : cells) lines += cell->id + '\n';
    cordis::atomic_write(list, lines);
    cordis::atomic_write(script, script_of(folder_, list));
    std::string command =
        concat("sbatch --parsable --requeue --open-mode=append --kill-on-invalid-dep=yes --job-name=",
               quoted("ecg-" + name), " --array=0-", cells.size() - 1,
               " --cpus-per-task=", folder_.grid().run.threads, " --time=", quoted(options_.time),
               " --signal=B:USR1@", options_.signal_seconds,
               " --output=", quoted((at_ / (name + "-%a.log")).string()));
    if (!options_.partition.empty()) command += " --partition=" + quoted(options_.partition);
    if (!after.empty()) command += " --dependency=afterok:" + after;
    if (!options_.extra.empty()) command += ' ' + options_.extra;
    command += ' ' + quoted(script.string());
    if (options_.dry) {
      say(command);
      return {};
    }
    const std::string answer = output_of(command), job = answer.substr(0, answer.find(';'));
    if (job.empty() || job.find_first_not_of("0123456789") != std::string::npos)
      throw IoError(
          concat("sbatch answered \"", cordis::ecg::shown(answer), "\" where a job's number was wanted"));
    say(concat("job ", job, ": ", name, ", ", cells.size(), cells.size() == 1 ? " cell" : " cells",
               after.empty() ? "" : ", after " + after));
    return job;
  }

 private:
  const GridFolder& folder_;
  const SlurmOptions& options_;
  fs::path at_;
};

}  // namespace

std::vector<std::string> submit_to_slurm(const GridFolder& folder, const SlurmOptions& options) {
  Cells up, free;
  std::map<std::string, Cells> after;  // by upstream cell
  for (const Cell& cell : folder.cells()) {
    if (folder.finished(cell.id)) continue;
    folder.forget_failure(cell);
    if (cell.upstream)
      up.push_back(&cell);
    else if (!cell.pretrained() || folder.finished(cell.init))
      free.push_back(&cell);
    else
      after[cell.init].push_back(&cell);
  }
  Submitter submitter(folder, options);
  std::vector<std::string> jobs;
  const auto submit = [&](const std::string& name, const Cells& cells, const std::string& dependency = {}) {
    jobs.push_back(submitter.submit(name, cells, dependency));
    return jobs.back();
  };
  if (!free.empty()) submit("free", free);
  if (up.empty()) return jobs;
  const std::string stage = submit("upstream", up);
  for (std::size_t i = 0; i < up.size(); ++i)
    if (const auto found = after.find(up[i]->id); found != after.end())
      submit("after-" + up[i]->id, found->second, concat(stage.empty() ? "JOB" : stage, '_', i));
  return jobs;
}

}  // namespace app
