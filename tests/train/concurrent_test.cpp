// tests/train/concurrent_test.cpp: two threads of a program train two nets at once
#include <doctest/doctest.h>

#include <barrier>
#include <cordis/models/recurrent.hpp>
#include <cordis/models/resnet1d.hpp>
#include <cordis/optim/adam.hpp>
#include <cordis/train/trainer.hpp>
#include <thread>

#include "small_net.hpp"

using namespace cordis;
using small_net::copy_of;
using small_net::same_bits;

namespace {

constexpr std::int64_t kLength = 160;

TensorDataset records() {
  Generator generator(3);
  Tensor x({13, kLength, 3}), y({13, 2});
  fill_normal(x, 0, 1, generator);
  for (float& label : y.values<float>()) label = static_cast<float>(generator.below(2));
  return {x, y};
}

// Parameters and running statistics of a new net after nine steps.
template <class Net, class... Options>
StateDict trained(const Options&... options) {
  seed(11);
  Net net(options...);
  Adam adam(net, {.lr = 1e-2});
  const TensorDataset data = records();
  for (std::int64_t epoch = 1; epoch <= 3; ++epoch)
    train_epoch(net, adam, data, {.batch = 5, .seed = 4, .epoch = epoch});
  return copy_of(state_dict(net));
}
StateDict convolutional() {
  return trained<ResNet1d18>(ResNet1dOptions{.leads = 3, .classes = 2, .width = 16, .fc = 8});
}
StateDict recurrent() {
  return trained<LstmClassifier>(
      RecurrentClassifierOptions{.leads = 3, .classes = 2, .length = kLength, .hidden = 20}, true);
}

}  // namespace

TEST_CASE("concurrent: two nets trained at once end with the bits of each trained alone") {
  const int before = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    const StateDict first = convolutional(), second = recurrent();
    for (int round = 0; round < 3; ++round) {
      StateDict first_beside, second_beside;
      std::barrier start(2);
      std::thread other([&] {
        start.arrive_and_wait();
        second_beside = recurrent();
      });
      start.arrive_and_wait();
      first_beside = convolutional();
      other.join();
      CHECK_MESSAGE(same_bits(first, first_beside), threads, " threads");
      CHECK_MESSAGE(same_bits(second, second_beside), threads, " threads");
    }
  }
  set_num_threads(before);
}
