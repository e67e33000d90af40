// cordis/optim/sgd.hpp: stochastic gradient descent with momentum, Nesterov's or plain
#pragma once

#include <cordis/cuda/update.hpp>
#include <cordis/optim/optimizer.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/update.hpp>
#else
#include <cordis/cpu/update.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// PyTorch's, for SGD.
struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

// PyTorch's torch.optim.SGD.
class SGD : public OptimizerBase<SGD, SGDOptions> {
 public:
  static constexpr int kSlots = 1;  // the momentum buffer
  using Update = SgdUpdate;         // of one parameter

  explicit SGD(std::vector<Group> groups) : OptimizerBase(std::move(groups)) {}  // each with its own options
  // All with the same options.
  explicit SGD(Variables parameters, const SGDOptions& options = {})
      : SGD(std::vector<Group>{{std::move(parameters), options}}) {}
  // All of a net's.
  template <Walkable M>
  explicit SGD(const M& net, const SGDOptions& options = {}) : SGD(cordis::parameters(net), options) {}

  // Throws for options out of range.
  static void check(const Options& o) {
    CORDIS_CHECK(o.lr >= 0 && o.momentum >= 0 && o.weight_decay >= 0, "[SGD] lr ", o.lr, ", momentum ",
                 o.momentum, ", weight_decay ", o.weight_decay, ": none may be negative");
    CORDIS_CHECK(!o.nesterov || (o.momentum > 0 && o.dampening == 0),
                 "[SGD] Nesterov momentum needs momentum > 0 and dampening 0, not ", o.momentum, " and ",
                 o.dampening);
  }

  // What run() needs for one parameter; part of OptimizerBase's contract.
  static Update update(const Options& o, const Tensor& p, Tensors& slots, const Tensor& g, std::int64_t) {
    const bool first = !slots[0].defined();
    if (first && o.momentum != 0) slots[0] = empty_like(p);
    return {p,
            o.momentum != 0 ? slots[0] : Tensor{},
            g,
            o.lr,
            o.momentum,
            o.dampening,
            o.weight_decay,
            o.nesterov,
            first};
  }
  // The updates of a step at once.
  static void run(const std::vector<Update>& updates) {
    on(updates[0].p.device(), [&](auto device) { sgd_update(device, std::span(updates)); });
  }
};

}  // namespace cordis::inline CORDIS_ABI
