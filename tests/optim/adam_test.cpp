// tests/optim/adam_test.cpp: Adam and AdamW against PyTorch's runs, and by hand
#include <doctest/doctest.h>

#include <cordis/nn/linear.hpp>
#include <cordis/optim/adam.hpp>

#include "refusal.hpp"
#include "trajectory.hpp"

using namespace cordis;

namespace {

template <class Options>
Options options_of(const double* row) {
  return {.lr = row[0], .betas = {row[1], row[2]}, .eps = row[3], .weight_decay = row[4]};
}

}  // namespace

TEST_CASE("adam: PyTorch's runs, step by step") {
  CHECK(trajectory::follow_all<Adam>("adam.", options_of<AdamOptions>) == 8);
}

TEST_CASE("adam: PyTorch's runs of AdamW, step by step") {
  CHECK(trajectory::follow_all<AdamW>("adamw.", options_of<AdamWOptions>) == 7);
}

TEST_CASE("adam: PyTorch's default options are ours") {
  const Fixture fixture("optim");
  const auto same = [](const double* row, const auto& o) {
    return row[0] == o.lr && row[1] == o.betas.first && row[2] == o.betas.second && row[3] == o.eps &&
           row[4] == o.weight_decay;
  };
  CHECK(same(fixture.at("adam.default.options").data<double>(), AdamOptions{}));
  CHECK(same(fixture.at("adamw.default.options").data<double>(), AdamWOptions{}));
}

TEST_CASE("adam: the first step is lr against the gradient's sign, however large the gradient") {
  for (const double g : {1e-3, -1e3}) {
    Variable p(full({1}, 2, DType::f64), true), q(full({1}, 2, DType::f64), true);
    p.grad() = full({1}, g, DType::f64);
    q.grad() = full({1}, g, DType::f64);
    Adam(Variables{p}, {.lr = 0.25, .eps = 0}).step();
    CHECK(p.value().item() == doctest::Approx(g > 0 ? 1.75 : 2.25).epsilon(1e-14));
    AdamW(Variables{q}, {.lr = 0.25, .eps = 0, .weight_decay = 0.5}).step();  // 2 (1 - 0.125) first
    CHECK(q.value().item() == doctest::Approx(g > 0 ? 1.5 : 2.0).epsilon(1e-14));
  }
}

TEST_CASE("adam: a nil gradient moves nothing but by decay") {
  for (const bool decoupled : {false, true}) {
    Variable p(full({3}, 2, DType::f64), true);
    p.grad() = zeros({3}, DType::f64);
    if (decoupled)
      AdamW(Variables{p}, {.lr = 0.1, .weight_decay = 0.5}).step();
    else
      Adam(Variables{p}, {.lr = 0.1}).step();
    for (const double value : p.value().values<double>())
      CHECK(value == doctest::Approx(decoupled ? 1.9 : 2).epsilon(1e-15));
  }
}

TEST_CASE("adam: going on from a saved state gives the same bits") {
  trajectory::check_resumed<Adam>(AdamOptions{.lr = 0.01});
  trajectory::check_resumed<Adam>(
      AdamOptions{.lr = 0.1, .betas = {0.5, 0.7}, .eps = 1e-3, .weight_decay = 0.2});
  trajectory::check_resumed<AdamW>(AdamWOptions{.lr = 0.1, .weight_decay = 0.3});
}

TEST_CASE("adam: misuse is refused") {
  const auto made = [](const AdamOptions& options) {
    return refusal([&] { const Adam adam(Linear(2, 1), options); });
  };
  CHECK(says(made({.lr = -1}), {"[Adam] lr -1", "none may be negative"}));
  CHECK(says(made({.eps = -1e-3}), {"[Adam]", "eps -0.001"}));
  CHECK(says(made({.weight_decay = -2}), {"[Adam]", "weight_decay -2"}));
  CHECK(says(made({.lr = std::nan("")}), {"[Adam] lr nan"}));
  for (const double beta : {1.0, -0.1, std::nan("")}) {
    CHECK(says(made({.betas = {beta, 0.9}}), {concat("[Adam] betas ", beta, " and 0.9"), "[0, 1)"}));
    CHECK(says(made({.betas = {0.9, beta}}), {concat("[Adam] betas 0.9 and ", beta)}));
  }
  CHECK(says(refusal([] { const AdamW adam(Linear(2, 1), {.lr = -3}); }), {"lr -3"}));
}
