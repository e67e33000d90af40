// cordis/nn/linear.hpp: Linear
#pragma once

#include <cordis/nn/init.hpp>
#include <cordis/nn/module.hpp>
#include <cordis/op/linear.hpp>

namespace cordis::inline CORDIS_ABI {

// Of a Linear.
struct LinearOptions {
  bool bias = true;
};

// y = x wᵀ + b over the last axis: (..., in) -> (..., out).
struct Linear {
  static constexpr const char* kName = "Linear";
  Variable weight;  // (out, in)
  Variable bias;    // (out,)

  static void visit(auto& m, auto&& f) { f("weight", m.weight), f("bias", m.bias); }

  Linear() = default;
  // Weight and bias uniform in ±1 / sqrt(in), as PyTorch's; throws where a size is negative.
  Linear(std::int64_t in, std::int64_t out, const LinearOptions& options = {}) {
    CORDIS_CHECK(in >= 0 && out >= 0, "[Linear] ", in, " features to ", out);
    Tensor w({out, in}), b({out});
    weight = Variable(uniform_fan_in(w, in), true);
    if (options.bias) bias = Variable(uniform_fan_in(b, in), true);
  }

  // Throws where x's last axis is not `in`.
  Variable operator()(const Variable& x) const { return observed(*this, linear(x, weight, bias)); }
};

}  // namespace cordis::inline CORDIS_ABI
