// bench/op/main.cpp: measures the machine's peak, then runs the benchmarks of one op
#include <benchmark/benchmark.h>

#include <string>

#include "device.hpp"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (!bench::ready()) return 2;
  benchmark::AddCustomContext("on", bench::described());
  benchmark::AddCustomContext("f32 multiply-add peak, GFLOP/s", std::to_string(bench::peak().flops * 1e-9));
  benchmark::AddCustomContext("triad, GB/s", std::to_string(bench::peak().bytes * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
