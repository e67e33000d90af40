// examples/ecg/plot.cpp: line plots as SVG, drawn by gnuplot
#include "plot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cordis/config.hpp>
#include <cordis/ecg/experiment_record.hpp>
#include <cordis/io/atomic_file.hpp>
#include <cstring>
#include <string_view>

extern char** environ;

namespace app {
namespace {

namespace fs = std::filesystem;

struct Style {
  const char* dash;
  const char* colour;
  const char* faint;
  int point;  // gnuplot's svg terminal: 7 filled circle, 8 open triangle, 4 open square
};

Style style_of(Look look) {
  switch (look) {
    case Look::pretrained:
      return {"solid", "#0b4f8a", "#9fc0dd", 7};
    case Look::random:
      return {"(9,5)", "#b5490b", "#e8bfa4", 8};
    case Look::third:
      return {"(14,4,3,4)", "#3c7a3c", "#b5d6b5", 4};
    case Look::reference:
      break;
  }
  return {"(2,4)", "#555555", "#bbbbbb", 0};
}

// A gnuplot string in double quotes; braces and such are plain text since enhanced mode is off.
std::string in_quotes(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

std::string script_of(const Plot& plot) {
  cordis::TextStream out;
  out.precision(10);
  std::string identifier = plot.name;  // of the elements, which share one page
  for (char& c : identifier)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  out << "set terminal svg size " << plot.width << ',' << plot.height << " noenhanced name \"" << identifier
      << "\" font \"Helvetica,Arial,sans-serif,12\" linewidth 1\n"
      << "set encoding utf8\nset pointintervalbox 0.8\nset format y '%.2f'\n"
      << "set border 3 lc rgb '#444444'\nset tics nomirror out scale 0.6\n"
      << "set grid ytics lc rgb '#dddddd' lt 1 lw 0.6\nset offsets 0, 0, graph 0.05, "
      << (plot.differences ? "graph 0.05\nset xzeroaxis lc rgb '#444444' lw 1\n"
          : plot.from_zero ? "0\nset yrange [0:*]\n"
                           : "graph 0.05\nset yrange [0<*:*<1]\n")
      << "set title " << in_quotes(plot.title) << "\nset xlabel " << in_quotes(plot.x_label)
      << "\nset ylabel " << in_quotes(plot.y_label)
      << "\nset key tmargin center horizontal samplen 5 spacing 1.1 width 0\n";
  if (!plot.labels.empty()) {
    double low = 0, high = 0;
    for (const Line& line : plot.lines)
      for (std::size_t k = 0; k < line.low.size(); ++k) {
        if (std::isfinite(line.low[k])) low = std::min(low, line.low[k]);
        if (std::isfinite(line.high[k])) high = std::max(high, line.high[k]);
      }
    double step = 0.01;  // at most seven numbers under the axis
    for (const double wider : {0.02, 0.05, 0.1, 0.2, 0.5})
      if ((high - low) / step > 6) step = wider;
    std::size_t longest = 0;
    for (const auto& label : plot.labels) longest = std::max(longest, label.size());
    out << "set lmargin "
        << 0.85 * static_cast<double>(longest) + 2  // letters are narrower than gnuplot takes them for
        << "\nset xtics " << step << "\nset ytics (";
    for (std::size_t i = 0; i < plot.labels.size(); ++i)
      out << (i ? ", " : "") << in_quotes(plot.labels[i]) << ' ' << i + 1;
    out << ")\nset yrange [" << static_cast<double>(plot.labels.size()) + 0.6
        << ":0.4]\nset format x '%.2f'\nunset grid\nset grid xtics lc rgb '#dddddd' lt 1 lw 0.6\n"
        << "unset xzeroaxis\nset yzeroaxis lc rgb '#444444' lw 1\nset offsets 0, 0, 0, 0\n";
  } else if (plot.ticks.empty()) {
    double last = 1;
    for (const Line& line : plot.lines)
      for (const double x : line.x) last = std::max(last, x);
    out << "set xrange [0.5:" << last + 0.5 << "]\n";
  } else {
    out << "set logscale x\nset xtics (";
    for (std::size_t i = 0; i < plot.ticks.size(); ++i) out << (i ? ", " : "") << plot.ticks[i];
    out << ")\nset xrange [" << plot.ticks.front() * 0.88 << ':' << plot.ticks.back() * 1.14 << "]\n";
  }
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const Line& line = plot.lines[i];
    out << "$d" << i << " << EOD\n";
    for (std::size_t k = 0; k < line.x.size(); ++k) {
      if (!std::isfinite(line.y[k])) {
        out << '\n';
        continue;
      }
      out << line.x[k] << ' ' << line.y[k];
      if (!line.low.empty()) out << ' ' << line.low[k] << ' ' << line.high[k];
      out << '\n';
    }
    out << "EOD\n";
  }
  out << "plot ";
  bool first = true;
  const auto next = [&] {
    if (!first) out << ", \\\n  ";
    first = false;
  };
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const Line& line = plot.lines[i];
    const Style style = style_of(line.look);
    if (!line.low.empty()) {
      next();
      out << "$d" << i
          << (plot.labels.empty() ? " using 1:2:3:4 with yerrorbars" : " using 2:1:3:4 with xerrorbars")
          << " lt 1 lw 1.2 lc rgb '" << style.colour << "' pt " << style.point << " ps 0.1 notitle";
    }
    next();
    const bool markers = !line.faint && style.point != 0;
    const char* const how = !line.joined ? "points" : markers ? "linespoints" : "lines";
    out << "$d" << i << (plot.labels.empty() ? " using 1:2 with " : " using 2:1 with ") << how
        << (line.joined ? std::string(" dt ") + style.dash : "") << " lw "
        << (line.faint         ? "0.8"
            : style.point == 0 ? "1.4"
                               : "2")
        << " lc rgb '" << (line.faint ? style.faint : style.colour) << '\'';
    if (markers) out << " pt " << style.point << " pi -1 ps " << (style.point == 7 ? "0.5" : "0.75");
    out << (line.title.empty() ? std::string(" notitle") : " title " + in_quotes(line.title));
  }
  out << '\n';
  return out.str();
}

std::string numbers_of(const Plot& plot) {
  std::string text = plot.labels.empty() ? "line,x,y,low,high\n" : "line,label,y,low,high\n";
  using cordis::ecg::csv_field;
  using cordis::ecg::exact;
  for (const Line& line : plot.lines)
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      const auto name = static_cast<std::size_t>(line.x[i]) - 1;
      text += cordis::concat(csv_field(line.title), ',',
                             name < plot.labels.size() ? csv_field(plot.labels[name]) : exact(line.x[i]), ',',
                             exact(line.y[i]), ',', line.low.empty() ? "" : exact(line.low[i]), ',',
                             line.low.empty() ? "" : exact(line.high[i]), '\n');
    }
  return text;
}

