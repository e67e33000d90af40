// examples/ecg/grid_results.cpp: what a grid's finished cells say: tables, paired differences, claims
#include "grid_results.hpp"

#include <algorithm>
#include <cordis/ecg/experiment.hpp>
#include <cordis/models/any_model.hpp>
#include <cordis/nn/module.hpp>
#include <limits>
#include <tuple>

#include "console.hpp"
#include "grid_cell.hpp"
#include "results.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using cordis::Metric;
using cordis::Scorer;
using cordis::ecg::CsvTable;
using cordis::ecg::exact;
using cordis::ecg::GridGroup;
using cordis::ecg::Moment;

// Class names as a cell's predictions.csv has them: y_NAME.
std::vector<std::string> classes_in(const CsvTable& table) {
  std::vector<std::string> classes;
  for (const auto& column : table.columns)
    if (column.starts_with("y_")) classes.push_back(column.substr(2));
  return classes;
}

GridCellResult read_one(const GridFolder& folder, const Cell& cell) {
  const fs::path path = folder.folder_of(cell.id);
  GridCellResult out{.cell = cell, .upstream = {}, .result = {}, .seconds = {}};
  if (cell.pretrained()) out.upstream = folder.cell(cell.init).data;
  const auto classes = classes_in(cordis::ecg::read_csv(path / cordis::ecg::kPredictionsFile));
  if (classes.empty())
    throw IoError(concat((path / cordis::ecg::kPredictionsFile).string(), ":1: no column y_CLASS"));
  out.result = cordis::ecg::read_cell(path,
                                      {.model = cell.model,
                                       .size = cell.size,
                                       .fold = cell.fold,
                                       .seed = cell.seed,
                                       .pretrained = cell.pretrained()},
                                      classes);
  out.seconds = cordis::ecg::parse_timing(cordis::ecg::read_csv(path / cordis::ecg::kTimingFile));
  const CsvTable parts = cordis::ecg::read_csv(path / kPartsFile);
  const std::size_t record = parts.column("record"), patient = parts.column("patient"),
                    part = parts.column("part");
  std::map<std::string, std::string> patient_of;
  for (const auto& row : parts.rows) {
    out.training += row[part] == "training";
    if (row[part] == "test" && !row[patient].empty()) patient_of[row[record]] = row[patient];
  }
  if (patient_of.empty()) return out;
  std::map<std::string, int> number;
  for (const auto& name : out.result.test.records) {
    const auto found = patient_of.find(name);
    const std::string who = found == patient_of.end() ? "record " + name : "patient " + found->second;
    out.result.patients.push_back(number.emplace(who, static_cast<int>(number.size())).first->second);
  }
  return out;
}

// Share of a network's weights that does not belong to the top layer.
double transferred_share(const Grid& grid, const Cell& cell, std::size_t classes) {
  const auto model = cordis::make_model(
      cell.model, model_options(net_of(grid, cell), data_of(grid, cell.data).signal, classes));
  const std::string head = cordis::head_prefix(cell.model);
  double all = 0, top = 0;
  for (const auto& [name, variable] : cordis::named_parameters(model)) {
    all += static_cast<double>(variable.value().numel());
    if (name.starts_with(head)) top += static_cast<double>(variable.value().numel());
  }
  return 1 - top / all;
}

// A group, and what it is made of.
struct PairedGroup {
  GridGroup group;
  std::vector<cordis::ecg::CellPair> pairs;
};

// In the order of the grid's data, networks, heads and upstream sets, then by size, all records last.
void sort_groups(std::vector<PairedGroup>& groups, const Grid& grid) {
  const auto place = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) - names.begin();
  };
  std::ranges::stable_sort(groups, {}, [&](const PairedGroup& each) {
    const GridGroup& g = each.group;
    return std::tuple(place(grid.downstream, g.data), place(grid.models, g.model), place(grid.heads, g.head),
                      place(grid.upstream, g.upstream),
                      g.size > 0 ? g.size : std::numeric_limits<int>::max());
  });
}

