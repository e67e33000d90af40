// tests/static/resources.cpp: what ptxas gave each kernel, as a table, compared with the one that is checked
// in resources TABLE REPORT...: each REPORT is what `nvcc -cubin -Xptxas -v` printed for one architecture, in
// a file named after it (75, 80, ...). Prints the differences; exits with 1 where there are any, or where a
// kernel spills. With --write as the first argument it writes TABLE.
#include <cuda_occupancy.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr int kBlock = 256;  // threads, kernels/device.cuh

// Limits of a multiprocessor by compute capability: CUDA C++ Programming Guide 13.0, "Technical
// Specifications per Compute Capability".
cudaOccDeviceProp described(int capability) {
  struct Limits {
    int threads, shared_kib, shared_block_kib, reserved;
  };
  static const std::map<int, Limits> limits{{75, {1024, 64, 64, 0}},      {80, {2048, 164, 163, 1024}},
                                            {86, {1536, 100, 99, 1024}},  {89, {1536, 100, 99, 1024}},
                                            {90, {2048, 228, 227, 1024}}, {100, {2048, 228, 227, 1024}},
                                            {120, {1536, 100, 99, 1024}}};
  const Limits& of = limits.at(capability);
  cudaOccDeviceProp p{};
  p.computeMajor = capability / 10;
  p.computeMinor = capability % 10;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsPerMultiprocessor = of.threads;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.warpSize = 32;
  p.sharedMemPerBlock = 48 << 10;
  p.sharedMemPerMultiprocessor = static_cast<size_t>(of.shared_kib) << 10;
  p.sharedMemPerBlockOptin = static_cast<size_t>(of.shared_block_kib) << 10;
  p.reservedSharedMemPerBlock = static_cast<size_t>(of.reserved);
  p.numSms = 1;
  return p;
}

// Share of a multiprocessor's threads that are resident, in percent.
int occupancy(int capability, int registers, std::size_t shared) {
  const cudaOccDeviceProp device = described(capability);
  cudaOccFuncAttributes kernel{};
  kernel.maxThreadsPerBlock = kBlock;
  kernel.numRegs = registers;
  kernel.sharedSizeBytes = shared;
  kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
  kernel.maxDynamicSharedSizeBytes = 48 << 10;
  const cudaOccDeviceState state{};
  cudaOccResult result{};
  if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, kBlock, 0) !=
      CUDA_OCC_SUCCESS)
    throw std::runtime_error("cuda_occupancy.h refuses sm_" + std::to_string(capability));
  return result.activeBlocksPerMultiprocessor * kBlock * 100 / device.maxThreadsPerMultiprocessor;
}

// "product_kernel<float, PatchOperand<float>, ...>" of a mangled name.
std::string readable(const std::string& mangled) {
  int status = 0;
  char* const raw = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = status == 0 ? raw : mangled;
  std::free(raw);
  name = std::regex_replace(name, std::regex("cordis::cuda::(detail::)?|\\(anonymous namespace\\)::"), "");
  if (name.starts_with("void ")) name = name.substr(5);
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {  // the parameters begin at the first "(" outside of <...>
    depth += (name[i] == '<') - (name[i] == '>');
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

struct Row {
  int registers = 0;
  std::size_t shared = 0;
  std::string spills;
};

std::map<std::string, Row> read_report(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  std::map<std::string, Row> rows;
  std::string line, kernel;
  std::smatch match;
  const std::regex entry("Compiling entry function '([^']+)'"),
      stack("(\\d+) bytes stack frame, (\\d+) bytes spill"), used("Used (\\d+) registers"),
      shared("(\\d+) bytes smem");
  while (std::getline(file, line)) {
    if (std::regex_search(line, match, entry)) kernel = readable(match[1]);
    if (std::regex_search(line, match, stack) && (match[1] != "0" || match[2] != "0"))
      rows[kernel].spills = line;
    if (std::regex_search(line, match, used)) rows[kernel].registers = std::stoi(match[1]);
    if (std::regex_search(line, match, shared)) rows[kernel].shared = std::stoul(match[1]);
  }
  if (rows.empty()) throw std::runtime_error(path + ": no kernel is reported");
  return rows;
}

int run(std::vector<std::string> arguments) {
  const bool write = !arguments.empty() && arguments[0] == "--write";
  if (write) arguments.erase(arguments.begin());
  if (arguments.size() < 2) {
    std::cerr << "usage: resources [--write] TABLE REPORT...\n";
    return 2;
  }
  std::map<std::string, std::string> table;  // by "kernel\tsm"
  int bad = 0;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string name = arguments[i].substr(arguments[i].rfind('/') + 1);
    const int capability = std::stoi(name);
    for (const auto& [kernel, row] : read_report(arguments[i])) {
      if (!row.spills.empty())
        ++bad, std::cout << "sm_" << capability << ' ' << kernel << ':' << row.spills << '\n';
      std::ostringstream text;
      text << row.registers << '\t' << row.shared << '\t' << occupancy(capability, row.registers, row.shared);
      table[kernel + "\tsm_" + name] = text.str();
    }
  }
  const char* const header = "kernel\tdevice\tregisters\tshared bytes\toccupancy %";
  if (write) {
    std::ofstream out(arguments[0]);
    out << header << '\n';
    for (const auto& [key, value] : table) out << key << '\t' << value << '\n';
    return out.good() && bad == 0 ? 0 : 1;
  }
  std::ifstream file(arguments[0]);
  std::string line;
  std::getline(file, line);
  if (line != header) throw std::runtime_error(arguments[0] + ": is no table of resources");
  std::map<std::string, std::string> expected;
  while (std::getline(file, line)) {
    const std::size_t second = line.find('\t', line.find('\t') + 1);
    expected[line.substr(0, second)] = line.substr(second + 1);
  }
  for (const auto& [key, value] : table)
    if (!expected.contains(key) || expected[key] != value)
      ++bad, std::cout << key << ": " << value << ", the table has "
                       << (expected.contains(key) ? expected[key] : "no such kernel") << '\n';
  for (const auto& [key, value] : expected)
    if (!table.contains(key)) ++bad, std::cout << key << ": in the table, but not compiled any more\n";
  std::cout << table.size() << " kernels on all devices, " << bad << " complaints\n";
  return bad == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) try {
  return run({arguments + 1, arguments + count});
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
