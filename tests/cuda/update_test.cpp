// tests/cuda/update_test.cpp: optimizer steps and gradient norms against the CPU
#include <cordis/optim/adam.hpp>
#include <cordis/optim/clip.hpp>
#include <cordis/optim/sgd.hpp>

#include "support.hpp"

namespace {

// More tensors than one launch takes, of sizes around a block's share; some empty.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{4097}, {4096}, {4095}, {1}, {0}, {3, 5, 7}};
  for (std::int64_t i = 0; i < 40; ++i) all.push_back({1 + i * 3});
  return all;
}

Variables make_parameters(Device device, DType dtype) {
  Variables all;
  std::uint64_t seed = 0;
  for (const auto& shape : shapes())
    all.emplace_back(random_tensor(shape, dtype, ++seed).to(device).clone(), true);
  return all;
}
void give_gradients(Variables& parameters, std::uint64_t step) {
  std::uint64_t seed = 100 * step;
  for (auto& p : parameters) p.grad() = random_tensor(p.shape(), p.dtype(), ++seed).to(p.device()).clone();
}

template <class Optimizer, class Options>
void same_steps(const Options& options) {
  for (const DType dtype : kFloats) {
    Variables cpu = make_parameters(Device::cpu(), dtype), device = make_parameters(Device::cuda(), dtype);
    Optimizer here(cpu, options), there(device, options);
    for (std::uint64_t step = 1; step <= 3; ++step) {
      give_gradients(cpu, step), give_gradients(device, step);
      here.step(), there.step();
    }
    for (std::size_t i = 0; i < cpu.size(); ++i)
      check_same(concat("parameter ", i), device[i].value(), cpu[i].value(),
                 dtype == DType::f32 ? 1e-6 : 1e-14);
    const StateDict a = here.state(), b = there.state();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      CHECK(difference(b[i].tensor, a[i].tensor) <= (dtype == DType::f32 ? 1e-6 : 1e-14));
  }
}

}  // namespace

TEST_CASE("SGD steps agree with the CPU's") {
  same_steps<SGD>(SGDOptions{.lr = 0.1});
  same_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.1, .weight_decay = 0.01});
  same_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true});
}

TEST_CASE("Adam and AdamW steps agree with the CPU's") {
  same_steps<Adam>(AdamOptions{.lr = 0.01, .weight_decay = 0.1});
  same_steps<AdamW>(AdamWOptions{.lr = 0.01});
}

TEST_CASE("gradient norms and clipping agree with the CPU's") {
  for (const DType dtype : kFloats)
    for (const bool infinity : {false, true}) {
      Variables cpu = make_parameters(Device::cpu(), dtype), device = make_parameters(Device::cuda(), dtype);
      give_gradients(cpu, 1), give_gradients(device, 1);
      const ClipOptions options{.infinity_norm = infinity};
      const double a = clip_grad_norm_(cpu, 0.5, options), b = clip_grad_norm_(device, 0.5, options);
      CHECK(std::abs(a - b) <= 1e-12 * a);
      for (std::size_t i = 0; i < cpu.size(); ++i)
        check_same(concat("gradient ", i), device[i].grad(), cpu[i].grad(),
                   dtype == DType::f32 ? 1e-6 : 1e-14);
      device[2].grad() = full({4095}, NAN, dtype, Device::cuda());
      CHECK(std::isnan(clip_grad_norm_(device, 0.5, options)));
    }
}

TEST_CASE("an optimizer whose net has moved takes its state along") {
  Variables cpu = make_parameters(Device::cpu(), DType::f32),
            moved = make_parameters(Device::cpu(), DType::f32);
  Adam here(cpu), there(moved);
  give_gradients(cpu, 1), give_gradients(moved, 1);
  here.step(), there.step();
  for (auto& p : moved) p.value() = p.value().to(Device::cuda());
  give_gradients(cpu, 2), give_gradients(moved, 2);
  here.step(), there.step();
  for (std::size_t i = 0; i < cpu.size(); ++i) check_same("moved", moved[i].value(), cpu[i].value(), 1e-6);
}
