// examples/ecg/grid_progress.hpp: how far a grid is, and how long it will take
#pragma once

#include <chrono>
#include <map>

#include "grid_folder.hpp"

namespace app {

// Counts epochs, weighed by the seconds that those of one kind of cell (network, data, stage) have taken so
// far.
class GridProgress {
 public:
  explicit GridProgress(const GridFolder& folder);

  // Of all cells now: "12/60 cells finished".
  std::string share() const;
  // "12/60 finished  2 running (ludb-gru-random-seed0 3/20, ...)  1 failed  0:42 left"
  std::string line(const std::vector<std::string>& running);
  // Seconds until all is done if it goes on as since this object was made; negative where that is not known.
  double left(std::size_t processes) const;

 private:
  // What one epoch takes, as finished cells tell; the mean of all where none of its kind has finished.
  double epoch_seconds(const Cell& cell) const;

  const GridFolder& folder_;
  mutable std::map<std::string, bool> read_;                          // finished cells whose times are known
  mutable std::map<std::string, std::pair<double, double>> by_kind_;  // seconds, epochs
};

// How many cells stand where, and each failure, as text.
std::string grid_status(const GridFolder& folder);

}  // namespace app
