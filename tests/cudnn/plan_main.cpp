// tests/cudnn/plan_main.cpp: runs the tests where cuDNN takes described devices; 77, "skipped", where it does
// not
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>

#include "cudnn_graph.hpp"
#include "described.hpp"

int main(int count, char** arguments) {
  doctest::Context context(count, arguments);
  try {
    for (const Architecture& architecture : kArchitectures)
      cordis::vendor::device_described(json_of(architecture));
  } catch (const cordis::CudaError& error) {
    std::cerr << "skipped: this cuDNN does not take our descriptions of devices: " << error.what() << '\n';
    return 77;
  }
  return context.run();
}
