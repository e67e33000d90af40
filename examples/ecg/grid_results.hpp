// examples/ecg/grid_results.hpp: what a grid's finished cells say: tables, paired differences, claims
#pragma once

#include <cordis/ecg/claims.hpp>

#include "grid_folder.hpp"
#include "results.hpp"

namespace app {

// A finished downstream cell.
struct GridCellResult {
  Cell cell;
  std::string upstream;  // the set that its weights come from; empty: random ones
  cordis::ecg::CellResult result;
  std::vector<double> seconds;  // by epoch
  std::size_t training = 0;     // records
};

// One group of pairs at one moment in one metric.
struct GridContrast : cordis::ecg::Contrast {
  std::size_t group = 0;
  cordis::Interval pretrained_interval = {}, random_interval = {};       // of the means, over seeds and test records
  double p = cordis::kUndefined, p_holm = cordis::kUndefined;  // adjusted over the groups
};

struct GridResults {
  std::vector<GridCellResult> cells;
  std::vector<cordis::ecg::GridGroup> groups;
  std::vector<GridContrast> contrasts;
  std::map<cordis::Metric, std::vector<cordis::ecg::Claim>> claims;
  std::map<std::string, std::vector<std::string>> classes;  // of each data set
  std::size_t finished = 0, planned = 0;
};

inline constexpr std::array<cordis::Metric, 4> kGridMetrics = {
    cordis::Metric::f1_weighted, cordis::Metric::f1_macro, cordis::Metric::auroc,
    cordis::Metric::average_precision};

// Of the cells that are finished now; pairs of which one is missing are left out.
GridResults read_results(const GridFolder& folder, double small);

std::string cells_csv(const GridResults& results);
std::string contrasts_csv(const GridResults& results);
std::string grid_classes_csv(const GridResults& results);
std::string speed_csv(const GridResults& results);
Json claims_json(const GridResults& results);
// Whether the cell is one of the group's: of its random ones, or of those from its upstream set.
bool is_of(const GridCellResult& cell, const cordis::ecg::GridGroup& group, bool pretrained);
// "ludb, resnet1d18 from ptb-xl, 40 records"
std::string title_of(const cordis::ecg::GridGroup& group);

}  // namespace app
