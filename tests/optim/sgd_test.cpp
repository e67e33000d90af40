// tests/optim/sgd_test.cpp: SGD against PyTorch's runs, and by hand
#include <doctest/doctest.h>

#include <cordis/nn/linear.hpp>
#include <cordis/optim/sgd.hpp>

#include "refusal.hpp"
#include "trajectory.hpp"

using namespace cordis;

TEST_CASE("sgd: PyTorch's runs, step by step") {
  const auto options_of = [](const double* row) {
    return SGDOptions{.lr = row[0],
                      .momentum = row[1],
                      .dampening = row[2],
                      .weight_decay = row[4],
                      .nesterov = row[3] != 0};
  };
  CHECK(trajectory::follow_all<SGD>("sgd.", options_of) == 10);
}

TEST_CASE("sgd: two steps by hand, the first with the whole gradient whatever the dampening") {
  Variable p(Tensor::of({1}, std::vector<double>{10}), true);
  SGD sgd(Variables{p}, {.lr = 0.5, .momentum = 0.5, .dampening = 0.75, .weight_decay = 0.1});
  p.grad() = full({1}, 3, DType::f64);
  sgd.step();  // d = 3 + 1, v = 4
  CHECK(p.value().item() == doctest::Approx(8).epsilon(1e-15));
  p.grad() = full({1}, -2, DType::f64);
  sgd.step();  // d = -2 + 0.8, v = 2 - 0.3
  CHECK(p.value().item() == doctest::Approx(7.15).epsilon(1e-15));
}

TEST_CASE("sgd: without momentum it keeps no tensors") {
  Variables parameters = trajectory::some_parameters(DType::f32, 3);
  SGD plain(parameters, {.lr = 0.1});
  trajectory::give_gradients(parameters, 4);
  plain.step();
  for (const auto& [name, tensor] : plain.state()) CHECK(tensor.rank() == 0);
  CHECK(plain.state().size() == parameters.size() + 1);
}

TEST_CASE("sgd: going on from a saved state gives the same bits") {
  trajectory::check_resumed<SGD>(SGDOptions{.lr = 0.1});
  trajectory::check_resumed<SGD>(
      SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.1});
  trajectory::check_resumed<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.8, .nesterov = true});
}

TEST_CASE("sgd: a rate of nil moves nothing, but momentum gathers") {
  Variables parameters = trajectory::some_parameters(DType::f64, 5);
  const Variables before = trajectory::some_parameters(DType::f64, 5);
  SGD sgd(parameters, {.lr = 0, .momentum = 0.9, .weight_decay = 1});
  trajectory::give_gradients(parameters, 6);
  sgd.step();
  CHECK(trajectory::same_bits(parameters, before));
  CHECK(sgd.state().size() == 2 * parameters.size() + 1);
}

TEST_CASE("sgd: misuse is refused") {
  const auto made = [](const SGDOptions& options) {
    return refusal([&] { const SGD sgd(Linear(2, 1), options); });
  };
  CHECK(says(made({.lr = -1}), {"[SGD] lr -1", "none may be negative"}));
  CHECK(says(made({.momentum = -0.5}), {"[SGD]", "momentum -0.5"}));
  CHECK(says(made({.weight_decay = -2}), {"[SGD]", "weight_decay -2"}));
  CHECK(says(made({.lr = std::nan("")}), {"[SGD] lr nan"}));
  CHECK(says(made({.nesterov = true}), {"[SGD] Nesterov", "momentum > 0", "not 0 and 0"}));
  CHECK(says(made({.momentum = 0.9, .dampening = 0.1, .nesterov = true}), {"[SGD] Nesterov", "0.9 and 0.1"}));
  CHECK(made({.momentum = 0.9, .nesterov = true}).empty());
}
