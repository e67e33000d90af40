// tests/core/device_test.cpp: device names, equality, and the switch to the kernels' tags
#include <doctest/doctest.h>

#include <cordis/core/device.hpp>
#include <memory>
#include <type_traits>

#include "refusal.hpp"

using namespace cordis;

TEST_CASE("device: names and equality") {
  CHECK(concat(Device{}, ' ', Device::cpu(), ' ', Device::cuda(), ' ', Device::cuda(3)) ==
        "cpu cpu cuda:0 cuda:3");
  CHECK(Device{} == Device::cpu());
  CHECK(Device::cuda() == Device::cuda(0));
  CHECK(Device::cuda(1) != Device::cuda(0));
  CHECK(Device::cuda() != Device::cpu());
}

TEST_CASE("device: the cpu's tag reaches the kernel, moved and returned without copies") {
  const auto result = on(Device::cpu(), [p = std::make_unique<int>(7)](auto device) {
    static_assert(std::is_same_v<decltype(device), Cpu>);
    return *p;
  });
  CHECK(result == 7);
  int target = 0;
  int& same = on(Device::cpu(), [&](auto) -> int& { return target; });
  CHECK(&same == &target);
}

#ifndef CORDIS_CUDA
TEST_CASE("device: a program without CUDA says so") {
  bool called = false;
  CHECK(says(refusal([&] { on(Device::cuda(2), [&](auto) { called = true; }); }),
             {"[on]", "cuda:2", "built without CUDA"}));
  CHECK_FALSE(called);
}
#endif
