// bench/libtorch/fine_tune_cordis.cpp: fine_tune_torch.cpp in Cordis
//   fine_tune_cordis WEIGHTS RECORDS STEPS
// ResNet1d18 from a file's weights, with a new head of 7 classes: Adam steps over the records in batches
// of 32. Prints "ready" once all is read, then the loss of each step.
#include <cordis/cordis.hpp>
#include <iomanip>
#include <iostream>

int main(int count, char** arguments) {
  if (count != 4) return 2;
  cordis::ResNet1d18 net({.classes = 5});
  cordis::load(net, arguments[1]);
  net.fc2 = cordis::Linear(512, 7);
  cordis::load(net, arguments[2], {.strict = false});  // of the net it holds the head alone
  cordis::Tensor x, y;
  for (const auto& [name, tensor] : cordis::read_safetensors(arguments[2]).tensors) {
    if (name == "x") x = tensor;
    if (name == "y") y = tensor;
  }
  std::cout << "ready" << std::endl << std::setprecision(9);
  cordis::Adam adam(net, {.lr = 1e-4});
  for (std::int64_t step = 0; step < std::stoll(arguments[3]); ++step) {
    const std::int64_t begin = 32 * step % x.size(0);
    const cordis::Variable loss =
        cordis::bce_with_logits(net(x.rows(begin, begin + 32)), y.rows(begin, begin + 32));
    loss.backward();
    adam.step();
    std::cout << loss.value().item() << std::endl;
  }
}
