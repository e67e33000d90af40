// tests/cpu/conv1d_test.cpp: each algorithm of a convolution against products by taps, and Winograd's error
// against f64
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/cpu/conv1d.hpp>
#include <cstdlib>
#include <op/support.hpp>
#include <optional>
#include <thread>

using namespace cordis;

namespace {

struct Case {
  std::int64_t N, L, C, O, K;
  Conv1dOptions options{};
};

// y, dx, dw of one algorithm, or of the environment's, from the same x, w and dy.
Tensors results(const Case& c, std::optional<Conv1dAlgorithm> algorithm, DType dtype) {
  std::optional<Conv1dAlgorithmGuard> guard;
  if (algorithm) guard.emplace(*algorithm);
  const PoisonGuard poison;
  const Tensor x = random_tensor({c.N, c.L, c.C}, 1).to(dtype);
  // as large as an initialisation makes them
  const double size = 1 / std::sqrt(static_cast<double>(c.C * c.K));
  const Tensor w = random_tensor({c.O, c.C, c.K}, 2, -size, size).to(dtype);
  Tensor y({c.N, (c.L + 2 * c.options.padding - c.K) / c.options.stride + 1, c.O}, dtype);
  Tensor dx = empty_like(x), dw = empty_like(w);
  conv1d_forward(Cpu{}, y, x, w, {}, c.options);
  const Tensor dy = random_tensor(y.shape(), 3).to(dtype);
  conv1d_backward_data(Cpu{}, dx, dy, w, c.options);
  conv1d_backward_weight(Cpu{}, dw, dy, x, c.options);
  return {y, dx, dw};
}

// Largest difference over the largest value.
double relative(const Tensor& a, const Tensor& exact) {
  double difference = 0, size = 0;
  const Tensor wide = a.to(DType::f64);
  for (std::int64_t i = 0; i < exact.numel(); ++i) {
    const double error = std::abs(wide.data<double>()[i] - exact.data<double>()[i]);
    if (!(error <= difference)) difference = error;
    size = std::max(size, std::abs(exact.data<double>()[i]));
  }
  return difference / size;
}

void compare(const Case& c, Conv1dAlgorithm algorithm) {
  for (const int threads : {1, 2, 3}) {
    const ThreadGuard guard(threads);
    CAPTURE(threads);
    const Tensors expected = results(c, Conv1dAlgorithm::taps, DType::f64),
                  given = results(c, algorithm, DType::f64);
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      CHECK(relative(given[i], expected[i]) < 2e-14);
    }
    CHECK(identical(given, results(c, algorithm, DType::f64)));
  }
}

}  // namespace

TEST_CASE("conv1d algorithms: direct equals products by taps, with any stride, padding and width") {
  Generator generator(3);
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    return static_cast<std::int64_t>(low + generator.below(high - low + 1));
  };
  for (int i = 0; i < 40; ++i) {
    const std::int64_t K = draw(1, 8), padding = draw(0, 5);
    const Case c{draw(1, 5),  std::max<std::int64_t>(1, K - 2 * padding) + draw(0, 40),
                 draw(1, 70), draw(1, 140),
                 K,           {.stride = draw(1, 4), .padding = padding}};
    CAPTURE(c.N);
    CAPTURE(c.L);
    CAPTURE(c.C);
    CAPTURE(c.O);
    CAPTURE(c.K);
    CAPTURE(c.options.stride);
    CAPTURE(padding);
    compare(c, Conv1dAlgorithm::direct);
  }
}

TEST_CASE("conv1d algorithms: direct cuts a long depth, and shares one record between threads") {
  compare({1, 5, 700, 130, 3, {.padding = 1}}, Conv1dAlgorithm::direct);
  compare({1, 200, 16, 64, 3, {.padding = 1}}, Conv1dAlgorithm::direct);
  compare({2, 100, 2050, 3, 1}, Conv1dAlgorithm::direct);
  compare({1, 130, 5, 300, 1}, Conv1dAlgorithm::direct);
}

TEST_CASE("conv1d algorithms: Winograd equals products by taps, with any length and padding") {
  Generator generator(4);
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    return static_cast<std::int64_t>(low + generator.below(high - low + 1));
  };
  for (int i = 0; i < 24; ++i) {
    const std::int64_t padding = draw(0, 4), lanes = kLanes<double>;
    const Case c{draw(1, 6), 3 + draw(0, 70),     lanes * draw(1, 9), lanes * draw(1, 9),
                 3,          {.padding = padding}};
    CAPTURE(c.N);
    CAPTURE(c.L);
    CAPTURE(c.C);
    CAPTURE(c.O);
    CAPTURE(padding);
    compare(c, Conv1dAlgorithm::winograd);
  }
}

TEST_CASE("conv1d algorithms: Winograd's error in f32 at the networks' shapes") {
  struct Size {
    std::int64_t L, C;
  };
  for (const Size& size : {Size{250, 64}, Size{125, 128}, Size{63, 256}, Size{32, 512}}) {
    const Case c{4, size.L, size.C, size.C, 3, {.padding = 1}};
    CAPTURE(size.C);
    const Tensors exact = results(c, Conv1dAlgorithm::direct, DType::f64),
                  winograd = results(c, Conv1dAlgorithm::winograd, DType::f32),
                  direct = results(c, Conv1dAlgorithm::direct, DType::f32);
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      CHECK(relative(winograd[i], exact[i]) < 4e-6);
      CHECK(relative(direct[i], exact[i]) < 2e-6);
    }
  }
}

TEST_CASE("conv1d algorithms: CORDIS_CONV1D chooses for a thread, and a wrong name is refused") {
  const Case c{2, 70, 16, 16, 3, {.padding = 1}};
  const auto in_new_thread = [&](const char* name) {
    REQUIRE(setenv("CORDIS_CONV1D", name, 1) == 0);
    Tensors given;
    std::string error;
    std::thread([&] { error = refusal([&] { given = results(c, {}, DType::f32); }); }).join();
    unsetenv("CORDIS_CONV1D");
    return std::pair(given, error);
  };
  const auto automatic = results(c, Conv1dAlgorithm::automatic, DType::f32),
             direct = results(c, Conv1dAlgorithm::direct, DType::f32);
  CHECK_FALSE(identical(automatic, direct));
  CHECK(identical(in_new_thread("direct").first, direct));
  CHECK(identical(in_new_thread("winograd").first, automatic));
  CHECK(says(in_new_thread("fast").second, {"CORDIS_CONV1D", "\"fast\"", "winograd"}));
}
