// kernels/cudnn_graph.cpp: convolutions as execution plans of cuDNN's graph API
// cuDNN knows no convolution in one dimension: ours has images of height 1. It names dimensions (N, C, H, W)
// whatever their order in memory, which the strides tell.
#include "cudnn_graph.hpp"

#include <array>

namespace cordis::inline CORDIS_ABI::vendor {

namespace {

constexpr std::int64_t kX = 1, kW = 2, kY = 3;  // the tensors' names in a graph

struct PassNames {
  const char* name;
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t x, w, y, convolution, alpha, beta;
};
const PassNames& names_of(Conv1dPass pass) {
  static constexpr PassNames kForward{"forward",
                                      CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
  static constexpr PassNames kData{"backward_data",
                                   CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
  static constexpr PassNames kWeight{"backward_weight",
                                     CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  switch (pass) {
    case Conv1dPass::forward:
      return kForward;
    case Conv1dPass::backward_data:
      return kData;
    case Conv1dPass::backward_weight:
      return kWeight;
  }
  fail("[cuda] no such pass of a convolution");
}

// (n, length, channels) in memory.
Descriptor tensor(std::int64_t id, DType dtype, std::int64_t n, std::int64_t length, std::int64_t channels,
                  std::int64_t alignment) {
  Descriptor made(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  made.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  made.set(CUDNN_ATTR_TENSOR_DATA_TYPE, cudnn_type(dtype));
  made.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<std::int64_t>{n, channels, 1, length});
  made.set(CUDNN_ATTR_TENSOR_STRIDES,
           std::vector<std::int64_t>{length * channels, 1, length * channels, channels});
  made.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
  made.finalize();
  return made;
}

Descriptor convolution(const Conv1dShape& s) {
  Descriptor made(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  const std::vector<std::int64_t> padding{0, s.padding};
  made.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  made.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, cudnn_type(s.dtype));
  made.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  made.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding);
  made.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding);
  made.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::vector<std::int64_t>{1, s.stride});
  made.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector<std::int64_t>{1, s.dilation});
  made.finalize();
  return made;
}

// The graph of the one operation, and after it what it consists of.
std::vector<Descriptor> graph(const Conv1dShape& s, Conv1dPass pass, std::int64_t alignment) {
  const PassNames& names = names_of(pass);
  std::vector<Descriptor> parts;
  parts.emplace_back(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  parts.push_back(tensor(kX, s.dtype, s.N, s.L, s.C, alignment));
  parts.push_back(tensor(kW, s.dtype, s.O, s.K, s.C / s.groups, alignment));
  parts.push_back(tensor(kY, s.dtype, s.N, s.L_out, s.O, alignment));
  parts.push_back(convolution(s));
  Descriptor operation(names.type);
  operation.set(names.x, parts[1]);
  operation.set(names.w, parts[2]);
  operation.set(names.y, parts[3]);
  operation.set(names.convolution, parts[4]);
  dispatch_float(s.dtype, "conv1d", [&]<class T>() {
    operation.set(names.alpha, T{1});
    operation.set(names.beta, T{0});
  });
  operation.finalize();
  parts.front().set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
  parts.front().finalize();
  parts.push_back(std::move(operation));
  return parts;
}

std::vector<Descriptor> candidates(const Descriptor& graph, const Descriptor& device,
                                   cudnnBackendHeurMode_t mode) {
  Descriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
  heuristic.finalize();
  return heuristic.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
}

// Why an engine will not do; null where it will.
const char* objection(const Descriptor& engine, DType dtype, bool tf32) {
  // Of f64, tensor cores multiply and add in f64.
  const bool tensor_cores = tf32 || dtype == DType::f64;
  for (const auto note :
       engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, std::size_t{64})) {
    if (note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) return "not deterministic";
    if (note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) return "sums in fewer bits";
    if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE && !tensor_cores) return "TF32";
    if (note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS && !tf32) return "rounds its operands";
  }
  return nullptr;
}

std::string text_of(const Conv1dShape& s, Conv1dPass pass) {
  return concat("conv1d ", names_of(pass).name, ", ", s.dtype, ", x (", s.N, ", ", s.L, ", ", s.C, "), w (",
                s.O, ", ", s.K, ", ", s.C / s.groups, "), y (", s.N, ", ", s.L_out, ", ", s.O, "), stride ",
                s.stride, ", padding ", s.padding, ", dilation ", s.dilation, ", groups ", s.groups);
}

}  // namespace

Descriptor device_of(cudnnHandle_t handle) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set(CUDNN_ATTR_DEVICEPROP_HANDLE, handle);
  device.finalize();
  return device;
}

Descriptor device_described(const std::string& json) {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  device.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, std::vector<char>(json.begin(), json.end()));
  device.finalize();
  return device;
}

Conv1dPlan plan_conv1d(const Descriptor& device, const Conv1dShape& shape, Conv1dPass pass,
                       const PlanOptions& options) {
  CORDIS_CHECK(shape.groups > 0 && shape.C % shape.groups == 0 && shape.O % shape.groups == 0, "[conv1d] ",
               shape.C, " and ", shape.O, " channels do not divide into ", shape.groups, " groups");
  std::string refused;
  try {
    std::vector<Descriptor> parts = graph(shape, pass, options.alignment);
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      const char* const list = mode == CUDNN_HEUR_MODE_A ? "heuristic" : "fallback";
      std::vector<Descriptor> configurations;
      try {
        configurations = candidates(parts.front(), device, mode);
      } catch (const CudaError& error) {
        refused += concat("\n  ", list, ": ", error.what());
        continue;
      }
      for (Descriptor& configuration : configurations) {
        const auto engines = configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
        const std::int64_t engine = engines.at(0).get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX).at(0);
        const auto refuse = [&](const auto& reason) {
          refused += concat("\n  ", list, ", engine ", engine, ": ", reason);
        };
        if (const char* reason = objection(engines[0], shape.dtype, options.tf32)) {
          refuse(reason);
          continue;
        }
        Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
        if (const cudnnStatus_t status = cudnnBackendFinalize(plan.native());
            status != CUDNN_STATUS_SUCCESS) {
          refuse(concat(cudnnGetErrorString(status), ": ", last_message()));
          continue;
        }
        const std::int64_t workspace = plan.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE).at(0);
        if (workspace > kMostWorkspace) {
          refuse(concat("a workspace of ", workspace, " bytes"));
          continue;
        }
        parts.push_back(std::move(configuration));
        return {std::move(plan), static_cast<std::size_t>(workspace), engine, std::move(parts)};
      }
    }
  } catch (const CudaError& error) {
    throw CudaError(concat("[cuda] cuDNN refuses ", text_of(shape, pass), ": ", error.what()));
  }
  throw CudaError(concat("[cuda] cuDNN has no plan for ", text_of(shape, pass),
                         options.tf32 ? ", TF32 allowed:" : ", TF32 not allowed:",
                         refused.empty() ? " no candidates" : refused));
}

void run(cudnnHandle_t handle, Cuda device, const Conv1dPlan& plan, void* x, void* w, void* y) {
  const Storage workspace =
      plan.workspace > 0 ? Storage(plan.workspace, Device::cuda(device.index)) : Storage{};
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::vector<std::int64_t>{kX, kW, kY});
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::vector<void*>{x, w, y});
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace.data());
  pack.finalize();
  check(cudnnBackendExecute(handle, plan.plan.native(), pack.native()), "cudnnBackendExecute");
}

}  // namespace cordis::inline CORDIS_ABI::vendor
