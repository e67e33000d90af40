// cordis/nn/fused_conv1d.hpp: FusedConv1d: a convolution and the batch norm behind it as one, for inference
#pragma once

#include <cmath>
#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/conv1d.hpp>
#include <cordis/op/conv1d_packed.hpp>

namespace cordis::inline CORDIS_ABI {

// (N, L, in) -> (N, L_out, out), by weights and running statistics as they were when it was made. Not a
// module: it holds no parameters that could be trained, loaded or moved.
class FusedConv1d {
 public:
  // bn(conv(x)) in evaluation mode as one convolution; throws where dilation or groups are not 1, or bn keeps
  // no statistics.
  FusedConv1d(const Conv1d& conv, const BatchNorm1d& bn) {
    const auto& o = conv.options;
    CORDIS_CHECK(o.dilation == 1 && o.groups == 1, "[FusedConv1d] dilation ", o.dilation, ", groups ",
                 o.groups, ": both must be 1");
    CORDIS_CHECK(bn.running_mean.defined(), "[FusedConv1d] the batch norm keeps no running statistics");
    CORDIS_CHECK(bn.running_mean.numel() == conv.weight.size(0), "[FusedConv1d] ", conv.weight.size(0),
                 " channels into a batch norm of ", bn.running_mean.numel());
    const Device device = conv.weight.device(), here = Device::cpu();
    Tensor w = conv.weight.value().to(here).clone(), b(bn.running_mean.shape(), w.dtype());
    const Tensor mean = bn.running_mean.to(here), var = bn.running_var.to(here);
    dispatch_float(w.dtype(), "FusedConv1d", [&]<class T>() {
      const std::int64_t size = w.numel() / w.size(0);
      const auto value = [&](const Variable& of) { return of.defined() ? of.value().to(here) : Tensor{}; };
      const auto at = [](const Tensor& of, std::int64_t i, double otherwise) {
        return of.defined() ? static_cast<double>(of.data<T>()[i]) : otherwise;
      };
      const Tensor scale = value(bn.weight), shift = value(bn.bias), bias = value(conv.bias);
      for (std::int64_t i = 0; i < w.size(0); ++i) {
        const double gain = at(scale, i, 1) / std::sqrt(at(var, i, 1) + bn.options.eps);
        b.data<T>()[i] = static_cast<T>(at(shift, i, 0) + (at(bias, i, 0) - at(mean, i, 0)) * gain);
        for (std::int64_t k = i * size; k < (i + 1) * size; ++k)
          w.data<T>()[k] = static_cast<T>(static_cast<double>(w.data<T>()[k]) * gain);
      }
    });
    packed_ = pack_conv1d(w.to(device), b.to(device), o);
  }

  Variable operator()(const Variable& x) const { return conv1d_packed(x, packed_); }  // bn(conv(x))
  // max(bn(conv(x)), 0)
  Variable relu(const Variable& x) const { return conv1d_packed(x, packed_, {.residual = {}, .relu = true}); }
  // max(bn(conv(x)) + shortcut, 0)
  Variable add_relu(const Variable& x, const Variable& shortcut) const {
    return conv1d_packed(x, packed_, {.residual = shortcut.value(), .relu = true});
  }

 private:
  PackedConv1d packed_;
};

}  // namespace cordis::inline CORDIS_ABI
