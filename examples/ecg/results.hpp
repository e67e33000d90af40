// examples/ecg/results.hpp: a comparison as CSV, JSON, console table and sentences
#pragma once

#include <cordis/ecg/experiment_compare.hpp>
#include <string>
#include <vector>

#include "run_folder.hpp"

namespace app {

using cordis::ecg::Comparison;
using cordis::ecg::Contrast;

std::string results_csv(const Comparison& comparison);
std::string classes_csv(const Comparison& comparison, const std::vector<std::string>& classes);
std::string convergence_csv(const Comparison& comparison);
Json results_json(const Comparison& comparison, const std::vector<std::string>& classes);

// Models and training-set sizes in the order met.
std::vector<std::pair<std::string, int>> groups_of(const Comparison& comparison);

// "0.812 ± 0.014"; the spread is left out where there is one value.
std::string plus_minus(const cordis::Spread& spread, int digits = 3);
// "+0.021 [-0.010, +0.052]"
std::string interval_text(const cordis::Interval& interval, int digits = 3);
std::string signed_text(double value, int digits = 3);
const char* title_of(cordis::ecg::Moment moment);
const char* title_of(cordis::Metric metric);

// The table that ends a run on the console.
std::string results_table(const Comparison& comparison, const std::string& model, int size);

// What the numbers allow to be said about a model at a size, a few sentences.
struct Verdict {
  std::string model;
  int size = 0;
  std::string answer;  // "better", "worse" or "not decided": one line
  std::vector<std::string> reasons;
};
Verdict verdict(const Comparison& comparison, const std::string& model, int size);

}  // namespace app
