// cordis/optim/clip.hpp: bounding the gradient's norm
#pragma once

#include <cmath>
#include <cordis/cpu/norm.hpp>
#include <cordis/cuda/norm.hpp>
#include <cordis/nn/module.hpp>

namespace cordis::inline CORDIS_ABI {

// Of clip_grad_norm_.
struct ClipOptions {
  bool infinity_norm = false;       // the largest |g| in place of the 2-norm
  bool error_if_nonfinite = false;  // throw, and leave the gradients, where the norm is NaN or infinite
};

// Norm of all gradients as one vector; where it exceeds max_norm they are scaled by max_norm / (norm + 1e-6),
// as PyTorch's clip_grad_norm_. Returns the norm before. Sums in double, in the parameters' order.
inline double clip_grad_norm_(const Variables& parameters, double max_norm, const ClipOptions& options = {}) {
  CORDIS_CHECK(max_norm >= 0, "[clip_grad_norm_] max_norm ", max_norm, " is negative");
  Tensors gradients;
  for (const auto& parameter : parameters)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  for (const auto& gradient : gradients)
    CORDIS_CHECK(gradient.device() == gradients[0].device(), "[clip_grad_norm_] gradients live on ",
                 gradients[0].device(), " and ", gradient.device());
  const double norm = gradients.empty() ? 0 : on(gradients[0].device(), [&](auto device) {
    return options.infinity_norm ? largest(device, gradients) : std::sqrt(sum_of_squares(device, gradients));
  });
  gradients.clear();  // else they would not be the only handles below
  if (options.error_if_nonfinite && !std::isfinite(norm))
    throw std::runtime_error(concat("[clip_grad_norm_] the gradients' norm is ", norm));
  const double factor = std::min(max_norm / (norm + 1e-6), 1.0);  // NaN stays
  if (factor == 1) return norm;
  for (const auto& parameter : parameters) {
    Variable handle = parameter;
    Tensor& gradient = handle.grad();
    if (!gradient.defined()) continue;
    Tensor scaled = gradient.unique() ? gradient : empty_like(gradient);
    on(gradient.device(), [&](auto device) { scale(device, scaled, gradient, factor); });
    gradient = scaled;
  }
  return norm;
}

// Of all parameters of a net.
template <Walkable M>
double clip_grad_norm_(const M& net, double max_norm, const ClipOptions& options = {}) {
  return clip_grad_norm_(parameters(net), max_norm, options);
}

}  // namespace cordis::inline CORDIS_ABI
