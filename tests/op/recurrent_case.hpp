// tests/op/recurrent_case.hpp: a stored LSTM or GRU case against an output, and backward from its gradients
#pragma once

#include <cordis/op/recurrent.hpp>
#include <op/support.hpp>

// Outputs, then the gradients of x and of the initial states, which may be undefined; parameters' gradients
// are there afterwards.
inline void compare_recurrent(const StoredCase& stored, const cordis::RecurrentOutput& out,
                              const cordis::Variable& x, const cordis::Variable& h0,
                              const cordis::Variable& c0, bool lstm) {
  cordis::Variables outputs{out.y, out.h_n};
  cordis::Tensors gradients{stored.tensor("dy"), stored.tensor("dh_n")};
  stored.compare("y", out.y.value());
  stored.compare("h_n", out.h_n.value());
  REQUIRE(out.c_n.defined() == lstm);
  if (lstm) {
    stored.compare("c_n", out.c_n.value());
    outputs.push_back(out.c_n);
    gradients.push_back(stored.tensor("dc_n"));
  }
  cordis::backward(outputs, gradients);
  stored.compare("dx", x.grad());
  stored.compare_gradient("dh_0", h0);
  stored.compare_gradient("dc_0", c0);
}
