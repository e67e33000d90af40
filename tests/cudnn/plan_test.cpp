// tests/cudnn/plan_test.cpp: cuDNN plans every convolution of the networks for every architecture, with no
// GPU
#include <doctest/doctest.h>

#include <chrono>
#include <cordis/models/resnet1d.hpp>
#include <iostream>
#include <map>
#include <set>

#include "cudnn_graph.hpp"
#include "described.hpp"

using namespace cordis;
using namespace cordis::vendor;

namespace {

constexpr Conv1dPass kPasses[] = {Conv1dPass::forward, Conv1dPass::backward_data,
                                  Conv1dPass::backward_weight};
constexpr const char* kPassNames[] = {"forward", "backward_data", "backward_weight"};

std::int64_t length_out(std::int64_t L, std::int64_t K, std::int64_t stride, std::int64_t padding) {
  return (L + 2 * padding - K) / stride + 1;
}

// The distinct convolutions of a network on x (N, L, leads).
class Convolutions {
 public:
  Convolutions(std::int64_t N, DType dtype) : N_(N), dtype_(dtype) {}

  template <class Block>
  void add(const ResNet1d<Block>& net, std::int64_t L) {
    L = length_out(add(net.conv1, L), 3, 2, 1);
    for (const auto* stage : {&net.layer1, &net.layer2, &net.layer3, &net.layer4})
      for (const Block& block : *stage) {
        if (block.downsample) add(block.downsample->conv, L);
        L = add(block.conv2, add(block.conv1, L));
        if constexpr (requires { block.conv3; }) add(block.conv3, L);
      }
  }
  const std::set<Conv1dShape>& all() const { return all_; }

 private:
  std::int64_t add(const Conv1d& conv, std::int64_t L) {
    const Shape w = conv.weight.value().shape();
    const auto& o = conv.options;
    const std::int64_t out = length_out(L, w[2], o.stride, o.padding);
    all_.insert({dtype_, N_, L, w[1] * o.groups, w[0], w[2], out, o.stride, o.padding, o.dilation, o.groups});
    return out;
  }

  std::int64_t N_;
  DType dtype_;
  std::set<Conv1dShape> all_;
};

std::set<Conv1dShape> convolutions(DType dtype, std::initializer_list<std::int64_t> batches) {
  static const ResNet1d18 a;
  static const ResNet1d50 b;
  static const ResNet1d101 c;
  std::set<Conv1dShape> all;
  for (const std::int64_t N : batches) {
    Convolutions found(N, dtype);
    found.add(a, 1000);
    found.add(b, 1000);
    found.add(c, 1000);
    all.insert(found.all().begin(), found.all().end());
  }
  return all;
}

struct Planned {
  int plans = 0, missing = 0;
  std::size_t workspace = 0;            // the largest
  std::map<std::int64_t, int> engines;  // how many plans each has
};
Planned plan_all(const Descriptor& device, const std::set<Conv1dShape>& shapes, Conv1dPass pass, bool tf32,
                 bool required) {
  Planned result;
  for (const Conv1dShape& shape : shapes) {
    try {
      const Conv1dPlan plan = plan_conv1d(device, shape, pass, {.tf32 = tf32});
      CHECK(plan.plan.native() != nullptr);
      CHECK(static_cast<std::int64_t>(plan.workspace) <= kMostWorkspace);
      result.workspace = std::max(result.workspace, plan.workspace);
      ++result.plans;
      ++result.engines[plan.engine];
    } catch (const CudaError& error) {
      if (required) FAIL_CHECK(error.what());
      ++result.missing;
    }
  }
  return result;
}

// One line per device.
void report(const std::set<Conv1dShape>& shapes, const char* what, bool tf32, bool required) {
  for (const Architecture& architecture : kArchitectures) {
    const auto start = std::chrono::steady_clock::now();
    const Descriptor device = device_described(json_of(architecture));
    std::string line = concat("sm_", architecture.compute, ' ', what, ":");
    for (std::size_t i = 0; i < 3; ++i) {
      const Planned planned = plan_all(device, shapes, kPasses[i], tf32, required);
      line += concat(' ', kPassNames[i], ' ', planned.plans, " plans");
      if (planned.missing > 0) line += concat(" (", planned.missing, " refused)");
      line += concat(" up to ", planned.workspace >> 20, " MiB by engines");
      for (const auto& [engine, count] : planned.engines) line += concat(' ', engine, '(', count, ')');
      line += ';';
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    std::cout << line << ' ' << spent.count() << " s\n";
  }
}

Descriptor device() { return device_described(json_of(kArchitectures[3])); }
constexpr Conv1dShape kStem{DType::f32, 8, 1000, 12, 64, 7, 500, 2, 3, 1, 1};

std::string refusal(const Conv1dShape& shape, Conv1dPass pass, const PlanOptions& options = {}) {
  try {
    plan_conv1d(device(), shape, pass, options);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the networks' convolutions have plans on every architecture, f32 without TF32") {
  const auto shapes = convolutions(DType::f32, {256, 1});
  CHECK(shapes.size() > 40);
  report(shapes, "f32", false, true);
}

TEST_CASE("the networks' convolutions have plans on every architecture, TF32 allowed") {
  report(convolutions(DType::f32, {256, 1}), "tf32", true, true);
}

TEST_CASE("f64: what has a plan") { report(convolutions(DType::f64, {256, 1}), "f64", false, false); }

TEST_CASE("groups, dilation, odd alignment and single samples have plans") {
  const Conv1dShape shapes[] = {{DType::f32, 3, 100, 16, 24, 5, 46, 2, 2, 3, 4},
                                {DType::f32, 2, 50, 8, 8, 3, 50, 1, 1, 1, 8},
                                {DType::f32, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1}};
  for (const Architecture& architecture : kArchitectures) {
    const Descriptor described = device_described(json_of(architecture));
    for (const Conv1dShape& shape : shapes)
      for (const Conv1dPass pass : kPasses)
        for (const std::int64_t alignment : {4, 8, 16})
          CHECK_NOTHROW(plan_conv1d(described, shape, pass, {.tf32 = false, .alignment = alignment}));
  }
}

TEST_CASE("wrong shapes are refused with cuDNN's reason") {
  for (const Conv1dPass pass : kPasses) {
    Conv1dShape wrong = kStem;
    CHECK(refusal(wrong, pass).empty());
    wrong.L_out = 501;
    const std::string text = refusal(wrong, pass);
    INFO(text);
    CHECK(text.find("cuDNN refuses conv1d") != std::string::npos);
    CHECK(text.find("y (8, 501, 64)") != std::string::npos);
    CHECK(text.find("CUDNN_STATUS_BAD_PARAM") != std::string::npos);
  }
  Conv1dShape wrong = kStem;
  wrong.groups = 5;
  CHECK(refusal(wrong, Conv1dPass::forward).find("do not divide into 5 groups") != std::string::npos);
}

TEST_CASE("elements at addresses that are no multiple of their size are refused") {
  const std::string text = refusal(kStem, Conv1dPass::forward, {.tf32 = false, .alignment = 1});
  INFO(text);
  CHECK(text.find("conv1d forward, f32, x (8, 1000, 12)") != std::string::npos);
}

TEST_CASE("a description that lacks a key is refused, and the key is named") {
  std::string text;
  try {
    device_described("{\"deviceVer\":750}");
  } catch (const CudaError& error) {
    text = error.what();
  }
  INFO(text);
  CHECK(text.find("maxGridSize") != std::string::npos);
}
