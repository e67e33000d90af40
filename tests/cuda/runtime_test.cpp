// tests/cuda/runtime_test.cpp: memory, copies, streams, events and errors
#include <cordis/models/resnet1d.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/train/trainer.hpp>

#include "support.hpp"

TEST_CASE("values survive the way to the device and back, of every type and size") {
  for (const DType dtype : {DType::f32, DType::f64, DType::i64})
    for (const std::int64_t n : {0, 1, 31, 32, 33, 1000}) {
      const Tensor x = random_tensor({n}, DType::f32, 1, -100, 100).to(dtype);
      const Tensor there = x.to(Device::cuda());
      CHECK(there.device() == Device::cuda());
      CHECK(difference(there, x) == 0);
      CHECK(difference(there.clone(), x) == 0);
    }
}

TEST_CASE("fill and conversion run on the device") {
  for (const DType from : {DType::f32, DType::f64, DType::i64})
    for (const DType to : {DType::f32, DType::f64, DType::i64}) {
      const Tensor x = full({37}, 3, from, Device::cuda()).to(to);
      CHECK(x.device() == Device::cuda());
      CHECK(difference(x, full({37}, 3, to)) == 0);
    }
  const Tensor x = Tensor::of<double>({3}, {1.7, -1.7, 2.5}).to(Device::cuda());
  CHECK(difference(x.to(DType::i64), Tensor::of<std::int64_t>({3}, {1, -1, 2})) == 0);
  CHECK(x.rows(1, 2).item() == -1.7);
}

TEST_CASE("a tensor on the device is not read as if it were here") {
  const Tensor x = zeros({2}, DType::f32, Device::cuda());
  CHECK_THROWS_WITH(x.values<float>(), doctest::Contains("lives on cuda:0"));
  CHECK_THROWS_WITH(add(x, zeros({2})), doctest::Contains("lives on cuda:0, another operand on cpu"));
}

TEST_CASE("freed memory is used again, and the statistics say so") {
  empty_cache(Device::cuda());
  const MemoryStats before = memory_stats(Device::cuda());
  { const Tensor x({1000}, DType::f32, Device::cuda()); }
  const MemoryStats after = memory_stats(Device::cuda());
  CHECK(after.in_use == before.in_use);
  CHECK(after.system_allocs == before.system_allocs + 1);
  if (after.cached > 0) {  // CORDIS_CUDA_CACHE=0 keeps nothing
    { const Tensor x({1000}, DType::f32, Device::cuda()); }
    CHECK(memory_stats(Device::cuda()).system_allocs == after.system_allocs);
    empty_cache(Device::cuda());
    CHECK(memory_stats(Device::cuda()).cached == 0);
  }
}

TEST_CASE("more memory than there is, and a device that is not there, are named") {
  CHECK_THROWS_WITH_AS(Tensor({INT64_C(1) << 56}, DType::f32, Device::cuda()),
                       doctest::Contains("cudaMalloc"), CudaError);
  CHECK_THROWS_WITH_AS(Tensor({1}, DType::f32, Device::cuda(99)), doctest::Contains("device 99 asked for"),
                       CudaError);
  const Tensor x = ones({3}, DType::f32, Device::cuda());  // and all goes on
  CHECK(x.rows(0, 1).item() == 1);
}

TEST_CASE("work of two streams is ordered by an event") {
  const Cuda device{0};
  Stream other(device);
  Event filled(device);
  Tensor x({4096}, DType::f32, Device::cuda());
  synchronize(device);  // x may be the current stream's until here
  {
    const StreamGuard guard(other);
    x.fill(2);
    filled.record(other);
  }
  current_stream(device).wait(filled);
  CHECK(difference(relu(x).value(), full({4096}, 2)) == 0);
}

TEST_CASE("events tell the time between them") {
  const Cuda device{0};
  Event start(device, true), end(device, true);
  start.record(current_stream(device));
  full({100}, 1, DType::f32, Device::cuda());
  end.record(current_stream(device));
  end.synchronize();
  CHECK(end.milliseconds_since(start) >= 0);
}

TEST_CASE("a net moves, keeps its keys and computes the same") {
  ResNet1d18 net({.leads = 3, .classes = 2, .width = 4, .fc = 8});
  const Tensor x = random_tensor({2, 64, 3}, DType::f32, 2);
  eval(net);
  const NoGrad off;
  const Tensor here = net(x).value();
  to(net, Device::cuda());
  CHECK(device_of(net) == Device::cuda());
  CHECK(net.bn1.num_batches_tracked.device() == Device::cpu());
  const BackendGuard own(Backend::own);
  check_same("logits", net(x.to(Device::cuda())).value(), here, 1e-5);
}

TEST_CASE("Backend::cudnn is refused where there is none") {
  if (cudnn_available()) return;
  CHECK_THROWS_WITH_AS(BackendGuard(Backend::cudnn), doctest::Contains("built without cuDNN"), CudaError);
}

TEST_CASE("a loader's batches arrive on the device, in order and whole, while earlier ones are in use") {
  const std::int64_t n = 23;
  TensorDataset data{random_tensor({n, 7, 3}, DType::f32, 3), random_tensor({n, 2}, DType::f32, 4, 0, 1)};
  const LoaderOptions options{.batch = 5, .epochs = 2, .shuffle = true, .seed = 9, .prefetch = 0};
  LoaderOptions there = options;
  there.device = Device::cuda();
  std::vector<Batch> here;
  for (const auto& batch : Loader(data, options)) here.push_back(batch);
  std::size_t i = 0;
  for (const auto& [x, y] : Loader(data, there)) {
    REQUIRE(i < here.size());
    const Tensor doubled = (Variable(x) * Variable(x)).value();
    CHECK(difference(doubled, (Variable(here[i].x) * Variable(here[i].x)).value()) == 0);
    CHECK(difference(y, here[i].y) == 0);
    ++i;
  }
  CHECK(i == here.size());
  for (const auto& batch : Loader(data, there)) {  // leaving early is fine
    CHECK(batch.x.device() == Device::cuda());
    break;
  }
}

TEST_CASE("values cross from one device to another, and each computes") {
  if (cuda_device_count() < 2) return;
  const Tensor x = random_tensor({1000}, DType::f32, 5);
  Tensor first = x.to(Device::cuda(0));
  const Tensor second = (Variable(first) * Variable(first)).value().to(Device::cuda(1));
  first.fill(0);  // the copy is not hurried by what comes after it
  CHECK(second.device() == Device::cuda(1));
  const Variable y(second);
  CHECK(difference((y + y).value(), (2.0 * (Variable(x) * Variable(x))).value()) == 0);
  CHECK_THROWS_WITH(add(Variable(first), y), doctest::Contains("lives on cuda:0, another operand on cuda:1"));
}
