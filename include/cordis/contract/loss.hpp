// cordis/contract/loss.hpp: how losses are reduced, and what cross-entropy aims at
#pragma once

#include <cordis/config.hpp>
#include <cstdint>

namespace cordis::inline CORDIS_ABI {

enum class Reduction { none, mean, sum };

// What the loss of n elements is divided by.
inline double reduction_divisor(Reduction reduction, double n) {
  return reduction == Reduction::mean ? n : 1;
}

struct SoftTarget {
  std::int64_t ignore_index;
  double smoothing;
};

}  // namespace cordis::inline CORDIS_ABI
