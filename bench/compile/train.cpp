// bench/compile/train.cpp: a program that trains ResNet1d18
#include <cordis/cordis.hpp>
#include <iostream>

int main() {
  cordis::ResNet1d18 net({.leads = 12, .classes = 5});
  cordis::Adam adam(net, {.lr = 1e-3});
  const cordis::Tensor x = cordis::ones({4, 1000, 12}), y = cordis::ones({4, 5});
  for (int step = 0; step < 3; ++step) {
    adam.zero_grad();
    const cordis::Variable loss = cordis::bce_with_logits(net(x), y);
    loss.backward();
    adam.step();
    std::cout << loss.value().item() << '\n';
  }
}