// Runs gnuplot on the script with its output in `svg` and its complaints in `log`. False where there is none.
bool run_gnuplot(const fs::path& script, const fs::path& svg, const fs::path& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, svg.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  std::string program = "gnuplot", file = script.string();
  char* arguments[] = {program.data(), file.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT || error == EACCES) return false;
  if (error != 0) throw cordis::IoError(cordis::concat("gnuplot: ", std::strerror(error)));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return false;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string text = cordis::read_file(log);
    std::string_view last;
    for (std::string_view rest = text; !rest.empty();) {
      const auto line = rest.substr(0, rest.find('\n'));
      if (line.find_first_not_of(" ^") != line.npos) last = line;
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    }
    throw cordis::IoError(cordis::concat("gnuplot failed on ", script.string(), ": ", last));
  }
  return true;
}

// Of a file that is needed for a moment.
struct Remover {
  const fs::path& file;
  ~Remover() {
    std::error_code ignored;
    fs::remove(file, ignored);
  }
};

}  // namespace

std::optional<std::string> draw(const Plot& plot, const fs::path& folder) {
  fs::create_directories(folder);
  const fs::path script = folder / (plot.name + ".gp"), half = folder / (plot.name + ".svg.tmp"),
                 log = folder / (plot.name + ".log");
  cordis::atomic_write(script, script_of(plot));
  cordis::atomic_write(folder / (plot.name + ".csv"), numbers_of(plot));
  const Remover remove_half{half}, remove_log{log};
  if (!run_gnuplot(script, half, log)) return std::nullopt;
  const std::string text = cordis::read_file(half);
  const auto begin = text.find("<svg"), end = text.rfind("</svg>");
  if (begin == text.npos || end == text.npos)
    throw cordis::IoError(cordis::concat(half.string(), ": gnuplot wrote no whole <svg> element in ",
                                         text.size(), " bytes; is the disk full?"));
  fs::rename(half, folder / (plot.name + ".svg"));
  return text.substr(begin);
}

}  // namespace app
