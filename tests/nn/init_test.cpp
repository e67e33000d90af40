// tests/nn/init_test.cpp: ranges and moments of PyTorch's initialisations
#include <doctest/doctest.h>

#include <cordis/nn/init.hpp>
#include <nn/support.hpp>

using namespace cordis;

TEST_CASE("init: fans of linear and convolution weights") {
  CHECK(fan_in(zeros({7, 5})) == 5);
  CHECK(fan_out(zeros({7, 5})) == 7);
  CHECK(fan_in(zeros({7, 5, 3})) == 15);
  CHECK(fan_out(zeros({7, 5, 3})) == 21);
  CHECK(fan_in(zeros({0, 5})) == 0);
  CHECK(fan_out(zeros({7, 0})) == 0);
}

TEST_CASE("init: uniform in ±1 / sqrt(fan_in)") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const std::int64_t fan : {1, 3, 512}) {
      seed(1);
      Tensor x({20'000}, dtype);
      CHECK(uniform_fan_in(x, fan).raw() == x.raw());
      check_uniform(x, 1 / std::sqrt(static_cast<double>(fan)));
    }
  Tensor none({5}, DType::f64);
  uniform_fan_in(none, 0);
  for (const double value : none.values<double>()) CHECK(value == 0);
}

TEST_CASE("init: Kaiming's normal, fan-out") {
  seed(2);
  Tensor w({64, 12, 7}), x({10, 512}, DType::f64);
  kaiming_normal_fan_out(w), kaiming_normal_fan_out(x);
  check_normal(w, std::sqrt(2.0 / (64 * 7)));
  check_normal(x, std::sqrt(2.0 / 10));
}

TEST_CASE("init: draws follow the seed") {
  Tensor a({100}), b({100}), c({100});
  seed(5);
  uniform_fan_in(a, 4);
  uniform_fan_in(b, 4);
  seed(5);
  uniform_fan_in(c, 4);
  CHECK(identical(a, c));
  CHECK_FALSE(identical(a, b));
}
