// cordis/optim/adam.hpp: Adam, and AdamW with its decay decoupled
#pragma once

#include <cordis/cuda/update.hpp>
#include <cordis/optim/optimizer.hpp>
#include <utility>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/update.hpp>
#else
#include <cordis/cpu/update.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// PyTorch's, for Adam.
struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient (an L2 penalty)
};

// PyTorch's, for AdamW.
struct AdamWOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0.01;  // shrinks the parameter itself (Loshchilov and Hutter 2019)
};

namespace detail {

template <class Derived, class OptionsType, bool kDecoupled>
class AdamBase : public OptimizerBase<Derived, OptionsType> {
 public:
  static constexpr int kSlots = 2;  // first and second moment
  using typename OptimizerBase<Derived, OptionsType>::Group;
  using Update = AdamUpdate;

  explicit AdamBase(std::vector<Group> groups) : OptimizerBase<Derived, OptionsType>(std::move(groups)) {}
  explicit AdamBase(Variables parameters, const OptionsType& options = {})
      : AdamBase(std::vector<Group>{{std::move(parameters), options}}) {}
  template <Walkable M>
  explicit AdamBase(const M& net, const OptionsType& options = {})
      : AdamBase(cordis::parameters(net), options) {}

  static void check(const OptionsType& o) {
    const auto unit = [](double beta) { return beta >= 0 && beta < 1; };
    CORDIS_CHECK(o.lr >= 0 && o.eps >= 0 && o.weight_decay >= 0, "[Adam] lr ", o.lr, ", eps ", o.eps,
                 ", weight_decay ", o.weight_decay, ": none may be negative");
    CORDIS_CHECK(unit(o.betas.first) && unit(o.betas.second), "[Adam] betas ", o.betas.first, " and ",
                 o.betas.second, " are not in [0, 1)");
  }

  static Update update(const OptionsType& o, const Tensor& p, Tensors& slots, const Tensor& g,
                       std::int64_t step) {
    for (auto& slot : slots)
      if (!slot.defined()) slot = zeros(p.shape(), p.dtype(), p.device());
    return {p,     slots[0],       slots[1],   g,   o.lr, o.betas.first, o.betas.second,
            o.eps, o.weight_decay, kDecoupled, step};
  }
  static void run(const std::vector<Update>& updates) {
    on(updates[0].p.device(), [&](auto device) { adam_update(device, std::span(updates)); });
  }
};

}  // namespace detail

// PyTorch's torch.optim.Adam and torch.optim.AdamW.
class Adam : public detail::AdamBase<Adam, AdamOptions, false> {
  using AdamBase::AdamBase;
};
class AdamW : public detail::AdamBase<AdamW, AdamWOptions, true> {
  using AdamBase::AdamBase;
};

}  // namespace cordis::inline CORDIS_ABI
