// tests/optim/clip_test.cpp: gradient norms and clipping against PyTorch, and what is not finite
#include <doctest/doctest.h>

#include <cordis/nn/linear.hpp>
#include <cordis/optim/clip.hpp>
#include <limits>
#include <set>

#include "fixture.hpp"
#include "refusal.hpp"

using namespace cordis;

namespace {

Variables with_gradients(const Tensors& gradients) {
  Variables parameters;
  for (const auto& gradient : gradients) {
    parameters.emplace_back(zeros(gradient.shape(), gradient.dtype()), true);
    parameters.back().grad() = gradient;
  }
  return parameters;
}

const double kInfinity = std::numeric_limits<double>::infinity(),
             kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("clip: PyTorch's norms and gradients") {
  const Fixture fixture("optim");
  std::set<std::string> cases;
  for (const auto& key : fixture.keys("clip.")) cases.insert(key.substr(0, key.rfind('.')));
  CHECK(cases.size() == 6);
  for (const auto& name : cases)
    for (const DType dtype : {DType::f64, DType::f32}) {
      if (dtype == DType::f32 && name == "clip.large") continue;  // beyond its range
      CAPTURE(name);
      const Variables parameters = with_gradients(
          {fixture.at(name + ".grad0").clone().to(dtype), fixture.at(name + ".grad1").clone().to(dtype)});
      const double limit = dtype == DType::f64 ? 1e-14 : 1e-6;
      const double norm = clip_grad_norm_(parameters, fixture.at(name + ".max_norm").item());
      CHECK(std::abs(norm - fixture.at(name + ".total_norm").item()) <= limit * norm);
      for (std::size_t i = 0; i < 2; ++i)
        CHECK(deviation(parameters[i].grad(), fixture.at(concat(name, ".clipped", i)).to(dtype)) <= limit);
    }
}

TEST_CASE("clip: the largest entry in place of the 2-norm") {
  const Variables parameters = with_gradients({Tensor::of({2, 2}, std::vector<double>{1, -8, 3, 0}),
                                               Tensor::of({1}, std::vector<float>{4}), zeros({0, 3})});
  CHECK(clip_grad_norm_(parameters, 2, {.infinity_norm = true}) == 8);
  CHECK(parameters[0].grad().data<double>()[1] == doctest::Approx(-2).epsilon(1e-6));
  CHECK(parameters[0].grad().data<double>()[2] == doctest::Approx(0.75).epsilon(1e-6));
  CHECK(parameters[1].grad().data<float>()[0] == doctest::Approx(1).epsilon(1e-6));
  CHECK(clip_grad_norm_(parameters, 3, {.infinity_norm = true}) == doctest::Approx(2).epsilon(1e-6));
  CHECK(parameters[0].grad().data<double>()[1] == doctest::Approx(-2).epsilon(1e-6));
}

TEST_CASE("clip: sums in double, so that the squares of f32 gradients do not overflow") {
  const Variables parameters = with_gradients({full({4}, 1e30)});
  CHECK(clip_grad_norm_(parameters, 1) == doctest::Approx(2e30));
  CHECK(parameters[0].grad().data<float>()[3] == doctest::Approx(0.5));
}

TEST_CASE("clip: parameters without a gradient take no part") {
  Variables parameters = with_gradients({full({2}, 3), full({1}, 100)});
  parameters[1].grad() = {};
  CHECK(clip_grad_norm_(parameters, 1) == doctest::Approx(std::sqrt(18)));
  CHECK(!parameters[1].grad().defined());
  CHECK(clip_grad_norm_(Variables{}, 1) == 0);
}

TEST_CASE("clip: a tensor that somebody else holds too is not changed") {
  const Tensor mine = full({3}, 2);
  const Variables parameters = with_gradients({mine});
  clip_grad_norm_(parameters, 1);
  CHECK(mine.data<float>()[0] == 2);
  CHECK(parameters[0].grad().data<float>()[0] == doctest::Approx(1 / std::sqrt(3)));
}

TEST_CASE("clip: of a net") {
  Linear net(3, 1, {.bias = false});
  net.weight.grad() = full({1, 3}, 5);
  CHECK(clip_grad_norm_(net, 1) == doctest::Approx(std::sqrt(75)));
  CHECK(net.weight.grad().data<float>()[2] == doctest::Approx(1 / std::sqrt(3)));
}

TEST_CASE("clip: a norm that is not finite spoils all gradients, as in PyTorch, or is an error") {
  for (const double bad : {kNaN, kInfinity})
    for (const bool largest : {false, true}) {
      const auto make = [&] {
        return with_gradients({Tensor::of({2}, std::vector<double>{1, bad}), full({1}, 3, DType::f64)});
      };
      Variables parameters = make();
      const auto text = refusal<std::runtime_error>(
          [&] { clip_grad_norm_(parameters, 1, {.infinity_norm = largest, .error_if_nonfinite = true}); });
      CHECK(says(text, {"[clip_grad_norm_]", concat("norm is ", bad)}));
      CHECK(parameters[0].grad().data<double>()[0] == 1);
      CHECK(parameters[1].grad().item() == 3);

      parameters = make();
      const double norm = clip_grad_norm_(parameters, 1, {.infinity_norm = largest});
      CHECK(std::isnan(norm) == std::isnan(bad));
      CHECK(!std::isfinite(norm));
      CHECK(std::isnan(parameters[0].grad().data<double>()[1]));
      CHECK((std::isnan(bad) ? std::isnan(parameters[1].grad().item()) : parameters[1].grad().item() == 0));
    }
  // A NaN in front of larger numbers is not forgotten.
  CHECK(std::isnan(clip_grad_norm_(with_gradients({Tensor::of({3}, std::vector<double>{2, kNaN, 9})}), 1,
                                   {.infinity_norm = true})));
}

TEST_CASE("clip: misuse is refused") {
  for (const double bad : {-1.0, kNaN})
    CHECK(says(refusal([&] { clip_grad_norm_(Variables{}, bad); }),
               {"[clip_grad_norm_] max_norm", concat(bad)}));
}