std::vector<PairedGroup> pair_up(const GridFolder& folder, const GridResults& results) {
  std::vector<PairedGroup> groups;
  for (const auto& a : results.cells) {
    if (!a.cell.pretrained()) continue;
    const auto partner = std::ranges::find_if(results.cells, [&](const GridCellResult& b) {
      return !b.cell.pretrained() && b.cell.data == a.cell.data && b.cell.model == a.cell.model &&
             b.cell.head == a.cell.head && b.cell.size == a.cell.size && b.cell.fold == a.cell.fold &&
             b.cell.seed == a.cell.seed;
    });
    if (partner == results.cells.end()) continue;
    if (partner->result.test.records != a.result.test.records)
      throw IoError(
          concat("cells ", a.cell.id, " and ", partner->cell.id, " were tested on different records"));
    auto at = std::ranges::find_if(groups, [&](const PairedGroup& g) { return is_of(a, g.group, true); });
    if (at == groups.end()) {
      groups.push_back(
          {{.data = a.cell.data,
            .upstream = a.upstream,
            .model = a.cell.model,
            .head = a.cell.head,
            .size = a.cell.size,
            .transferred = transferred_share(folder.grid(), a.cell, a.result.test.classes.size()),
            .recurrent = is_recurrent(a.cell.model),
            .convergence = {}},
           {}});
      at = groups.end() - 1;
    }
    at->pairs.emplace_back(&a.result, &partner->result);
    at->group.records += static_cast<double>(a.training);
  }
  sort_groups(groups, folder.grid());
  for (auto& [group, pairs] : groups) {
    group.records /= static_cast<double>(pairs.size());
    for (const auto& pair : pairs)
      for (const Metric metric : cordis::kMetrics)
        group.convergence.push_back(cordis::ecg::convergence(pair, metric));
  }
  return groups;
}

std::string group_fields(const GridGroup& g) {
  return concat(g.data, ',', g.model, ',', g.head, ',', g.upstream, ',', g.size, ',', exact(g.records));
}
constexpr const char* kGroupHeader = "data,model,head,upstream,size,training_records";

Json interval_json(const cordis::Interval& interval) {
  return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high}};
}

}  // namespace

bool is_of(const GridCellResult& each, const GridGroup& group, bool pretrained) {
  const Cell& cell = each.cell;
  return cell.data == group.data && cell.model == group.model && cell.head == group.head &&
         cell.size == group.size && (pretrained ? each.upstream == group.upstream : !cell.pretrained());
}

std::string title_of(const GridGroup& g) {
  return concat(g.data, ", ", g.model, g.head == "flatten" ? "" : " (" + g.head + " head)", " from ",
                g.upstream, g.size > 0 ? concat(", ", g.size, " records") : "");
}

GridResults read_results(const GridFolder& folder, double small) {
  GridResults results;
  const Grid& grid = folder.grid();
  for (const Cell& cell : folder.cells()) {
    ++results.planned;
    if (!folder.finished(cell.id)) continue;
    ++results.finished;
    if (cell.upstream) continue;
    results.cells.push_back(read_one(folder, cell));
    const auto& classes = results.cells.back().result.test.classes;
    const auto known = results.classes.emplace(cell.data, classes).first;
    if (known->second != classes)
      throw IoError(
          concat("cell ", cell.id, ": its classes are not those of the other cells on ", cell.data));
  }
  const auto paired = pair_up(folder, results);
  for (const auto& each : paired) results.groups.push_back(each.group);
  const auto seed = static_cast<std::uint64_t>(1);
  for (const Metric metric : kGridMetrics)
    for (const Moment moment : cordis::ecg::kContrastMoments) {
      // No epoch was chosen by average precision or macro F1 on the test records.
      if (moment == Moment::best && metric != Metric::f1_weighted && metric != Metric::auroc) continue;
      std::vector<cordis::PairGroup> drawn;
      std::vector<std::size_t> which;
      for (std::size_t g = 0; g < paired.size(); ++g)
        if (auto scores = cordis::ecg::scored(paired[g].pairs, moment, metric); !scores.empty()) {
          which.push_back(g);
          drawn.push_back({results.groups[g].data, std::move(scores)});
        }
      if (which.empty()) continue;
      const auto differences = cordis::group_differences(drawn, metric, grid.resamples, seed);
      std::vector<double> p;
      for (std::size_t i = 0; i < which.size(); ++i) {
        const auto one = [i](const std::vector<double>& groups) { return groups[i]; };
        GridContrast c{cordis::ecg::side_by_side(paired[which[i]].pairs, drawn[i].pairs, moment, metric),
                       which[i]};
        c.difference = cordis::interval_of(differences, one);
        c.pretrained_interval = cordis::interval_of(differences.first, one);
        c.random_interval = cordis::interval_of(differences.second, one);
        c.p = cordis::p_value_of(differences, one);
        p.push_back(c.p);
        results.contrasts.push_back(std::move(c));
      }
      const auto adjusted = cordis::holm(p);
      for (std::size_t i = 0; i < which.size(); ++i)
        results.contrasts[results.contrasts.size() - which.size() + i].p_holm = adjusted[i];
      if (moment == Moment::last && (metric == Metric::f1_weighted || metric == Metric::auroc))
        results.claims[metric] = cordis::ecg::claims_of(
            results.groups, differences, grid.down.epochs,
            {.metric = metric, .small = small, .resamples = grid.resamples, .seed = seed});
    }
  return results;
}

