// kernels/cudnn_graph.hpp: convolutions as execution plans of cuDNN's graph API
#pragma once

#include "cudnn.hpp"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI::vendor {

// Plans that want more are passed over.
inline constexpr std::int64_t kMostWorkspace = std::int64_t{256} << 20;

// The device that plans are built for: a handle's, or one described in cuDNN's JSON, which need not be there.
Descriptor device_of(cudnnHandle_t handle);
Descriptor device_described(const std::string& json);

struct PlanOptions {
  bool tf32 = false;
  std::int64_t alignment = 16;  // bytes that the address of each tensor is a multiple of
  friend auto operator<=>(const PlanOptions&, const PlanOptions&) = default;
};

struct Conv1dPlan {
  Descriptor plan;
  std::size_t workspace;          // bytes
  std::int64_t engine;            // cuDNN's number of the algorithm
  std::vector<Descriptor> parts;  // what the plan was built of, kept as long as it
};

// The first plan by cuDNN's own order that is deterministic, rounds no operand to fewer bits (but to TF32,
// where allowed) and keeps to kMostWorkspace. Throws CudaError with the reasons where there is none.
Conv1dPlan plan_conv1d(const Descriptor& device, const Conv1dShape& shape, Conv1dPass pass,
                       const PlanOptions& options);

// Puts it into the handle's stream.
void run(cudnnHandle_t handle, Cuda device, const Conv1dPlan& plan, void* x, void* w, void* y);

}  // namespace cordis::inline CORDIS_ABI::vendor
