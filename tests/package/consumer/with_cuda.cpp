// tests/package/consumer/with_cuda.cpp: a ReLU on the GPU, or, where there is none, the error that says so
#include <cordis/cordis.hpp>
#include <iostream>

int main() {
  const auto best = cordis::Device::best();
  std::cout << cordis::cuda_versions() << "; the best device is " << best << '\n';
  const auto x = cordis::Tensor::of<float>({2}, {-1, 2});
  try {
    const cordis::Variable y = cordis::relu(cordis::Variable(x.to(cordis::Device::cuda())));
    const auto values = y.value().to(cordis::Device::cpu());
    return best == cordis::Device::cuda() && values.data<float>()[0] == 0 && values.data<float>()[1] == 2 ? 0
                                                                                                          : 1;
  } catch (const cordis::CudaError& error) {
    std::cout << error.what() << '\n';
    return best == cordis::Device::cpu() ? 0 : 1;
  }
}
