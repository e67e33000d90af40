// cordis/nn/init.hpp: PyTorch's initialisations
#pragma once

#include <cmath>
#include <cordis/core/random.hpp>

namespace cordis::inline CORDIS_ABI {

// How many inputs each output has.
// w: (O, I) or (O, I, K). fan_in = I K, fan_out = O K.
inline std::int64_t fan_in(const Tensor& w) { return w.size(0) ? w.numel() / w.size(0) : 0; }
// Inputs that the gradient of each element of w's input comes from.
inline std::int64_t fan_out(const Tensor& w) { return w.size(1) ? w.numel() / w.size(1) : 0; }

// Uniform in ±1 / sqrt(fan_in): the default of Linear and Conv1d for weight and bias
// (kaiming_uniform_ with a = sqrt(5) comes to this bound).
inline Tensor& uniform_fan_in(Tensor& x, std::int64_t fan) {
  const double bound = fan > 0 ? 1 / std::sqrt(static_cast<double>(fan)) : 0;
  return fill_uniform(x, -bound, bound);
}

// Normal with deviation sqrt(2 / fan_out): kaiming_normal_(mode="fan_out", nonlinearity="relu"), He et al.
// 2015.
inline Tensor& kaiming_normal_fan_out(Tensor& w) {
  return fill_normal(w, 0, std::sqrt(2 / static_cast<double>(fan_out(w))));
}

}  // namespace cordis::inline CORDIS_ABI
