// cordis/autograd/gradcheck.hpp: gradients against central differences, for your own ops too
#pragma once

#include <cmath>
#include <cordis/autograd/variable.hpp>
#include <cordis/core/random.hpp>
#include <string>
#include <type_traits>

namespace cordis::inline CORDIS_ABI {

// Steps and tolerances of gradcheck.
struct GradcheckOptions {
  double eps = 1e-6;   // step of the central difference
  double atol = 1e-7;  // |analytic - numeric| <= atol + rtol |numeric|
  double rtol = 1e-5;
  std::uint64_t seed = 0;  // of the weights that turn the outputs into one number
};

// What gradcheck found; true where every gradient agrees.
struct GradcheckResult {
  bool ok = true;
  double worst = 0;                              // largest |analytic - numeric| seen, NaN if one was
  std::string message;                           // first disagreement: input, element, both numbers
  explicit operator bool() const { return ok; }  // Whether all agree.
};

// Compares the gradient that the tape gives of f with central differences.
// f: (const Variables&) -> Variable or Variables, smooth at `inputs` and the same at each call. The inputs
// are f64. L = sum of w * f(inputs) with random w; its tape gradient is compared element by element with (L(x
// + eps) - L(x - eps)) / (2 eps). Buffers made meanwhile are born as NaN, so an output or a gradient that is
// not written in full fails.
template <class F>
GradcheckResult gradcheck(F&& f, const Tensors& inputs, GradcheckOptions options = {}) {
  const auto call = [&](const Variables& x) -> Variables {
    const PoisonGuard poison;
    if constexpr (std::is_convertible_v<std::invoke_result_t<F&, const Variables&>, Variable>)
      return {f(x)};
    else
      return f(x);
  };
  Variables leaves;
  for (const auto& input : inputs) {
    const bool differentiable = input.dtype() != DType::i64;
    CORDIS_CHECK(!differentiable || input.dtype() == DType::f64, "[gradcheck] f64 inputs are needed, not ",
                 input.dtype());
    leaves.emplace_back(input.clone(), differentiable);
  }

  Variables y = call(leaves);
  Tensors weights, placed;
  Generator generator(options.seed, 1);
  for (const auto& output : y) {
    Tensor weight(output.shape(), DType::f64);
    weights.push_back(fill_uniform(weight, 0.5, 1.5, generator));
    for (std::int64_t i = 0; i < weight.numel(); ++i)  // of both signs, none near 0
      if (generator.uniform() < 0.5) weight.data<double>()[i] *= -1;
    placed.push_back(weight.to(output.device()));
  }
  {
    const PoisonGuard poison;
    backward(y, placed);
  }
  const auto loss = [&] {
    const NoGrad off;
    const Variables outputs = call(leaves);
    double sum = 0;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const Tensor value = outputs[k].value().to(Device::cpu());
      for (std::int64_t i = 0; i < value.numel(); ++i)
        sum += weights[k].data<double>()[i] * value.data<double>()[i];
    }
    return sum;
  };

  GradcheckResult result;
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    if (leaves[k].dtype() == DType::i64) continue;
    Tensor& leaf = leaves[k].value();
    const Tensor host = leaf.to(Device::cpu()).clone();
    const Tensor gradient = leaves[k].grad().to(Device::cpu());
    double* x = host.data<double>();
    const auto loss_at = [&](std::int64_t i, double value) {
      const double before = std::exchange(x[i], value);
      leaf.copy_from(host);
      const double moved = loss();
      x[i] = before;
      return moved;
    };
    for (std::int64_t i = 0; i < leaf.numel(); ++i) {
      const double above = loss_at(i, x[i] + options.eps), below = loss_at(i, x[i] - options.eps);
      const double numeric = (above - below) / (2 * options.eps);
      const double analytic = gradient.defined() ? gradient.data<double>()[i] : 0;
      const double error = std::abs(analytic - numeric);
      if (!(error <= result.worst) && !std::isnan(result.worst)) result.worst = error;
      if (!(error <= options.atol + options.rtol * std::abs(numeric)) && result.ok) {
        result.ok = false;
        result.message = concat("[gradcheck] input ", k, " ", leaves[k].shape(), ", element ", i,
                                ": tape gives ", analytic, ", differences give ", numeric);
      }
    }
    leaf.copy_from(host);
  }
  return result;
}

}  // namespace cordis::inline CORDIS_ABI
