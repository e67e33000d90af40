// cordis/cpu/dropout.hpp: kernel of op/dropout.hpp
#pragma once

#include <cordis/contract/dropout.hpp>
#include <cordis/core/random.hpp>
#include <cordis/cpu/accumulate.hpp>

namespace cordis::inline CORDIS_ABI {

// y = x * mask / (1 - p), so that a dropped NaN stays; y may alias x.
inline void dropout_apply(Cpu, Tensor& y, const Tensor& x, const DropoutMask& mask) {
  dispatch_float(x.dtype(), "dropout", [&]<class T>() {
    T* out = y.data<T>();
    const T* in = x.data<T>();
    const T keep = mask.p < 1 ? static_cast<T>(1 / (1 - mask.p)) : T{0};
    parallel_elements(x.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        out[i] = in[i] * (Generator::uniform(mask.seed, mask.offset + static_cast<std::uint64_t>(i)) < mask.p
                              ? T{0}
                              : keep);
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
