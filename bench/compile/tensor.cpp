// bench/compile/tensor.cpp: the least program, a tensor
#include <cordis/cordis.hpp>
#include <iostream>

int main() {
  const cordis::Tensor x = cordis::ones({2, 3});
  std::cout << x.shape() << '\n';
}
