// examples/ecg/grid.cpp: a study as a grid of trainings: what is asked for, and the cells that answer it
#include "grid.hpp"

#include <algorithm>
#include <set>

#include "options_json.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using cordis::ecg::join;
using Names = std::vector<std::string>;

// Names become folders.
void check_name(const std::string& name, const std::string& where, std::size_t most = 60) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (name.empty() || name[0] == '.' || name.size() > most || !std::ranges::all_of(name, plain))
    throw IoError(concat(where, ": the name \"", name,
                         "\" cannot be a folder's; letters, digits, '-', '_' and '.' are wanted, at most ",
                         most));
}

Names names_of(const std::vector<GridData>& data) {
  Names names;
  for (const auto& each : data) names.push_back(each.name);
  return names;
}

template <class Choices>
Names keys_of(const Choices& choices) {
  Names names;
  for (const auto& [name, value] : choices) names.emplace_back(name);
  return names;
}

GridData parse_data(const std::string& name, const Json& json, const std::string& where, const fs::path& root,
                    const GridData& defaults) {
  check_name(name, where);
  GridData data = defaults;
  data.name = name;
  JsonReader reader(json, concat(where, ": data ", name));
  read_set(reader, data.set);
  for (auto& folder : data.set.folders) folder = fs::absolute(root / folder).lexically_normal().string();
  read_signal(reader, data.signal);
  cordis::ecg::check_options(data.signal);
  read_split(reader, data.split);
  if (data.split.kind == "folds" && data.split.folds > 1)
    reader.refuse("folds", "1 with the publishers' folds (split \"folds\")");
  reader.name("upstream-records", data.upstream_records, {"training", "all"});
  reader.name("upstream-weights", data.upstream_weights, {"last", "selected", "best"});
  if (data.upstream_records == "all" && data.upstream_weights != "last")
    reader.refuse("upstream-weights", "\"last\" where all records train");
  reader.finish();
  return data;
}

GridSweep parse_sweep(const Json& json, const std::string& where, const Grid& grid) {
  GridSweep sweep{grid.models, grid.upstream, grid.downstream, {}};
  JsonReader reader(json, where);
  reader.names("models", sweep.models, grid.models);
  reader.names("upstream", sweep.upstream, grid.upstream);
  reader.names("downstream", sweep.downstream, grid.downstream);
  reader.wholes("sizes", sweep.sizes, 2, 10000000);
  if (sweep.sizes.empty()) reader.refuse("sizes", "a list of at least one size");
  std::ranges::sort(sweep.sizes);
  reader.finish();
  return sweep;
}

// The study's or this program's.
void apply_protocol(Grid& grid, GridData& data, const std::string& protocol) {
  CompareOptions options;
  options.signal = default_signal();
  if (protocol == "study") apply_study(options);
  grid.up = options.up;
  grid.down = options.down;
  data.signal = options.signal;
  data.split = options.split;
}

Names heads_for(const Grid& grid, const std::string& model) {
  return is_recurrent(model) ? grid.heads : Names{"flatten"};
}

// "ludb-lstm-mean"
std::string stem_of(const std::string& data, const std::string& model, const std::string& head) {
  return concat(data, '-', model, head == "flatten" ? "" : "-" + head);
}

Cell upstream_cell(const std::string& data, const std::string& model, const std::string& head, int seed) {
  return {.id = concat("up-", stem_of(data, model, head), "-seed", seed),
          .upstream = true,
          .data = data,
          .model = model,
          .head = head,
          .init = "random",
          .seed = seed};
}

int upstream_seed(const Grid& grid, int seed) {
  return grid.upstream_seeds == 0 ? seed : grid.first_seed + (seed - grid.first_seed) % grid.upstream_seeds;
}

void add(std::vector<Cell>& cells, Cell cell) {
  if (cells.size() == kMostCells)
    throw IoError(concat("the grid asks for more than ", kMostCells, " cells: ", cell.id, " and on"));
  cells.push_back(std::move(cell));
}

