// tests/cuda/support.hpp: the same op on the CPU and on a device, outputs and gradients side by side
#pragma once

#include <doctest/doctest.h>

#include <cordis/autograd/variable.hpp>
#include <cordis/core/random.hpp>
#include <cordis/cuda/runtime.hpp>
#include <functional>
#include <string>
#include <vector>

using namespace cordis;

// Elements in [low, high), f32 values in either type.
inline Tensor random_tensor(const Shape& shape, DType dtype, std::uint64_t seed, double low = -1,
                            double high = 1) {
  Generator generator(seed, 77);
  Tensor x(shape, DType::f32);
  return fill_uniform(x, low, high, generator).to(dtype);
}

// One of the sizes at which kernels go wrong: 1, around a warp, or anything up to `most`.
inline std::int64_t awkward(Generator& generator, std::int64_t most = 70) {
  constexpr std::int64_t kSizes[] = {1, 2, 31, 32, 33};
  const auto pick = generator.below(8);
  const std::int64_t size =
      pick < 5 ? kSizes[pick]
               : 1 + static_cast<std::int64_t>(generator.below(static_cast<std::uint64_t>(most)));
  return std::min(size, most);
}

// The largest difference, in units of the largest |b| (at least 1e-3).
inline double difference(const Tensor& a, const Tensor& b) {
  const Tensor left = a.to(Device::cpu()).to(DType::f64), right = b.to(Device::cpu()).to(DType::f64);
  double worst = 0, top = 1e-3;
  for (std::int64_t i = 0; i < left.numel(); ++i) {
    const double x = left.data<double>()[i], y = right.data<double>()[i];
    if (std::isnan(x) && std::isnan(y)) continue;
    const double error = x == y ? 0 : std::abs(x - y);
    if (!(error <= worst)) worst = error;
    top = std::max(top, std::isfinite(y) ? std::abs(y) : 0.0);
  }
  return worst / top;
}

inline void check_same(const std::string& what, const Tensor& device, const Tensor& cpu, double tolerance) {
  INFO(what);
  REQUIRE(device.defined() == cpu.defined());
  if (!cpu.defined()) return;
  CHECK(device.device() == Device::cuda());
  REQUIRE(device.shape() == cpu.shape());
  REQUIRE(device.dtype() == cpu.dtype());
  const double found = difference(device, cpu);
  CHECK_MESSAGE(found <= tolerance, what, ": differs by ", found, ", allowed ", tolerance);
}

using Op = std::function<Variables(const Variables&)>;

struct SameOptions {
  double f32 = 2e-6, f64 = 1e-13;   // allowed differences
  std::vector<bool> constant = {};  // inputs that want no gradient
};

inline std::vector<Backend> backends() {
  std::vector<Backend> all{Backend::own};
  if (cudnn_available()) all.push_back(Backend::automatic);
  return all;
}

// Outputs, and gradients of all inputs for random upstream gradients, agree; new memory is poisoned, so that
// what a kernel leaves unwritten shows.
inline void same_on_device(const std::string& what, const Op& op, const Tensors& inputs,
                           const SameOptions& options = {}) {
  struct Run {
    Tensors outputs, gradients;
  };
  const auto run = [&](Device device) {
    Variables leaves;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool constant = !inputs[i].defined() || inputs[i].dtype() == DType::i64 ||
                            (i < options.constant.size() && options.constant[i]);
      leaves.push_back(inputs[i].defined() ? Variable(inputs[i].to(device).clone(), !constant) : Variable{});
    }
    const PoisonGuard poison;
    const Variables outputs = op(leaves);
    Run result;
    Tensors upstream;
    Variables reached;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      result.outputs.push_back(outputs[i].value());
      if (!outputs[i].requires_grad()) continue;
      reached.push_back(outputs[i]);
      upstream.push_back(random_tensor(outputs[i].shape(), outputs[i].dtype(), 1000 + i).to(device));
    }
    if (!reached.empty()) backward(reached, upstream);
    for (const auto& leaf : leaves) result.gradients.push_back(leaf.defined() ? leaf.grad() : Tensor{});
    return result;
  };
  const Run cpu = run(Device::cpu());
  for (const Backend each : backends()) {
    const BackendGuard guard(each);
    const Run device = run(Device::cuda());
    const std::string label = what + (each == Backend::own ? "" : " (library)");
    const auto compare = [&](const char* kind, const Tensors& a, const Tensors& b) {
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i)
        check_same(concat(label, ", ", kind, ' ', i), a[i], b[i],
                   b[i].defined() && b[i].dtype() == DType::f32 ? options.f32 : options.f64);
    };
    compare("output", device.outputs, cpu.outputs);
    compare("gradient", device.gradients, cpu.gradients);
  }
}

inline constexpr DType kFloats[] = {DType::f32, DType::f64};
