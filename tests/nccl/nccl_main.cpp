// tests/nccl/nccl_main.cpp: collectives of NcclCommunicator, and a net on GPUs trained as its twin on the CPU
#include <cordis/models/recurrent.hpp>
#include <cordis/mpi/data_parallel.hpp>
#include <cordis/nccl/communicator.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/sgd.hpp>
#include <iostream>

using namespace cordis;

namespace {

int failures = 0;
void expect(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::cerr << concat("FAILED: ", what, '\n');
}
bool all_are(const Tensor& x, double value) {
  const Tensor host = x.to(Device::cpu()).to(DType::f64);
  bool same = true;
  for (std::int64_t i = 0; i < host.numel(); ++i) same = same && host.data<double>()[i] == value;
  return same;
}

template <class Parallel, class Net>
std::vector<double> losses(Parallel& parallel, Net& net, Device device) {
  SGD sgd(net, {.lr = 0.1});
  Tensor x({4, 20, 3}), y({4, 5});
  Generator generator(1, static_cast<std::uint64_t>(parallel.rank()));
  fill_uniform(x, -1, 1, generator);
  fill_uniform(y, 0, 1, generator);
  std::vector<double> losses;
  for (int step = 0; step < 5; ++step) {
    losses.push_back(
        parallel.backward(bce_with_logits(net(Variable(x.to(device))), Variable(y.to(device))), 4));
    sgd.step();
  }
  parallel.check();
  return losses;
}

}  // namespace

int main() try {
  const MpiSession session;
  const Communicator ranks(session, {.deadline = std::chrono::seconds(60)});
  if (cuda_device_count() < ranks.size()) {
    std::cout << concat(cuda_device_count(), " GPUs for ", ranks.size(), " ranks: skipped\n");
    return 77;
  }
  const Device device = Device::cuda(ranks.rank());
  const NcclCommunicator gpus(ranks, Cuda{ranks.rank()}, {.deadline = std::chrono::seconds(60)});
  const double R = ranks.size(), r = ranks.rank();
  for (const DType dtype : {DType::f32, DType::f64, DType::i64}) {
    const Tensor x = full({1000}, 2, dtype, device), y = full({7}, r, dtype, device);
    gpus.all_reduce_sum(x);
    expect(all_are(x, 2 * R), concat("sum of ", dtype));
    gpus.start_all_reduce_sum(x).wait();
    expect(all_are(x, 2 * R * R), concat("started sum of ", dtype));
    expect(gpus.all_gather(y).shape() == Shape{ranks.size(), 7}, "gathered shape");
    gpus.broadcast(y, ranks.size() - 1);
    expect(all_are(y, R - 1), concat("broadcast of ", dtype));
  }
  gpus.barrier();
  seed(1);
  LstmClassifier host({.leads = 3, .length = 20, .hidden = 8}),
      there({.leads = 3, .length = 20, .hidden = 8});
  copy_state(there, host);
  to(there, device);
  DataParallel on_host(host, ranks);
  DataParallel<LstmClassifier, NcclCommunicator> on_gpus(there, ranks, gpus);
  const auto expected = losses(on_host, host, Device::cpu()), seen = losses(on_gpus, there, device);
  for (std::size_t i = 0; i < seen.size(); ++i)
    expect(std::abs(seen[i] - expected[i]) < 1e-4,
           concat("loss ", i, " is ", seen[i], ", not ", expected[i]));
  return failures > 0;
} catch (const std::exception& error) {
  std::cerr << concat("error: ", error.what(), '\n');
  return 1;
}
