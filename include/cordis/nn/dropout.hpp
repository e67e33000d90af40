// cordis/nn/dropout.hpp: Dropout
#pragma once

#include <cordis/nn/module.hpp>
#include <cordis/op/dropout.hpp>

namespace cordis::inline CORDIS_ABI {

// In training zeroes elements with probability p and scales the rest; draws from default_generator().
struct Dropout {
  static constexpr const char* kName = "Dropout";
  double p = 0.5;
  bool training = true;

  static void visit(auto&, auto&&) {}

  // x's shape; x itself where not training
  Variable operator()(const Variable& x) const { return observed(*this, dropout(x, p, training)); }
};

}  // namespace cordis::inline CORDIS_ABI
