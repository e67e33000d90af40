// tests/mpi/batch_norm_test.cpp: synchronised batch norm against central differences, over all ranks
#include <cordis/autograd/gradcheck.hpp>
#include <cordis/data/loader.hpp>
#include <cordis/mpi/batch_norm.hpp>

#include "refusal.hpp"
#include "support.hpp"

using namespace cordis;

namespace {

// This rank's rows of x, which all ranks hold; backward gives all ranks the gradient of all rows.
Variable shared_rows(const Variable& x, std::int64_t begin, std::int64_t end) {
  return record("shared_rows", x.value().rows(begin, end).clone(), {x},
                [=, shape = x.shape()](const Tensor& dy) {
                  Tensor dx = zeros(shape, DType::f64);
                  dx.rows(begin, end).copy_from(dy);
                  world().all_reduce_sum(dx);
                  return Tensors{dx};
                });
}
// x, which all ranks hold; backward adds their gradients.
Variable shared(const Variable& x) {
  return record("shared", x.value(), {x}, [](const Tensor& dy) {
    const Tensor dx = dy.clone();
    world().all_reduce_sum(dx);
    return Tensors{dx};
  });
}
// The rows of all ranks, on all ranks.
Variable joined(const Variable& y, const Shape& shape, std::int64_t begin, std::int64_t end) {
  Tensor all = zeros(shape, DType::f64);
  all.rows(begin, end).copy_from(y.value());
  world().all_reduce_sum(all);
  return record("joined", all, {y}, [=](const Tensor& dy) { return Tensors{dy.rows(begin, end).clone()}; });
}

struct NormedNet {
  BatchNorm1d bn;
  static void visit(auto& m, auto&& f) { f("bn", m.bn); }
};

}  // namespace

TEST_CASE("synchronised batch norm: gradients are those of central differences over all ranks' rows") {
  const std::int64_t C = 3, L = 2;
  // Rows in equal shards, and in shards of 1, 2, 3 ... rows.
  for (const bool unequal : {false, true})
    for (const bool relu : {false, true})
      for (const bool add : {false, true}) {
        CAPTURE(unequal);
        CAPTURE(relu);
        CAPTURE(add);
        const std::int64_t R = world().size(), r = world().rank();
        const std::int64_t N = unequal ? R * (R + 1) / 2 + 1 : 2 * R;
        const std::int64_t begin = unequal ? r * (r + 1) / 2 : 2 * r;
        const std::int64_t end = !unequal ? begin + 2 : r + 1 == R ? N : (r + 1) * (r + 2) / 2;
        NormedNet net{BatchNorm1d(C)};
        to(net, DType::f64);
        synchronise_batch_norm(net, world());
        Generator generator(5);
        Tensors inputs;
        for (int i = 0; i < 2; ++i) {
          inputs.push_back(Tensor({N, L, C}, DType::f64));
          fill_uniform(inputs.back(), -2, 2, generator);
        }
        for (int i = 0; i < 2; ++i) {
          inputs.push_back(Tensor({C}, DType::f64));
          fill_uniform(inputs.back(), 0.5, 1.5, generator);
        }
        const auto result = gradcheck(
            [&](const Variables& v) {
              net.bn.weight = shared(v[2]);
              net.bn.bias = shared(v[3]);
              const Variable x = shared_rows(v[0], begin, end), shortcut = shared_rows(v[1], begin, end);
              const Variable y = add ? net.bn.add_relu(x, shortcut) : relu ? net.bn.relu(x) : net.bn(x);
              return joined(y, v[0].shape(), begin, end);
            },
            inputs, {.rtol = 1e-5});
        INFO(result.message);
        CHECK(result.ok);
        CHECK(result.worst < 1e-7);
      }
}

TEST_CASE("synchronised batch norm: outputs and running statistics are one rank's on the whole batch") {
  const std::int64_t C = 6;
  NormedNet one{BatchNorm1d(C)}, all{BatchNorm1d(C)};
  to(one, DType::f64);
  to(all, DType::f64);
  synchronise_batch_norm(all, world());
  NormedNet copy = all;
  const Shard shard{.index = world().rank(), .of = world().size()};
  for (const std::int64_t n : {7, 12, 4}) {
    const Tensor x = records(n, 9, C, 1).x;
    const Tensor y = one.bn(Variable(x)).value();
    const Tensor mine = copy.bn(Variable(x.rows(shard.begin(n), shard.end(n)).clone())).value();
    CHECK(apart(mine, y.rows(shard.begin(n), shard.end(n))) < 1e-13);
  }
  CHECK(apart(state_dict(copy), state_dict(one)) < 1e-13);
  eval(one);
  eval(copy);
  const Tensor x = records(3, 9, C, 1).x;  // each rank for itself
  if (world().rank() == 0) CHECK(apart(copy.bn(Variable(x)).value(), one.bn(Variable(x)).value()) < 1e-13);
}
