// tests/train/small_net.hpp: a net with batch norm and dropout, and a problem that it can solve
#pragma once

#include <cordis/core/random.hpp>
#include <cordis/data/dataset.hpp>
#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/dropout.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/op/activation.hpp>

namespace small_net {

using namespace cordis;

// (N, 4) -> logits (N, 2)
struct Net {
  Linear fc1;
  BatchNorm1d bn;
  Dropout dropout;
  Linear fc2;

  static void visit(auto& m, auto&& f) {
    f("fc1", m.fc1), f("bn", m.bn), f("dropout", m.dropout), f("fc2", m.fc2);
  }

  explicit Net(std::uint64_t of_seed, std::int64_t hidden = 8) {
    seed(of_seed);
    fc1 = Linear(4, hidden);
    bn = BatchNorm1d(hidden);
    dropout = Dropout{.p = 0.1};
    fc2 = Linear(hidden, 2);
  }
  Variable operator()(const Variable& x) const { return fc2(dropout(relu(bn(fc1(x))))); }
};

// Two classes, each on one side of a plane.
inline TensorDataset problem(std::int64_t n, std::uint64_t of_seed, DType dtype = DType::f32) {
  Generator generator(of_seed);
  Tensor x({n, 4}, DType::f64), y({n, 2}, DType::f64);
  fill_normal(x, 0, 1, generator);
  for (std::int64_t i = 0; i < n; ++i) {
    const double* row = x.data<double>() + 4 * i;
    y.data<double>()[2 * i] = row[0] > 0.2;
    y.data<double>()[2 * i + 1] = row[1] + row[2] > row[3];
  }
  return {x.to(dtype), y.to(dtype)};
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}
inline bool same_bits(const StateDict& a, const StateDict& b) {
  return std::ranges::equal(a, b, [](const NamedTensor& x, const NamedTensor& y) {
    return x.name == y.name && same_bits(x.tensor, y.tensor);
  });
}
inline StateDict copy_of(const StateDict& state) {
  StateDict copy;
  for (const auto& [name, tensor] : state) copy.push_back({name, tensor.clone()});
  return copy;
}

}  // namespace small_net
