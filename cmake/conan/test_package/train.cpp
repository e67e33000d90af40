// cmake/conan/test_package/train.cpp: fits a line
#include <cordis/cordis.hpp>
#include <iostream>

int main() {
  const cordis::Variable x(cordis::Tensor::of<float>({4, 1}, {0, 1, 2, 3}));
  const cordis::Variable y(cordis::Tensor::of<float>({4, 1}, {1, 3, 5, 7}));
  cordis::Linear line(1, 1);
  cordis::Adam adam(line, {.lr = 0.1});
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    const cordis::Variable miss = line(x) - y;
    const cordis::Variable loss = cordis::mean(miss * miss);
    last = loss.value().item();
    if (step == 0) first = last;
    loss.backward();
    adam.step();
  }
  std::cout << "cordis " << cordis::kVersion << ": loss " << first << " -> " << last << '\n';
  return last < first / 10 ? 0 : 1;
}
