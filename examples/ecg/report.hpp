// examples/ecg/report.hpp: report.html, one file that needs nothing else
#pragma once

#include <cordis/ecg/experiment_compare.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "results.hpp"
#include "run_folder.hpp"

namespace app {

// Label counts of one data set by the part its records play.
struct DataSection {
  std::string title;  // "Downstream: LUDB"
  std::vector<std::string> classes;
  struct Part {
    std::string name;  // "training"
    std::size_t records = 0;
    std::vector<std::size_t> positives;  // by class
  };
  std::vector<Part> parts;
  struct Step {
    std::string name;
    std::size_t left = 0;  // records after it
  };
  std::vector<Step> steps;
  std::vector<std::pair<std::string, std::string>> dropped;  // record, reason
  std::vector<std::string> notes;                            // checksums that differ, unknown codes
};

// A single training: upstream, or the only one of `pretrain` and `train`.
struct SingleRun {
  std::string model, init;
  std::vector<cordis::ecg::EpochRow> epochs;
  std::vector<double> seconds;  // by epoch
};

struct CellTime {
  cordis::ecg::CellKey key;
  std::vector<double> seconds;  // by epoch
};

struct CompareReport {
  Json config;
  std::string upstream_name, downstream_name;
  std::vector<DataSection> data;
  std::vector<SingleRun> upstream;
  std::vector<cordis::ecg::CellResult> cells;
  std::vector<CellTime> times;
  Comparison comparison;
  std::vector<std::string> warnings;
};

// Drawings go to folder/plots, where their gnuplot scripts stay for those who want other ones.
std::string compare_report(const CompareReport& report, const std::filesystem::path& folder);

struct TrainReport {
  std::string title;
  Json config;
  std::vector<DataSection> data;
  SingleRun run;
  cordis::ecg::CellResult result;
  std::vector<std::string> warnings;
};
std::string train_report(const TrainReport& report, const std::filesystem::path& folder);

}  // namespace app
