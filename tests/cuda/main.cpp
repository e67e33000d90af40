// tests/cuda/main.cpp: runs the tests where there is a device; 77, "skipped", where there is none
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cordis/core/device.hpp>
#include <iostream>

int main(int count, char** arguments) {
  doctest::Context context(count, arguments);
  for (int i = 1; i < count; ++i)
    if (std::string(arguments[i]).find("list-test") != std::string::npos) return context.run();
  if (cordis::cuda_device_count() == 0) {
    std::cerr << "skipped: no CUDA device here, or no driver for it\n";
    return 77;
  }
  return context.run();
}
