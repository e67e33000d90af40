// kernels/tensors.cuh: many tensors in one launch
// A step has some sixty tensors, most of them small: what is done with all of them takes their addresses as
// parameters, a few dozen at a time, and each block finds the tensor it is for.
#pragma once

#include <span>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI::detail {

inline constexpr int kTensors = 24;           // of a launch; parameters have 4 KiB in all
inline constexpr std::int64_t kChunk = 4096;  // elements of a block

// Tensors of P pointers each, and which blocks are whose.
template <class Item>
struct TensorList {
  Item item[kTensors];
  std::int64_t size[kTensors];
  int first_block[kTensors + 1];
  int count = 0;

  // Calls f(item, i) for the elements of this block that are this thread's.
  template <class F>
  __device__ void for_elements(F&& f) const {
    const int block = static_cast<int>(blockIdx.x);
    int t = 0;
    while (first_block[t + 1] <= block) ++t;
    const std::int64_t begin = static_cast<std::int64_t>(block - first_block[t]) * kChunk,
                       end = begin + kChunk < size[t] ? begin + kChunk : size[t];
    for (std::int64_t i = begin + threadIdx.x; i < end; i += blockDim.x) f(item[t], i);
  }
};

// Calls launch_list(list, blocks) for all items in turn. item_of(x) gives the Item, size_of(x) its elements.
template <class Item, class Xs, class ItemOf, class SizeOf, class Launch>
void for_tensor_lists(const Xs& xs, ItemOf item_of, SizeOf size_of, Launch launch_list) {
  TensorList<Item> list;
  list.first_block[0] = 0;
  const auto flush = [&] {
    if (list.count > 0) launch_list(list, list.first_block[list.count]);
    list.count = 0;
  };
  for (const auto& x : xs) {
    const std::int64_t n = size_of(x);
    if (n == 0) continue;
    if (list.count == kTensors) flush();
    const int t = list.count++;
    list.item[t] = item_of(x);
    list.size[t] = n;
    list.first_block[t + 1] = list.first_block[t] + static_cast<int>((n + kChunk - 1) / kChunk);
  }
  flush();
}

}  // namespace cordis::inline CORDIS_ABI::detail