// The downstream cells of one network on one set at one size, from `from` or random weights.
void add_downstream(std::vector<Cell>& cells, const Grid& grid, const std::string& model,
                    const std::string& data, const std::string& from, int size) {
  for (const auto& head : heads_for(grid, model))
    for (int fold = 0; fold < data_of(grid, data).split.folds; ++fold)
      for (int seed = grid.first_seed; seed < grid.first_seed + grid.seeds; ++seed) {
        Cell cell{
            .id = concat(stem_of(data, model, head), from.empty() ? "-random" : "-from-" + from,
                         size > 0 ? concat("-n", size) : "",
                         data_of(grid, data).split.folds > 1 ? concat("-fold", fold) : "", "-seed", seed),
            .data = data,
            .model = model,
            .head = head,
            .init = "random",
            .seed = seed,
            .size = size,
            .fold = fold};
        if (!from.empty()) cell.init = upstream_cell(from, model, head, upstream_seed(grid, seed)).id;
        add(cells, std::move(cell));
      }
}

}  // namespace

bool is_recurrent(const std::string& model) { return !model.starts_with("resnet"); }

NetOptions net_of(const Grid& grid, const Cell& cell) {
  NetOptions net = grid.net;
  for (const auto& [name, head] : cordis::ecg::kHeads)
    if (name == cell.head) net.head = head;
  return net;
}

const GridData& data_of(const Grid& grid, const std::string& name) {
  const auto found = std::ranges::find(grid.data, name, &GridData::name);
  CORDIS_CHECK(found != grid.data.end(), "[grid] there is no data set ", name);
  return *found;
}

Grid parse_grid(const Json& json, const std::string& where, const fs::path& root) {
  Grid grid;
  GridData defaults;
  JsonReader reader(json, where);
  std::string protocol = "default";
  reader.name("protocol", protocol, {"default", "study"});
  apply_protocol(grid, defaults, protocol);
  const Json& sets = reader.at("data");
  if (!sets.is_object() || sets.empty()) reader.refuse("data", "an object of at least one data set");
  for (const auto& [name, set] : sets.items())
    grid.data.push_back(parse_data(name, set, where, root, defaults));
  reader.at("models");
  reader.names("models", grid.models, cordis::model_names());
  reader.names("upstream", grid.upstream, names_of(grid.data));
  reader.at("downstream");
  reader.names("downstream", grid.downstream, names_of(grid.data));
  for (const char* key : {"models", "downstream"})
    if ((std::string(key) == "models" ? grid.models : grid.downstream).empty())
      reader.refuse(key, "a list of at least one name");
  reader.names("heads", grid.heads, keys_of(cordis::ecg::kHeads));
  if (grid.heads.empty()) reader.refuse("heads", "a list of at least one name");
  reader.whole("seeds", grid.seeds, 1, 1000);
  reader.whole("first-seed", grid.first_seed, 0, 2147480000);
  reader.whole("upstream-seeds", grid.upstream_seeds, 0, 1000);
  for (auto& [key, fit] : {std::pair<const char*, FitOptions&>{"up", grid.up}, {"down", grid.down}})
    if (reader.has(key)) {
      JsonReader inner(reader.at(key), reader.where(key));
      read_fit(inner, fit);
      inner.finish();
    }
  if (reader.has("net")) {
    JsonReader inner(reader.at("net"), reader.where("net"));
    read_net(inner, grid.net);
    if (inner.has("head")) inner.refuse("head", "the grid's own key \"heads\"");
    inner.finish();
  }
  if (reader.has("sweeps")) {
    const Json& list = reader.at("sweeps");
    if (!list.is_array()) reader.refuse("sweeps", "a list of objects");
    for (std::size_t i = 0; i < list.size(); ++i)
      grid.sweeps.push_back(parse_sweep(list[i], concat(reader.where("sweeps"), " ", i + 1), grid));
  }
  reader.whole("resamples", grid.resamples, 100, 1000000);
  grid.run.threads = 1;
  grid.run.keep = cordis::ecg::KeepWeights::none;
  reader.whole("threads", grid.run.threads, 1, 1024);
  reader.text("device", grid.run.device.name);
  reader.flag("tf32", grid.run.device.tf32);
  reader.real("checkpoint-seconds", grid.run.checkpoint_seconds, 0, 1e6);
  reader.choice("select", grid.run.select, kSelects);
  reader.choice("keep", grid.run.keep, kKeeps);
  reader.finish();
  return grid;
}

