// kernels/cudnn_conv1d.cpp: convolutions by cuDNN
#include <cstdint>

#include "cudnn_graph.hpp"
#include "cudnn_per_thread.hpp"

namespace cordis::inline CORDIS_ABI::vendor {

namespace {

// Each thread has its own: a plan that two execute at once is not safe with every engine.
struct Plans {
  struct Key {
    Conv1dShape shape;
    Conv1dPass pass;
    PlanOptions options;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  explicit Plans(Cuda on) : device(device_of(cudnn_handle(on))) {}

  Descriptor device;
  std::map<Key, Conv1dPlan> built;
};

// The largest power of two, up to 16, that the addresses are multiples of.
std::int64_t common_alignment(const void* a, const void* b, const void* c) {
  const auto bits = reinterpret_cast<std::uintptr_t>(a) | reinterpret_cast<std::uintptr_t>(b) |
                    reinterpret_cast<std::uintptr_t>(c) | 16;
  return static_cast<std::int64_t>(bits & (~bits + 1));
}

}  // namespace

void conv1d(Cuda device, Conv1dPass pass, const Conv1dShape& shape, void* x, void* w, void* y) {
  const cudnnHandle_t handle = cudnn_handle(device);
  Plans& plans = PerThread<Plans>::on(device);
  const Plans::Key key{
      shape,
      pass,
      {.tf32 = shape.dtype == DType::f32 && tf32_allowed(), .alignment = common_alignment(x, w, y)}};
  auto found = plans.built.find(key);
  if (found == plans.built.end())
    found = plans.built.emplace(key, plan_conv1d(plans.device, shape, pass, key.options)).first;
  run(handle, device, found->second, x, w, y);
}

}  // namespace cordis::inline CORDIS_ABI::vendor
