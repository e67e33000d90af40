// examples/ecg/drawings.hpp: what the plots of reports share: curves over epochs, figures that have something
// to show
#pragma once

#include <cordis/ecg/experiment_record.hpp>
#include <functional>

#include "html.hpp"
#include "plot.hpp"

namespace app {

using Epochs = std::vector<cordis::ecg::EpochRow>;
using EpochValue = std::function<double(const cordis::ecg::EpochRow&)>;

// value over epochs for each run, and their mean in front.
void add_curves(Plot& plot, const std::string& title, Look look, const std::vector<const Epochs*>& runs,
                const EpochValue& value);
// A level from epoch 1 to the last; nothing where it is undefined.
void add_level(Plot& plot, const std::string& title, double y, double last);

// Draws what has a point, or says why not, once.
class Drawings {
 public:
  explicit Drawings(std::filesystem::path folder) : folder_(std::move(folder)) {}
  void add(Plot plot, const std::string& caption);
  void put(Html& html);
  bool missing() const { return missing_; }

 private:
  std::filesystem::path folder_;
  std::vector<Html::Figure> figures_;
  bool missing_ = false;
};

}  // namespace app
