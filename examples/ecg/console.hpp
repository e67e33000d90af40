// examples/ecg/console.hpp: progress on a terminal as one live line, elsewhere as plain lines
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace app {

// "0:42", "12:05", "1:02:03"; "-" where unknown (negative or not finite).
std::string clock(double seconds);
std::string fixed(double value, int digits);  // "-" for NaN

// Ends a live line that stands half-drawn on the terminal.
void clear_live_line();
// "ecg: warning: ..." on stderr, after clearing a live line.
void warn(std::string_view text);
// A line on stdout.
void say(std::string_view text = {});

// ASCII text as the live line; nothing where stdout is no terminal.
void show_live(std::string_view text);

// One training run at a time out of several; `work` counts samples trained on.
class Progress {
 public:
  // total: samples that all runs together will train on, so that time left can be told for the whole.
  explicit Progress(std::int64_t total_work = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // kind: runs of one kind (a model) are taken to go at one rate.
  void begin(const std::string& title, const std::string& kind, int epochs, std::int64_t samples_per_epoch);
  void resume_at(int epochs_done);  // these epochs cost nothing in this process
  void batch(int epoch, std::int64_t samples, double loss);
  // note: the epoch's scores, such as "AUROC 0.81".
  void epoch(int epoch, double loss, const std::string& note, double seconds);
  void end(const std::string& note);
  void skip(const std::string& title, const std::string& note, std::int64_t work);  // found finished

 private:
  using Clock = std::chrono::steady_clock;
  void draw(int epoch, double loss);
  double left_all() const;

  bool live_;
  std::string title_, kind_, note_;
  int epochs_ = 0;
  std::int64_t samples_per_epoch_ = 0;
  std::int64_t left_ = 0;                     // samples, all runs
  std::int64_t run_left_ = 0, in_epoch_ = 0;  // samples, this run
  double loss_sum_ = 0;
  std::map<std::string, double> rate_;  // samples per second, by kind
  Clock::time_point begun_, drawn_, epoch_begun_;
};

}  // namespace app
