// tests/mpi/support.hpp: what the cases of several ranks share
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cordis/core/random.hpp>
#include <cordis/data/dataset.hpp>
#include <cordis/mpi/communicator.hpp>
#include <cordis/nn/module.hpp>

inline const cordis::Communicator*& world_of_tests() {
  static const cordis::Communicator* ranks = nullptr;
  return ranks;
}
inline const cordis::Communicator& world() { return *world_of_tests(); }

// n records (L, C) and labels (K,) of 0 and 1 in f64, the same on every rank.
inline cordis::TensorDataset records(std::int64_t n, std::int64_t L, std::int64_t C, std::int64_t K) {
  cordis::Generator generator(11);
  cordis::TensorDataset data{cordis::Tensor({n, L, C}, cordis::DType::f64),
                             cordis::Tensor({n, K}, cordis::DType::f64)};
  cordis::fill_uniform(data.x, -1, 1, generator);
  for (double& label : data.y.values<double>()) label = generator.uniform() < 0.4;
  return data;
}

// The largest |a - b| relative to 1 + |b|; NaN where there is one.
inline double apart(const cordis::Tensor& a, const cordis::Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  const cordis::Tensor wide_a = a.to(cordis::DType::f64), wide_b = b.to(cordis::DType::f64);
  double worst = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double x = wide_a.data<double>()[i], y = wide_b.data<double>()[i];
    const double error = std::abs(x - y) / (1 + std::abs(y));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
inline double apart(const cordis::StateDict& a, const cordis::StateDict& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].name == b[i].name);
    const double error = apart(a[i].tensor, b[i].tensor);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
