// tests/cuda/loss_test.cpp: losses against the CPU
#include <cordis/op/loss.hpp>

#include "support.hpp"

TEST_CASE("bce_with_logits agrees with the CPU's in every reduction, with and without pos_weight") {
  Generator generator(1);
  for (const DType dtype : kFloats)
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
      for (const bool weighted : {false, true}) {
        const std::int64_t N = awkward(generator), K = awkward(generator, 40);
        same_on_device(
            concat("bce ", N, ' ', K),
            [&](const Variables& v) {
              return Variables{bce_with_logits(
                  v[0], v[1], {.pos_weight = weighted ? v[2].value() : Tensor{}, .reduction = reduction})};
            },
            {random_tensor({N, K}, dtype, 2, -30, 30), random_tensor({N, K}, dtype, 3, 0, 1),
             random_tensor({K}, dtype, 4, 0.5, 3)},
            {.f32 = 2e-6, .f64 = 1e-13, .constant = {false, true, true}});
      }
}

TEST_CASE("cross_entropy agrees with the CPU's: weights, smoothing, ignored targets, reductions") {
  Generator generator(5);
  for (const DType dtype : kFloats)
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
      for (const double smoothing : {0.0, 0.1}) {
        const std::int64_t N = awkward(generator), K = 1 + awkward(generator, 20);
        Tensor y({N}, DType::i64);
        for (std::int64_t n = 0; n < N; ++n)
          y.data<std::int64_t>()[n] =
              n % 5 == 4 ? -100 : static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(K)));
        const bool weighted = generator.uniform() < 0.5;
        same_on_device(concat("cross_entropy ", N, ' ', K),
                       [&](const Variables& v) {
                         return Variables{cross_entropy(v[0], v[1],
                                                        {.weight = weighted ? v[2].value() : Tensor{},
                                                         .label_smoothing = smoothing,
                                                         .reduction = reduction})};
                       },
                       {random_tensor({N, K}, dtype, 6, -10, 10), y, random_tensor({K}, dtype, 7, 0.5, 3)},
                       {.f32 = 2e-6, .f64 = 1e-13, .constant = {false, true, true}});
      }
}

TEST_CASE("a target that is no class is named, with its row") {
  const Tensor x = zeros({3, 4}).to(Device::cuda());
  const Tensor y = Tensor::of<std::int64_t>({3}, {0, 4, 9}).to(Device::cuda());
  CHECK_THROWS_WITH(cross_entropy(x, y), doctest::Contains("target 4 of row 1 is not in 0 .. 3"));
}
