// examples/ecg/grid_progress.cpp: how far a grid is, and how long it will take
#include "grid_progress.hpp"

#include <algorithm>
#include <cordis/ecg/experiment.hpp>

#include "console.hpp"

namespace app {
namespace {

using cordis::concat;

std::string kind_of(const Cell& cell) {
  return concat(cell.upstream ? "up " : "down ", cell.data, ' ', cell.model, ' ', cell.size);
}

}  // namespace

GridProgress::GridProgress(const GridFolder& folder) : folder_(folder) {}

std::string GridProgress::share() const {
  const auto done =
      std::ranges::count_if(folder_.cells(), [&](const Cell& cell) { return folder_.finished(cell.id); });
  return concat(done, '/', folder_.cells().size(), " cells");
}

double GridProgress::epoch_seconds(const Cell& cell) const {
  const auto mean = [](const std::pair<double, double>& sum) { return sum.first / sum.second; };
  if (const auto found = by_kind_.find(kind_of(cell)); found != by_kind_.end()) return mean(found->second);
  std::pair<double, double> all{0, 0};
  for (const auto& [kind, sum] : by_kind_) all.first += sum.first, all.second += sum.second;
  return all.second > 0 ? mean(all) : -1;
}

double GridProgress::left(std::size_t processes) const {
  for (const Cell& cell : folder_.cells()) {
    if (read_[cell.id] || !folder_.finished(cell.id)) continue;
    read_[cell.id] = true;
    auto& [seconds, epochs] = by_kind_[kind_of(cell)];
    for (const double s : cordis::ecg::parse_timing(
             cordis::ecg::read_csv(folder_.folder_of(cell.id) / cordis::ecg::kTimingFile)))
      seconds += s, epochs += 1;
  }
  double sum = 0;
  for (const Cell& cell : folder_.cells()) {
    if (read_[cell.id]) continue;
    const double each = epoch_seconds(cell);
    if (each < 0) return -1;
    const CellStatus status = folder_.status(cell);
    if (status.stage != CellStage::failed) sum += each * (status.of - status.epochs);
  }
  return sum / static_cast<double>(std::max<std::size_t>(processes, 1));
}

std::string GridProgress::line(const std::vector<std::string>& running) {
  std::string text = share() + " finished";
  if (!running.empty()) {
    text += concat("  ", running.size(), " running (");
    for (const auto& id : running) {
      const CellStatus status = folder_.status(folder_.cell(id));
      text += concat(id == running.front() ? "" : ", ", id, ' ', status.epochs, '/', status.of);
    }
    text += ")";
  }
  return text + concat("  left ", clock(left(running.size())));
}

std::string grid_status(const GridFolder& folder) {
  std::map<CellStage, std::size_t> count;
  std::string running, failed;
  for (const Cell& cell : folder.cells()) {
    const CellStatus status = folder.status(cell);
    ++count[status.stage];
    if (status.stage == CellStage::running)
      running += concat("  ", cell.id, ": epoch ", status.epochs, '/', status.of, ", ", status.note, '\n');
    if (status.stage == CellStage::failed) failed += concat("  ", cell.id, ": ", status.note, '\n');
  }
  std::string text = concat(folder.cells().size(), " cells:");
  for (const CellStage stage :
       {CellStage::finished, CellStage::running, CellStage::ready, CellStage::blocked, CellStage::failed})
    text += concat(stage == CellStage::finished ? " " : ", ", count[stage], ' ', name_of(stage));
  text += '\n';
  if (!running.empty()) text += "running:\n" + running;
  if (!failed.empty()) text += "failed:\n" + failed;
  const double left = GridProgress(folder).left(std::max<std::size_t>(count[CellStage::running], 1));
  if (count[CellStage::finished] < folder.cells().size())
    text += concat("left: ", clock(left), " with ", std::max<std::size_t>(count[CellStage::running], 1),
                   " at a time\n");
  return text;
}

}  // namespace app
