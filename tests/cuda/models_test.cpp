// tests/cuda/models_test.cpp: the six networks on a device against PyTorch's numbers
#include <models/parity.hpp>

#include "support.hpp"

namespace {
void on_backends(const std::string& name) {
  for (const Backend each : backends())
    for (const DType dtype : kFloats) {
      const BackendGuard guard(each);
      parity::check(name, dtype, Device::cuda());
    }
}
}  // namespace

TEST_CASE("resnet1d18 on the device: outputs, gradients, three Adam steps") { on_backends("resnet1d18"); }
TEST_CASE("resnet1d50 on the device: outputs, gradients, three Adam steps") { on_backends("resnet1d50"); }
TEST_CASE("resnet1d101 on the device: outputs, gradients, three Adam steps") { on_backends("resnet1d101"); }
TEST_CASE("lstm on the device: outputs, gradients, three Adam steps") { on_backends("lstm"); }
TEST_CASE("bilstm on the device: outputs, gradients, three Adam steps") { on_backends("bilstm"); }
TEST_CASE("gru on the device: outputs, gradients, three Adam steps") { on_backends("gru"); }
