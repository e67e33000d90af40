// tests/nn/stored_layer.hpp: a layer of weight and bias against a stored case
#pragma once

#include <nn/support.hpp>

// Gives the layer the case's w and b, and compares its output and every gradient.
void compare_layer(auto& layer, const StoredCase& stored) {
  const cordis::Tensor w = stored.tensor("w"), b = stored.tensor("b");
  REQUIRE(layer.weight.shape() == w.shape());
  REQUIRE(layer.bias.defined() == b.defined());
  to(layer, stored.dtype);
  layer.weight.value() = w;
  if (b.defined()) layer.bias.value() = b;
  const cordis::Variable x = stored.leaf("x");
  const cordis::Variable y = layer(x);
  stored.compare("y", y.value());
  cordis::backward({y}, {stored.tensor("dy")});
  stored.compare("dx", x.grad());
  stored.compare("dw", layer.weight.grad());
  if (b.defined()) stored.compare("db", layer.bias.grad());
}
