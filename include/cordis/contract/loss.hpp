// cordis/contract/loss.hpp: how losses are reduced, and what cross-entropy aims at
#pragma once

#include <cordis/config.hpp>
#include <cstdint>

namespace cordis::inline CORDIS_ABI {

// A loss for each element, their mean, or their sum.
enum class Reduction { none, mean, sum };

// What the loss of n elements is divided by.
inline double reduction_divisor(Reduction reduction, double n) {
  return reduction == Reduction::mean ? n : 1;
}

// Targets that count nowhere, and the share of a target spread evenly over the classes.
struct SoftTarget {
  std::int64_t ignore_index;
  double smoothing;
};

}  // namespace cordis::inline CORDIS_ABI
