// examples/ecg/drawings.cpp: what the plots of reports share: curves over epochs, figures that have something
// to show
#include "drawings.hpp"

#include <algorithm>
#include <cmath>
#include <cordis/train/statistics.hpp>

namespace app {

void add_curves(Plot& plot, const std::string& title, Look look, const std::vector<const Epochs*>& runs,
                const EpochValue& value) {
  std::size_t longest = 0;
  for (const auto* rows : runs) longest = std::max(longest, rows->size());
  Line mean{.title = title, .look = look};
  for (std::size_t e = 0; e < longest; ++e) {
    std::vector<double> at;
    for (const auto* rows : runs)
      if (e < rows->size()) at.push_back(value((*rows)[e]));
    mean.x.push_back(static_cast<double>(e + 1));
    mean.y.push_back(cordis::spread(at).mean);
  }
  if (runs.size() > 1)
    for (const auto* rows : runs) {
      Line line{.title = "", .look = look, .faint = true};
      for (const auto& row : *rows) {
        line.x.push_back(row.epoch);
        line.y.push_back(value(row));
      }
      plot.lines.insert(plot.lines.begin(), std::move(line));
    }
  plot.lines.push_back(std::move(mean));
}

void add_level(Plot& plot, const std::string& title, double y, double last) {
  if (!std::isnan(y))
    plot.lines.push_back({.title = title, .look = Look::reference, .x = {1, last}, .y = {y, y}});
}

void Drawings::add(Plot plot, const std::string& caption) {
  std::erase_if(plot.lines, [](const Line& line) {
    return std::ranges::none_of(line.y, [](double y) { return std::isfinite(y); });
  });
  if (missing_ || plot.lines.empty()) return;
  if (auto svg = draw(plot, folder_))
    figures_.push_back({std::move(*svg), caption});
  else
    missing_ = true;
}

void Drawings::put(Html& html) {
  if (missing_) {
    html.paragraph(
        "No curves: gnuplot could not be started. The numbers are in the epochs.csv files; install "
        "gnuplot (Debian: gnuplot-nox) and run the same command again for a report with curves.",
        "warn");
  } else if (!figures_.empty()) {
    html.figures(figures_);
  }
  figures_.clear();
}

}  // namespace app