std::string cells_csv(const GridResults& results) {
  std::string text = "cell,data,model,head,init,size,training_records,fold,seed,moment,epoch";
  for (const Metric metric : kGridMetrics) text += concat(',', cordis::name_of(metric));
  text += '\n';
  for (const auto& each : results.cells) {
    const Cell& cell = each.cell;
    const std::size_t classes = each.result.test.classes.size();
    for (const auto& prediction : each.result.predictions) {
      const Scorer scorer(prediction.probability, each.result.test.truth, classes);
      text += concat(cell.id, ',', cell.data, ',', cell.model, ',', cell.head, ',', cell.init, ',', cell.size,
                     ',', each.training, ',', cell.fold, ',', cell.seed, ',', prediction.at, ',',
                     prediction.epoch);
      for (const Metric metric : kGridMetrics) text += ',' + exact(scorer(metric));
      text += '\n';
    }
  }
  return text;
}

std::string contrasts_csv(const GridResults& results) {
  std::string text =
      concat(kGroupHeader,
             ",moment,metric,pairs,pretrained,pretrained_sd,pretrained_low,pretrained_high,random,random_sd,"
             "random_low,random_high,floor,difference,low,high,p,p_holm\n");
  for (const auto& c : results.contrasts) {
    text += concat(group_fields(results.groups[c.group]), ',', name_of(c.moment), ',',
                   cordis::name_of(c.metric), ',', c.pretrained.count);
    for (const auto& [spread, interval] :
         {std::pair(c.pretrained, c.pretrained_interval), std::pair(c.random, c.random_interval)})
      for (const double value : {spread.mean, spread.deviation, interval.low, interval.high})
        text += ',' + exact(value);
    for (const double value :
         {c.floor, c.difference.mean, c.difference.low, c.difference.high, c.p, c.p_holm})
      text += ',' + exact(value);
    text += '\n';
  }
  return text;
}

std::string grid_classes_csv(const GridResults& results) {
  std::string text = concat(kGroupHeader, ",moment,metric,class,pretrained,pretrained_sd,random,random_sd\n");
  for (const auto& c : results.contrasts) {
    const auto& group = results.groups[c.group];
    const auto& classes = results.classes.at(group.data);
    for (std::size_t k = 0; k < classes.size(); ++k)
      text += concat(group_fields(group), ',', name_of(c.moment), ',', cordis::name_of(c.metric), ',',
                     cordis::ecg::csv_field(classes[k]), ',', exact(c.class_pretrained[k].mean), ',',
                     exact(c.class_pretrained[k].deviation), ',', exact(c.class_random[k].mean), ',',
                     exact(c.class_random[k].deviation), '\n');
  }
  return text;
}

std::string speed_csv(const GridResults& results) {
  std::string text = concat(kGroupHeader, ",fold,seed,metric,target,random_epochs,pretrained_epochs\n");
  for (const auto& group : results.groups)
    for (const auto& c : group.convergence)
      text += concat(group_fields(group), ',', c.fold, ',', c.seed, ',', cordis::name_of(c.metric), ',',
                     exact(c.target), ',', c.random_epochs, ',',
                     c.pretrained_epochs > 0 ? concat(c.pretrained_epochs) : "", '\n');
  return text;
}

Json claims_json(const GridResults& results) {
  Json json = {{"finished", results.finished}, {"planned", results.planned}};
  for (const auto& [metric, claims] : results.claims)
    for (const auto& claim : claims)
      json["claims"][cordis::name_of(metric)].push_back({{"number", claim.number},
                                                         {"claim", claim.text},
                                                         {"verdict", cordis::ecg::name_of(claim.verdict)},
                                                         {"measure", claim.measure},
                                                         {"value", interval_json(claim.value)},
                                                         {"remark", claim.reason}});
  return json;
}

}  // namespace app
