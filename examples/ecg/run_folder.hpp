// examples/ecg/run_folder.hpp: the folder a run leaves, bound to one set of options and one process at a time
#pragma once

#include <cordis/config.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace app {

using Json = nlohmann::ordered_json;

// Program version, compiler, its flags and the libraries: what has to be equal for equal bits.
Json build_info();
// Processor and threads of this machine: told in the report, not compared.
Json host_info();

// Another process is at work in the folder; ecg exits with kBusyStatus then (EX_TEMPFAIL of sysexits.h).
inline constexpr int kBusyStatus = 75;
struct FolderBusy : cordis::IoError {
  using cordis::IoError::IoError;
};
// Who holds a run's folder: "process 123 on HOST, for 0:42 now,"; empty where nobody does.
std::string lock_holder(const std::filesystem::path& folder);

// Opens or creates a run. config.json is written first; a run found there has to have been started with the
// same config, part by part, so that going on ends with the same bits as never having stopped.
class RunFolder {
 public:
  // Throws FolderBusy, or IoError: it belongs to another run, or it cannot be written.
  RunFolder(std::filesystem::path path, const Json& config);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }
  bool resumed() const { return resumed_; }  // config.json was there before

 private:
  std::filesystem::path path_;
  int lock_ = -1;
  bool resumed_ = false;
};

// Differences between two configs as "--lr is 0.001 there and 0.01 now", options under their names on the
// command line.
std::vector<std::string> config_differences(const Json& there, const Json& now);

// Writes text with the JSON's two-space layout; NaN becomes null.
void write_json(const std::filesystem::path& path, const Json& json);

}  // namespace app
