// tests/mpi/failure_main.cpp: trains, until at its third step the last rank does what is asked of it.
// failure_main kill|stop|midway|exit|return|throw|none SECONDS   (the deadline of collectives)
#include <cordis/models/recurrent.hpp>
#include <cordis/mpi/data_parallel.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/sgd.hpp>
#include <csignal>
#include <iostream>
#include <string_view>

using namespace cordis;

namespace {
// y, whose backward stops this process.
Variable trap(const Variable& y) {
  return record("trap", y.value(), {y}, [](const Tensor& dy) {
    static_cast<void>(std::raise(SIGSTOP));
    return Tensors{dy};
  });
}
}  // namespace

int main(int argc, char** argv) try {
  const std::string_view how = argc > 2 ? argv[1] : "";
  const std::chrono::seconds deadline(argc > 2 ? std::stoi(argv[2]) : 0);
  const MpiSession session(deadline);
  const Communicator ranks(session, {.deadline = deadline});
  LstmClassifier net({.leads = 3, .length = 20, .hidden = 8});
  SGD sgd(net);
  DataParallel parallel(net, ranks);
  for (int step = 1; step <= 5; ++step) {
    const bool now = step == 3 && ranks.rank() == ranks.size() - 1;
    if (now) {
      if (how == "kill") static_cast<void>(std::raise(SIGKILL));
      if (how == "stop") static_cast<void>(std::raise(SIGSTOP));
      if (how == "exit") std::_Exit(0);
      if (how == "return") return 0;
      if (how == "throw") throw std::runtime_error("the disk is full");
    }
    const Variable y = net(Variable(ones({4, 20, 3})));
    parallel.backward(bce_with_logits(now && how == "midway" ? trap(y) : y, Variable(zeros({4, 5}))), 4);
    sgd.step();
    if (ranks.rank() == 0) std::cout << "step " << step << std::endl;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << concat("error: ", error.what(), '\n');  // in one piece: ranks share the stream
  return 1;
}
