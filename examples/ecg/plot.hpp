// examples/ecg/plot.hpp: line plots as SVG, drawn by gnuplot
#pragma once

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace app {

// What a line stands for; each look has its own dash, marker and colour, so that grey prints stay readable.
enum class Look { pretrained, random, reference, third };

struct Line {
  std::string title;  // empty: left out of the key
  Look look = Look::pretrained;
  bool faint = false;  // a single seed behind the mean: thin and without markers
  bool joined = true;  // else points alone
  std::vector<double> x = {}, y = {};
  std::vector<double> low = {}, high = {};  // error bars; empty: none
};

struct Plot {
  std::string name;  // of the files: NAME.gp and NAME.svg
  std::string title, x_label, y_label;
  std::vector<Line> lines = {};
  std::vector<double> ticks = {};        // on a logarithmic x axis; empty: epochs from 1
  std::vector<std::string> labels = {};  // of x = 1, 2, ..., which then runs downwards
  int width = 460, height = 320;
  bool from_zero =
      false;  // the y axis begins at zero and is open above; else it lies within [0, 1], as scores do
  bool differences = false;  // the y axis is open on both sides, with a line at zero
};

// Writes folder/NAME.gp and the numbers as folder/NAME.csv, runs gnuplot on it and returns the SVG (also
// folder/NAME.svg), fit to stand inside HTML. Nothing where no gnuplot can be started; throws IoError where
// gnuplot fails.
std::optional<std::string> draw(const Plot& plot, const std::filesystem::path& folder);

}  // namespace app
