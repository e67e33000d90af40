// tests/simt/race_cell.hpp: what is remembered of accesses, for race.cpp
#pragma once

#include <algorithm>

#include "race.hpp"

namespace simt::race {

// Who accessed four bytes, and between which barriers.
struct Record {
  std::uint32_t operation = 0, block = 0;
  std::uint32_t instruction = 0;  // from the program's base; 0: unknown
  std::uint16_t thread = 0, barriers = 0, warp_syncs = 0;
  std::uint8_t bytes = 0;  // a bit for each; 0: no record
  Access kind = Access::read;
};

// The last write and up to two reads that no write has followed.
struct Cell {
  Record write, reads[2];
};

// Calls f(granule, mask of its bytes) for each four bytes that hold some of [offset, offset + bytes).
template <class F>
void for_granules(std::size_t offset, std::size_t bytes, F f) {
  for (std::size_t g = offset / 4; g * 4 < offset + bytes; ++g) {
    const std::size_t from = std::max(offset, g * 4) - g * 4,
                      to = std::min(offset + bytes, g * 4 + 4) - g * 4;
    f(g, static_cast<std::uint8_t>((1u << to) - (1u << from)));
  }
}

}  // namespace simt::race
