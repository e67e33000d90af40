// cordis/contract/dropout.hpp: which elements dropout keeps
#pragma once

#include <cordis/config.hpp>
#include <cstdint>

namespace cordis::inline CORDIS_ABI {

// Element i survives where the uniform of block offset + i is at least p.
struct DropoutMask {
  std::uint64_t seed;
  std::uint64_t offset;
  double p;
};

}  // namespace cordis::inline CORDIS_ABI
