// examples/ecg/console.cpp: progress on a terminal as one live line, elsewhere as plain lines
#include "console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace app {
namespace {

bool line_is_live = false;  // a line without its end stands on the terminal

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  return 80;
}

std::string bar(double share, int cells) {
  static constexpr const char* kEighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(share, 0.0, 1.0) * cells * 8);
  std::string text;
  for (int cell = 0; cell < cells; ++cell) {
    const int filled = std::clamp(eighths - 8 * cell, 0, 8);
    text += filled == 8 ? "█" : kEighths[filled];
  }
  return text;
}

std::string rate_text(double rate) { return fixed(rate, rate < 10 ? 1 : 0) + " rec/s"; }

}  // namespace

void clear_live_line() {
  if (!line_is_live) return;
  std::fputs("\r\033[K", stdout);
  std::fflush(stdout);
  line_is_live = false;
}

std::string clock(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  const auto whole = static_cast<long>(std::llround(seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

std::string fixed(double value, int digits) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

void warn(std::string_view text) {
  clear_live_line();
  std::cout.flush();
  std::cerr << "ecg: warning: " << text << std::endl;
}

void say(std::string_view text) {
  clear_live_line();
  std::cout << text << std::endl;
}

void show_live(std::string_view text) {
  if (isatty(STDOUT_FILENO) != 1) return;
  std::fputs(("\r\033[K" + std::string(text.substr(0, terminal_width() - 1))).c_str(), stdout);
  std::fflush(stdout);
  line_is_live = true;
}

Progress::Progress(std::int64_t total_work) : live_(isatty(STDOUT_FILENO) == 1), left_(total_work) {}

Progress::~Progress() { clear_live_line(); }

void Progress::begin(const std::string& title, const std::string& kind, int epochs,
                     std::int64_t samples_per_epoch) {
  title_ = title;
  kind_ = kind;
  note_.clear();
  epochs_ = epochs;
  samples_per_epoch_ = samples_per_epoch;
  run_left_ = epochs * samples_per_epoch;
  in_epoch_ = 0;
  loss_sum_ = 0;
  begun_ = epoch_begun_ = Clock::now();
  if (!live_)
    say(title_ + ": " + std::to_string(epochs) + " epochs of " + std::to_string(samples_per_epoch) +
        " records");
}

void Progress::resume_at(int epochs_done) {
  run_left_ -= epochs_done * samples_per_epoch_;
  left_ -= epochs_done * samples_per_epoch_;
  if (epochs_done > 0) say(title_ + ": goes on after epoch " + std::to_string(epochs_done));
}

void Progress::batch(int epoch, std::int64_t samples, double loss) {
  in_epoch_ += samples;
  loss_sum_ += loss * static_cast<double>(samples);
  run_left_ -= samples;
  left_ -= samples;
  const auto now = Clock::now();
  const double spent = std::chrono::duration<double>(now - epoch_begun_).count();
  if (spent > 0) rate_[kind_] = static_cast<double>(in_epoch_) / spent;
  if (live_ && now - drawn_ > std::chrono::milliseconds(100))
    draw(epoch, loss_sum_ / static_cast<double>(in_epoch_));
}

void Progress::epoch(int epoch, double loss, const std::string& note, double seconds) {
  if (seconds > 0) rate_[kind_] = static_cast<double>(samples_per_epoch_) / seconds;
  in_epoch_ = 0;
  loss_sum_ = 0;
  epoch_begun_ = Clock::now();
  note_ = note;
  if (live_) {
    draw(epoch, loss);
  } else {
    say("  epoch " + std::to_string(epoch) + '/' + std::to_string(epochs_) + "  loss " + fixed(loss, 4) +
        "  " + note + "  " + rate_text(rate_[kind_]) + "  left " + clock(left_all()));
  }
}

void Progress::end(const std::string& note) {
  const double spent = std::chrono::duration<double>(Clock::now() - begun_).count();
  if (live_)
    say(title_ + ": " + note + " in " + clock(spent));
  else
    say("  done in " + clock(spent) + ": " + note);
}

void Progress::skip(const std::string& title, const std::string& note, std::int64_t work) {
  left_ -= work;
  say(title + ": " + note);
}

double Progress::left_all() const {
  const auto rate = rate_.find(kind_);
  return rate == rate_.end() || rate->second <= 0 ? -1 : static_cast<double>(left_) / rate->second;
}

void Progress::draw(int epoch, double loss) {
  drawn_ = Clock::now();
  const double rate = rate_[kind_];
  const double share =
      samples_per_epoch_ > 0 && epochs_ > 0
          ? 1 - static_cast<double>(run_left_) / static_cast<double>(epochs_ * samples_per_epoch_)
          : 1;
  std::string tail =
      "  " + std::to_string(epoch) + '/' + std::to_string(epochs_) + "  loss " + fixed(loss, 3);
  if (!note_.empty()) tail += "  " + note_;
  tail += "  " + rate_text(rate) + "  left " + clock(rate > 0 ? static_cast<double>(run_left_) / rate : -1);
  if (left_ > run_left_) tail += ", all " + clock(left_all());
  const std::size_t width = terminal_width() - 1;
  const std::size_t used = title_.size() + 1 + tail.size();
  const int cells = used + 4 <= width ? static_cast<int>(std::min<std::size_t>(width - used, 24)) : 0;
  std::string line = title_ + ' ';
  if (cells > 0) line += bar(share, cells);
  // The bar's glyphs take three bytes and one column each; the rest is ASCII and may be cut.
  if (cells == 0)
    line = (title_ + tail).substr(0, width);
  else
    line += tail;
  std::fputs(("\r\033[K" + line).c_str(), stdout);
  std::fflush(stdout);
  line_is_live = true;
}

}  // namespace app
