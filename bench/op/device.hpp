// bench/op/device.hpp: where the benchmarks of the ops compute, and how time passes there
#pragma once

#include <chrono>
#include <cordis/core/tensor.hpp>
#include <cordis/cuda/runtime.hpp>
#include <cstring>
#include <functional>
#include <iostream>
#include <string>

#include "../peak.hpp"

namespace bench {

#ifdef CORDIS_CUDA

inline cordis::Device device() { return cordis::Device::cuda(); }

// f32 multiply-adds outside tensor cores, and memory, from NVIDIA's data sheets (boost clock); 0 of an
// unknown device, which then gets no bound.
inline Peak peak() {
  struct Sheet {
    const char* name;
    Peak peak;
  };
  constexpr Sheet kSheets[] = {{"H200", {66.9e12, 4.8e12}},    {"H100", {66.9e12, 3.35e12}},
                               {"A100", {19.5e12, 2.039e12}},  {"L4", {30.3e12, 300e9}},
                               {"T4", {8.1e12, 320e9}},        {"RTX 4090", {82.6e12, 1008e9}},
                               {"RTX 3090", {35.6e12, 936e9}}, {"RTX 5090", {104.8e12, 1792e9}}};
  const std::string name = cordis::properties({0}).name;
  for (const Sheet& sheet : kSheets)
    if (name.find(sheet.name) != std::string::npos) return sheet.peak;
  return {};
}

// Seconds of f() on the device, by events around it.
inline double timed(const std::function<void()>& f) {
  const cordis::Cuda cuda{0};
  static cordis::Event start(cuda, true), end(cuda, true);
  start.record(cordis::current_stream(cuda));
  f();
  end.record(cordis::current_stream(cuda));
  end.synchronize();
  return end.milliseconds_since(start) * 1e-3;
}

// Whether there is what the benchmarks are for; says so where not.
inline bool ready() {
  if (cordis::cuda_device_count() > 0) return true;
  std::cerr << "no CUDA device here, or no driver for it\n";
  return false;
}
inline std::string described() { return cordis::properties({0}).name + ", " + cordis::cuda_versions(); }

#else

inline cordis::Device device() { return cordis::Device::cpu(); }

inline double timed(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline bool ready() { return true; }
inline std::string described() { return std::to_string(cordis::num_threads()) + " threads"; }

#endif

}  // namespace bench
