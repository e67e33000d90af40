// cordis/nn/conv1d.hpp: Conv1d
#pragma once

#include <cordis/nn/init.hpp>
#include <cordis/nn/module.hpp>
#include <cordis/op/conv1d.hpp>

namespace cordis::inline CORDIS_ABI {

// Kernel and its places, in samples.
struct Conv1dLayerOptions {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};

// (N, L, in) -> (N, L_out, out)
struct Conv1d {
  static constexpr const char* kName = "Conv1d";
  Variable weight;  // (out, in / groups, kernel)
  Variable bias;    // (out,)
  Conv1dOptions options;

  static void visit(auto& m, auto&& f) { f("weight", m.weight), f("bias", m.bias); }

  Conv1d() = default;
  // PyTorch's initial weights: uniform in ±1 / sqrt(fan_in). Throws where the groups do not divide the
  // channels.
  Conv1d(std::int64_t in, std::int64_t out, const Conv1dLayerOptions& o)
      : Conv1d(in, out, o, [](Tensor& w) { uniform_fan_in(w, fan_in(w)); }) {}
  // The weight as initialise(w) leaves it, w (out, in / groups, kernel) without values.
  template <class Initialise>
  Conv1d(std::int64_t in, std::int64_t out, const Conv1dLayerOptions& o, Initialise&& initialise)
      : options{.stride = o.stride, .padding = o.padding, .dilation = o.dilation, .groups = o.groups} {
    CORDIS_CHECK(
        in > 0 && out > 0 && o.kernel > 0 && o.groups > 0 && in % o.groups == 0 && out % o.groups == 0,
        "[Conv1d] ", in, " channels to ", out, ", kernel ", o.kernel, ", ", o.groups, " groups");
    Tensor w({out, in / o.groups, o.kernel}), b({out});
    initialise(w);
    weight = Variable(w, true);
    if (o.bias) bias = Variable(uniform_fan_in(b, fan_in(w)), true);
  }

  // L_out as conv1d gives it
  Variable operator()(const Variable& x) const { return observed(*this, conv1d(x, weight, bias, options)); }
};

}  // namespace cordis::inline CORDIS_ABI