Json grid_json(const Grid& grid) {
  Json data = Json::object();
  for (const auto& each : grid.data) {
    Json& set = data[each.name];
    for (const Json& part : {set_json(each.set), signal_json(each.signal), split_json(each.split)})
      set.update(part);
    set["upstream-records"] = each.upstream_records;
    set["upstream-weights"] = each.upstream_weights;
  }
  Json net = net_json(grid.net);
  net.erase("head");
  Json sweeps = Json::array();
  for (const auto& sweep : grid.sweeps)
    sweeps.push_back({{"models", sweep.models},
                      {"upstream", sweep.upstream},
                      {"downstream", sweep.downstream},
                      {"sizes", sweep.sizes}});
  using cordis::ecg::choice_name;
  return {{"data", data},
          {"models", grid.models},
          {"upstream", grid.upstream},
          {"downstream", grid.downstream},
          {"heads", grid.heads},
          {"seeds", grid.seeds},
          {"first-seed", grid.first_seed},
          {"upstream-seeds", grid.upstream_seeds},
          {"up", fit_json(grid.up)},
          {"down", fit_json(grid.down)},
          {"net", net},
          {"sweeps", sweeps},
          {"resamples", grid.resamples},
          {"threads", grid.run.threads},
          {"device", grid.run.device.name},
          {"tf32", grid.run.device.tf32},
          {"checkpoint-seconds", grid.run.checkpoint_seconds},
          {"select", choice_name(kSelects, grid.run.select)},
          {"keep", choice_name(kKeeps, grid.run.keep)}};
}

std::vector<Cell> cells_of(const Grid& grid) {
  std::vector<Cell> up, random, pretrained;
  // A set serves as upstream where another one is downstream of it.
  const auto used = [&](const std::string& from) {
    return std::ranges::any_of(grid.downstream, [&](const std::string& to) { return to != from; });
  };
  for (const auto& model : grid.models) {
    const int seeds = grid.upstream_seeds > 0 ? std::min(grid.upstream_seeds, grid.seeds) : grid.seeds;
    for (const auto& from : grid.upstream)
      if (used(from))
        for (const auto& head : heads_for(grid, model))
          for (int seed = grid.first_seed; seed < grid.first_seed + seeds; ++seed)
            add(up, upstream_cell(from, model, head, seed));
    for (const auto& to : grid.downstream) {
      add_downstream(random, grid, model, to, "", 0);
      for (const auto& from : grid.upstream)
        if (from != to) add_downstream(pretrained, grid, model, to, from, 0);
    }
  }
  for (const auto& sweep : grid.sweeps)
    for (const auto& model : sweep.models)
      for (const auto& to : sweep.downstream)
        for (const int size : sweep.sizes) {
          add_downstream(random, grid, model, to, "", size);
          for (const auto& from : sweep.upstream)
            if (from != to) add_downstream(pretrained, grid, model, to, from, size);
        }
  std::vector<Cell> all;
  std::set<std::string> known;
  for (auto* list : {&up, &random, &pretrained})
    for (Cell& cell : *list)  // two sweeps may ask for the same
      if (known.insert(cell.id).second) add(all, std::move(cell));
  return all;
}

Json cell_json(const Cell& cell) {
  return {{"cell", cell.id},   {"stage", cell.upstream ? "upstream" : "downstream"},
          {"data", cell.data}, {"model", cell.model},
          {"head", cell.head}, {"init", cell.init},
          {"seed", cell.seed}, {"size", cell.size},
          {"fold", cell.fold}};
}

Cell parse_cell(const Json& json, const std::string& where, const Grid& grid) {
  Cell cell;
  JsonReader reader(json, where);
  reader.at("cell");
  reader.text("cell", cell.id);
  check_name(cell.id, where, 200);
  std::string stage;
  reader.name("stage", stage, {"upstream", "downstream"});
  cell.upstream = stage == "upstream";
  for (const char* key : {"stage", "data", "model", "head", "init", "seed"}) reader.at(key);
  reader.name("data", cell.data, names_of(grid.data));
  reader.name("model", cell.model, cordis::model_names());
  reader.name("head", cell.head, keys_of(cordis::ecg::kHeads));
  reader.text("init", cell.init);
  reader.whole("seed", cell.seed, 0, 2147483647);
  reader.whole("size", cell.size, 0, 10000000);
  reader.whole("fold", cell.fold, 0, data_of(grid, cell.data).split.folds - 1);
  reader.finish();
  return cell;
}

}  // namespace app
