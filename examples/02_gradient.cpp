// examples/02_gradient.cpp: what the tape does: gradients of one number with respect to all it was computed
// from
#include <cmath>
#include <cordis/cordis.hpp>
#include <iostream>

using cordis::Tensor;
using cordis::Variable;

// The mean of (a x + b - y)² over the points.
Variable loss_of(const Variable& a, const Variable& b, const Variable& x, const Variable& y) {
  const Variable error = a * x + b - y;
  return cordis::mean(error * error);
}

int main() {
  // Points on the line y = 2 x - 1. Data are constants on the tape; a and b ask for gradients.
  const Variable x = Tensor::of<double>({5}, {-1, 0, 1, 2, 3}),
                 y = Tensor::of<double>({5}, {-3, -1, 1, 3, 5});
  Variable a(Tensor::scalar(0.0), true), b(Tensor::scalar(0.0), true);

  loss_of(a, b, x, y).backward();
  std::cout << "at a = 0, b = 0: d/da " << a.grad().item() << ", d/db " << b.grad().item() << '\n';

  // By hand: d/da is the mean of 2 (a x + b - y) x, which is -2 y x here, and d/db that of -2 y.
  double by_hand_a = 0, by_hand_b = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    by_hand_a -= 2 * y.value().values<double>()[i] * x.value().values<double>()[i] / 5;
    by_hand_b -= 2 * y.value().values<double>()[i] / 5;
  }
  std::cout << "by hand:         d/da " << by_hand_a << ", d/db " << by_hand_b << '\n';
  bool right = std::abs(a.grad().item() - by_hand_a) < 1e-12 && std::abs(b.grad().item() - by_hand_b) < 1e-12;

  // Descent by hand: each step takes the gradients, and leaves none for the next backward to add to.
  for (int step = 1; step <= 200; ++step) {
    for (Variable* parameter : {&a, &b}) {
      *parameter->value().data<double>() -= 0.1 * parameter->grad().item();
      parameter->grad() = {};
    }
    const Variable loss = loss_of(a, b, x, y);
    loss.backward();
    if (step == 1 || step == 10 || step == 200)
      std::cout << "step " << step << ": loss " << loss.value().item() << ", a " << a.value().item() << ", b "
                << b.value().item() << '\n';
  }
  right = right && std::abs(a.value().item() - 2) < 1e-6 && std::abs(b.value().item() + 1) < 1e-6;

  // Where no gradient is wanted, nothing is recorded.
  const cordis::NoGrad off;
  right = right && !loss_of(a, b, x, y).requires_grad();
  return right ? 0 : 1;
}
