// examples/01_tensor.cpp: what a tensor is: a handle on contiguous numbers, a shape and an element type
#include <cordis/cordis.hpp>
#include <iostream>

int main() {
  // Two records of 1000 samples and 12 leads: (N, L, C), as an ECG's file has them, lead by lead in each
  // sample.
  cordis::seed(1);
  cordis::Tensor x({2, 1000, 12});
  cordis::fill_normal(x, 0, 1);
  std::cout << "x is " << x.dtype() << ' ' << x.shape() << " on " << x.device() << ", " << x.bytes()
            << " bytes\n";

  // On the CPU its elements are a span, in row-major order.
  double sum = 0;
  for (const float value : x.values<float>()) sum += value;
  const double mean = sum / static_cast<double>(x.numel());
  std::cout << "mean of " << x.numel() << " draws from N(0, 1): " << mean << '\n';

  // A tensor is a handle. Some of its rows, or the same elements in another shape, are no copies ...
  cordis::Tensor second = x.rows(1, 2);
  const cordis::Tensor samples = x.reshaped({2000, 12}), before = x.clone();
  second.fill(0.5);
  const float seen = samples.values<float>()[12000];
  std::cout << "the second record, filled with 0.5, seen as row 1000 of " << samples.shape() << ": " << seen
            << '\n';

  // ... and clone() is one, as is to() another element type or device.
  const bool kept = before.values<float>()[12000] != 0.5F;
  const cordis::Tensor wide = x.to(cordis::DType::f64);
  std::cout << "the clone still has " << before.values<float>()[12000] << "; in " << wide.dtype()
            << " x takes " << wide.bytes() << " bytes\n";

  // What cannot be is refused, with the shapes that did not fit.
  bool refused = false;
  try {
    x.reshaped({2, 500, 12});
  } catch (const std::invalid_argument& error) {
    refused = true;
    std::cout << error.what() << '\n';
  }
  return mean > -0.05 && mean < 0.05 && seen == 0.5F && kept && refused ? 0 : 1;
}
