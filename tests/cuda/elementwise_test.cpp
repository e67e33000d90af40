// tests/cuda/elementwise_test.cpp: activation, arithmetic, dropout, rows, sequence against the CPU
#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/dropout.hpp>
#include <cordis/op/reshape.hpp>
#include <cordis/op/rows.hpp>
#include <cordis/op/sequence.hpp>

#include "support.hpp"

TEST_CASE("activations agree with the CPU's at every size") {
  for (const DType dtype : kFloats)
    for (const std::int64_t n : {0, 1, 3, 31, 32, 33, 257, 1025}) {
      Tensor x = random_tensor({n}, dtype, 1, -4, 4);
      same_on_device(concat("relu ", n), [](const Variables& v) { return Variables{relu(v[0])}; }, {x});
      same_on_device(concat("sigmoid ", n), [](const Variables& v) { return Variables{sigmoid(v[0])}; }, {x});
      same_on_device(concat("tanh ", n), [](const Variables& v) { return Variables{tanh(v[0])}; }, {x});
    }
}

TEST_CASE("relu keeps NaN and zeroes negative numbers on the device") {
  const Tensor x = Tensor::of<float>({4}, {NAN, -INFINITY, INFINITY, -0.5f}).to(Device::cuda());
  const Tensor y = relu(x).value().to(Device::cpu());
  CHECK(std::isnan(y.data<float>()[0]));
  CHECK(y.data<float>()[1] == 0);
  CHECK(std::isinf(y.data<float>()[2]));
  CHECK(y.data<float>()[3] == 0);
}

TEST_CASE("vectors of an unaligned view are as good as others") {
  const Tensor x = random_tensor({9, 3}, DType::f32, 2);
  same_on_device("rows", [](const Variables& v) { return Variables{relu(rows(v[0], 1, 9))}; }, {x});
}

TEST_CASE("arithmetic broadcasts as on the CPU") {
  Generator generator(3);
  const std::vector<std::pair<Shape, Shape>> cases{
      {{33}, {33}},      {{2, 3, 5}, {5}},    {{2, 3, 5}, {3, 1}},
      {{4, 1}, {1, 31}}, {{}, {7}},           {{2, 1, 3, 1}, {5, 1, 2}},
      {{300, 2}, {1}},   {{0, 3}, {3}},       {{1, 1}, {1}},
      {{5000}, {1}},     {{2, 6000}, {2, 1}}, {{70, 33}, {33}}};
  for (const DType dtype : kFloats)
    for (const auto& [a, b] : cases) {
      const Tensors inputs{random_tensor(a, dtype, 4), random_tensor(b, dtype, 5)};
      const std::string shapes = concat(a, ' ', b);
      same_on_device(
          "add " + shapes, [](const Variables& v) { return Variables{v[0] + v[1]}; }, inputs);
      same_on_device(
          "sub " + shapes, [](const Variables& v) { return Variables{v[0] - v[1]}; }, inputs);
      same_on_device(
          "mul " + shapes, [](const Variables& v) { return Variables{v[0] * v[1]}; }, inputs);
    }
}

TEST_CASE("sums and means agree, and their gradients spread") {
  for (const DType dtype : kFloats)
    for (const std::int64_t n : {1, 33, 255, 256, 257, 5000, 20000}) {
      const Tensor x = random_tensor({n}, dtype, 6);
      same_on_device(concat("sum ", n), [](const Variables& v) { return Variables{sum(v[0])}; }, {x});
      same_on_device(concat("mean ", n), [](const Variables& v) { return Variables{mean(v[0])}; }, {x});
    }
}

TEST_CASE("a gradient that arrives twice is added on the device") {
  const Tensor x = random_tensor({37}, DType::f64, 7);
  same_on_device("twice", [](const Variables& v) { return Variables{v[0] * v[0] + v[0]}; }, {x});
}

TEST_CASE("dropout drops the same elements on every device") {
  for (const DType dtype : kFloats)
    for (const double p : {0.0, 0.3, 1.0})
      same_on_device(concat("dropout ", p),
                     [&](const Variables& v) {
                       Generator generator(8, 5);
                       return Variables{dropout(v[0], p, true, generator)};
                     },
                     {random_tensor({3, 129}, dtype, 9)}, {.f32 = 0, .f64 = 0, .constant = {}});
}

TEST_CASE("rows, concatenation and reshaping") {
  for (const DType dtype : kFloats) {
    const Tensor a = random_tensor({5, 3}, dtype, 10), b = random_tensor({2, 3}, dtype, 11);
    same_on_device("rows",
                   [](const Variables& v) {
                     return Variables{rows(v[0], 1, 4), concatenate_rows({v[0], v[1], v[0]}), flatten(v[1])};
                   },
                   {a, b});
  }
}

TEST_CASE("the last state of one direction and of two") {
  for (const DType dtype : kFloats)
    for (const std::int64_t directions : {1, 2})
      same_on_device("last_state",
                     [&](const Variables& v) { return Variables{last_state(v[0], directions)}; },
                     {random_tensor({3, 5, 34}, dtype, 12)});
}
