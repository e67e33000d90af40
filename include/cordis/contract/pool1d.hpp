// cordis/contract/pool1d.hpp: options of max pooling, and how its winners are kept
#pragma once

#include <cordis/core/tensor.hpp>

namespace cordis::inline CORDIS_ABI {

// Of max pooling, in samples; PyTorch's.
struct MaxPool1dOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 0;  // 0: the kernel
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
};

// Calls f with the integer type that holds a place in the window.
template <class F>
decltype(auto) dispatch_winner(std::int64_t kernel, F&& f) {
  if (kernel <= 127) return f.template operator()<std::int8_t>();
  return f.template operator()<std::int32_t>();
}
// Bytes of the integer type that holds a place in the window.
inline std::size_t winner_bytes(std::int64_t kernel) {
  std::size_t bytes = 0;
  dispatch_winner(kernel, [&]<class Place>() { bytes = sizeof(Place); });
  return bytes;
}

}  // namespace cordis::inline CORDIS_ABI
