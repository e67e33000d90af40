// cordis/cuda/upload.hpp: tensors that follow one another, brought to a device
#pragma once

#include <cordis/core/tensor.hpp>
#include <functional>

namespace cordis::inline CORDIS_ABI {

// Gives some tensors each time, none at the end.
using TensorSource = std::function<Tensors()>;

// The tensors of `next`, which are on the CPU, on the device. On a GPU the next ones are already on their
// way, from pinned memory in a stream of their own, while those given last are computed with; all calls come
// from one thread.
inline TensorSource uploaded(Cpu, TensorSource next) { return next; }
TensorSource uploaded(Cuda device, TensorSource next);

}  // namespace cordis::inline CORDIS_ABI
