// tests/cuda/conv1d_test.cpp: convolution, linear layers and pooling against the CPU
#include <cordis/autograd/gradcheck.hpp>
#include <cordis/op/conv1d.hpp>
#include <cordis/op/conv1d_packed.hpp>
#include <cordis/op/linear.hpp>
#include <cordis/op/pool1d.hpp>

#include "support.hpp"

TEST_CASE("convolution of random shapes agrees with the CPU's, forward and backward") {
  Generator generator(1);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(high - low + 1)));
  };
  for (const DType dtype : kFloats)
    for (int trial = 0; trial < 12; ++trial) {
      const std::int64_t groups = trial % 4 == 3 ? pick(2, 3) : 1, K = pick(1, 7),
                         dilation = trial % 3 ? 1 : pick(1, 3), padding = pick(0, K),
                         C = groups * (trial % 2 ? awkward(generator, 40) : pick(1, 5)),
                         O = groups * (trial % 2 ? pick(1, 5) : awkward(generator, 40)),
                         L = dilation * (K - 1) + 1 + pick(0, 40), N = pick(1, 3);
      const Conv1dOptions options{
          .stride = pick(1, 3), .padding = padding, .dilation = dilation, .groups = groups};
      const Tensor bias = trial % 2 ? random_tensor({O}, dtype, 2) : Tensor{};
      same_on_device(concat("conv1d N ", N, " L ", L, " C ", C, " O ", O, " K ", K, " stride ",
                            options.stride, " padding ", padding, " dilation ", dilation, " groups ", groups),
                     [&](const Variables& v) { return Variables{conv1d(v[0], v[1], v[2], options)}; },
                     {random_tensor({N, L, C}, dtype, 3), random_tensor({O, C / groups, K}, dtype, 4), bias});
    }
}

TEST_CASE("a long sum is split and added in a fixed order") {
  const Tensors inputs{random_tensor({4, 600, 3}, DType::f32, 5), random_tensor({2, 3, 3}, DType::f32, 6)};
  const auto run = [&] {
    const BackendGuard own(Backend::own);
    const Variable x(inputs[0].to(Device::cuda()), true), w(inputs[1].to(Device::cuda()), true);
    const Variable y = conv1d(x, w, {}, {.stride = 1, .padding = 1});
    backward({y}, {random_tensor(y.shape(), DType::f32, 7).to(Device::cuda())});
    return w.grad().to(Device::cpu());
  };
  const Tensor first = run(), second = run();
  CHECK(difference(first, second) == 0);
  same_on_device(
      "split", [](const Variables& v) { return Variables{conv1d(v[0], v[1], {}, {.padding = 1})}; }, inputs);
}

TEST_CASE("an empty batch has a gradient of zeros") {
  same_on_device("empty", [](const Variables& v) { return Variables{conv1d(v[0], v[1], v[2])}; },
                 {Tensor({0, 9, 3}, DType::f32), random_tensor({4, 3, 2}, DType::f32, 8),
                  random_tensor({4}, DType::f32, 9)});
}

TEST_CASE("gradients of the device's convolution pass gradcheck") {
  const auto f = [](const Variables& v) {
    return conv1d(v[0], v[1], v[2], {.stride = 2, .padding = 1, .dilation = 1, .groups = 1});
  };
  for (const Backend each : backends()) {
    const BackendGuard guard(each);
    const auto result = gradcheck(f, {random_tensor({2, 5, 3}, DType::f64, 10).to(Device::cuda()),
                                      random_tensor({2, 3, 3}, DType::f64, 11).to(Device::cuda()),
                                      random_tensor({2}, DType::f64, 12).to(Device::cuda())});
    CHECK_MESSAGE(result.ok, result.message);
  }
}

TEST_CASE("packed convolution with residual and ReLU") {
  for (const DType dtype : kFloats) {
    const Tensor x = random_tensor({2, 17, 5}, dtype, 13), w = random_tensor({6, 5, 3}, dtype, 14),
                 b = random_tensor({6}, dtype, 15), residual = random_tensor({2, 9, 6}, dtype, 16);
    const Conv1dOptions options{.stride = 2, .padding = 1};
    const auto run = [&](Device device) {
      const NoGrad off;
      return conv1d_packed(x.to(device), pack_conv1d(w.to(device), b.to(device), options),
                           {.residual = residual.to(device), .relu = true});
    };
    for (const Backend each : backends()) {
      const BackendGuard guard(each);
      check_same("packed", run(Device::cuda()), run(Device::cpu()), dtype == DType::f32 ? 2e-6 : 1e-13);
    }
  }
}

TEST_CASE("linear layers of awkward sizes") {
  Generator generator(17);
  for (const DType dtype : kFloats)
    for (int trial = 0; trial < 10; ++trial) {
      const std::int64_t M = awkward(generator), I = awkward(generator), O = awkward(generator);
      const Tensor bias = trial % 2 ? random_tensor({O}, dtype, 18) : Tensor{};
      same_on_device(concat("linear ", M, ' ', I, ' ', O),
                     [](const Variables& v) { return Variables{linear(v[0], v[1], v[2])}; },
                     {random_tensor({M, I}, dtype, 19), random_tensor({O, I}, dtype, 20), bias});
    }
  same_on_device("a long sum", [](const Variables& v) { return Variables{linear(v[0], v[1])}; },
                 {random_tensor({2, 1500}, DType::f32, 21), random_tensor({3, 1500}, DType::f32, 22)});
  same_on_device("three axes", [](const Variables& v) { return Variables{linear(v[0], v[1])}; },
                 {random_tensor({2, 3, 5}, DType::f64, 23), random_tensor({4, 5}, DType::f64, 24)});
}

TEST_CASE("max pooling, windows and winners") {
  Generator generator(25);
  for (const DType dtype : kFloats)
    for (const MaxPool1dOptions& options :
         {MaxPool1dOptions{.kernel = 3, .stride = 2, .padding = 1}, MaxPool1dOptions{.kernel = 2},
          MaxPool1dOptions{.kernel = 3, .stride = 1, .padding = 1, .dilation = 2},
          MaxPool1dOptions{.kernel = 1}, MaxPool1dOptions{.kernel = 130, .stride = 3, .padding = 60}}) {
      const std::int64_t L = options.kernel > 100 ? 140 : 33;
      Tensor x = random_tensor({2, L, awkward(generator, 40)}, dtype, 26);
      same_on_device(concat("max_pool ", options.kernel),
                     [&](const Variables& v) { return Variables{max_pool1d(v[0], options)}; }, {x});
      x.fill(0.5);  // of equal samples the first wins
      same_on_device("max_pool of ties",
                     [&](const Variables& v) { return Variables{max_pool1d(v[0], options)}; }, {x});
    }
}

TEST_CASE("NaN wins in every window it is in") {
  Tensor x = random_tensor({1, 9, 2}, DType::f32, 27);
  x.data<float>()[6] = NAN;
  same_on_device("NaN",
                 [&](const Variables& v) { return Variables{max_pool1d(v[0], {.kernel = 3, .stride = 1})}; },
                 {x});
}

TEST_CASE("the mean over the record") {
  Generator generator(28);
  for (const DType dtype : kFloats)
    for (int trial = 0; trial < 4; ++trial)
      same_on_device(
          "global_avg_pool1d", [](const Variables& v) { return Variables{global_avg_pool1d(v[0])}; },
          {random_tensor({awkward(generator, 5), awkward(generator), awkward(generator)}, dtype, 29)});
}
