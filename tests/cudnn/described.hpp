// tests/cudnn/described.hpp: devices described in cuDNN's JSON
// The keys are what cuDNN 9.19 asks for; it documents none. Compute capability, threads and shared memory are
// those of the architecture; caches, clocks and the numbers of multiprocessors are of one of its devices.
#pragma once

#include <string>

struct Architecture {
  int compute;  // 10 x the compute capability
  int multiprocessors, threads, blocks;
  int shared;    // bytes a block may opt in to
  int l2_cache;  // MiB
};

inline constexpr Architecture kArchitectures[] = {
    {75, 40, 1024, 16, 65536, 4},    {80, 108, 2048, 32, 166912, 40},   {86, 84, 1536, 16, 101376, 6},
    {90, 132, 2048, 32, 232448, 50}, {100, 148, 2048, 32, 232448, 126}, {120, 170, 1536, 24, 101376, 96}};

inline std::string json_of(const Architecture& a) {
  const auto number = [](const char* key, long long value) {
    return '"' + std::string(key) + "\":" + std::to_string(value) + ',';
  };
  return "{" + number("cudaDeviceId", 0) + number("deviceVer", a.compute * 10) + number("driverVer", 13000) +
         number("isTccDriver", 0) + number("l2CacheSize", a.l2_cache * 1048576LL) +
         number("maxCtasPerSM", a.blocks) + number("maxRegistersPerSM", 65536) +
         number("maxSharedMemoryPerBlock", 49152) + number("maxSharedMemoryPerBlockOptin", a.shared) +
         number("maxThreadsPerBlock", 1024) + number("maxThreadsPerSM", a.threads) +
         number("memClockRateKHz", 5000000) + number("multiProcessorCount", a.multiprocessors) +
         number("pciDeviceId", 0) + number("regsPerBlock", 65536) +
         number("reservedSharedMemoryPerBlock", a.compute == 75 ? 0 : 1024) +
         number("smClockRateKHz", 1500000) + number("supportCoopLaunch", 1) +
         number("totalGlobalMem", 16000000000LL) + number("warpSize", 32) +
         R"("deviceName":"described","maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64]})";
}
