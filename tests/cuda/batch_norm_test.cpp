// tests/cuda/batch_norm_test.cpp: batch norm in all its forms against the CPU
#include <cordis/autograd/gradcheck.hpp>
#include <cordis/op/batch_norm.hpp>

#include "support.hpp"

namespace {
struct Running {
  Tensor mean, var;
};
}  // namespace

TEST_CASE("batch norm agrees with the CPU's: training or not, ReLU, residual, affine, running statistics") {
  Generator generator(1);
  for (const DType dtype : kFloats)
    for (int form = 0; form < 16; ++form) {
      const bool training = form & 1, relu = form & 2, with_residual = form & 4, affine = form & 8;
      const std::int64_t N = 1 + static_cast<std::int64_t>(generator.below(3)),
                         L = 2 + awkward(generator, 40), C = awkward(generator, 40);
      Running last[2];
      int run = 0;
      same_on_device(
          concat("batch_norm form ", form, " (", N, ", ", L, ", ", C, ")"),
          [&](const Variables& v) {
            const Device device = v[0].device();
            Running& running = last[device.kind == Device::Kind::cpu ? 0 : 1];
            running = {random_tensor({C}, dtype, 2).to(device).clone(),
                       random_tensor({C}, dtype, 3, 0.5, 2).to(device).clone()};
            ++run;
            return Variables{batch_norm(v[0], v[1], v[2], running.mean, running.var,
                                        {.momentum = 0.3, .training = training, .relu = relu}, v[3])};
          },
          {random_tensor({N, L, C}, dtype, 4), affine ? random_tensor({C}, dtype, 5, 0.5, 2) : Tensor{},
           affine ? random_tensor({C}, dtype, 6) : Tensor{},
           with_residual ? random_tensor({N, L, C}, dtype, 7) : Tensor{}},
          {.f32 = 2e-5, .f64 = 1e-12, .constant = {}});
      CHECK(run >= 2);
      check_same("running mean", last[1].mean, last[0].mean, dtype == DType::f32 ? 1e-6 : 1e-13);
      check_same("running var", last[1].var, last[0].var, dtype == DType::f32 ? 1e-6 : 1e-13);
    }
}

TEST_CASE("many rows: groups, rows of threads and blocks are merged") {
  for (const DType dtype : kFloats)
    for (const Shape& shape : {Shape{9, 301, 3}, Shape{600, 2}, Shape{2, 1}, Shape{5, 127, 33}}) {
      Tensor x =
          random_tensor(shape, dtype, 8, 99, 101);  // far from zero: plain sums of squares would lose it
      same_on_device(concat("batch_norm ", shape),
                     [&](const Variables& v) { return Variables{batch_norm(v[0], {}, {}, {}, {}, {})}; }, {x},
                     {.f32 = 1e-4, .f64 = 1e-10, .constant = {}});
    }
}

TEST_CASE("batch norm without a gradient for x still has those of weight and bias") {
  same_on_device(
      "frozen x",
      [](const Variables& v) { return Variables{batch_norm(v[0], v[1], v[2], {}, {}, {.relu = true})}; },
      {random_tensor({3, 7, 5}, DType::f64, 9), random_tensor({5}, DType::f64, 10),
       random_tensor({5}, DType::f64, 11)},
      {.f32 = 0, .f64 = 1e-12, .constant = {true}});
}

TEST_CASE("gradients of the device's batch norm pass gradcheck") {
  const auto f = [](const Variables& v) {
    return batch_norm(v[0], v[1], v[2], {}, {}, {.relu = false}, v[3]);
  };
  const auto place = [](const Shape& shape, std::uint64_t seed) {
    return random_tensor(shape, DType::f64, seed).to(Device::cuda());
  };
  const auto result =
      gradcheck(f, {place({2, 3, 2}, 12), place({2}, 13), place({2}, 14), place({2, 3, 2}, 15)});
  CHECK_MESSAGE(result.ok, result.message);
}
