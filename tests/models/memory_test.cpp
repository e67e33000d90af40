// tests/models/memory_test.cpp: training steps live on the memory of the first ones
#include <doctest/doctest.h>

#include <cordis/models/recurrent.hpp>
#include <cordis/models/resnet1d.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>
#include <op/support.hpp>

#include "end_to_end.hpp"
#include "sanitized.hpp"

using namespace cordis;

namespace {

// Blocks asked of the system in each of six training steps.
template <Walkable Net>
std::vector<std::size_t> allocations(Net& net, std::int64_t classes) {
  const Tensor x = end_to_end::drawn({4, 120, 3}, DType::f32, 1), y = ones({4, classes});
  Adam adam(net, {.lr = 1e-3});
  std::vector<std::size_t> made;
  for (int step = 0; step < 6; ++step) {
    const auto before = memory_stats().system_allocs;
    bce_with_logits(net(x), y).backward();
    adam.step();
    made.push_back(memory_stats().system_allocs - before);
  }
  return made;
}

}  // namespace

TEST_CASE("memory: from the third step on training asks the system for nothing") {
  if (kAddressSanitizer) return;
  for (const int threads : {1, 2, 3}) {
    CAPTURE(threads);
    const ThreadGuard guard(threads);
    empty_cache();
    ResNet1d18 residual({.leads = 3, .classes = 2, .width = 16, .fc = 32});
    LstmClassifier recurrent({.leads = 3, .classes = 2, .length = 120, .hidden = 20});
    for (const auto& steps : {allocations(residual, 2), allocations(recurrent, 2)}) {
      CHECK(steps[0] > 0);
      for (std::size_t step = 2; step < steps.size(); ++step) CHECK(steps[step] == 0);
    }
  }
}
