// kernels/dropout.cuh: dropout with the CPU's stream of random numbers
#pragma once

#include <cordis/core/random.hpp>
#include <cordis/cuda/dropout.hpp>
#include <cordis/cuda/graph.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {
template <class T>
__global__ void __launch_bounds__(kBlock)
    dropout_kernel(std::int64_t n, T* y, const T* x, DropoutMask mask, T keep) {
  for (std::int64_t i = first_element(); i < n; i += element_step()) {
    const double u = Generator::uniform(mask.seed, mask.offset + static_cast<std::uint64_t>(i));
    y[i] = x[i] * (u < mask.p ? T{0} : keep);
  }
}
}  // namespace detail

void dropout_apply(Cuda device, Tensor& y, const Tensor& x, const DropoutMask& mask) {
  CORDIS_CHECK(!recording(), "[dropout] in a recorded graph each launch would drop the same elements");
  if (x.numel() == 0) return;
  dispatch_float(x.dtype(), "dropout", [&]<class T>() {
    const T keep = mask.p < 1 ? static_cast<T>(1 / (1 - mask.p)) : T{0};
    detail::run(device, "dropout", detail::dropout_kernel<T>, detail::blocks_for(x.numel()), detail::kBlock,
                0, x.numel(), y.data<T>(), x.data<T>(), mask, keep);
  });
}

}  // namespace cordis::inline CORDIS_ABI
