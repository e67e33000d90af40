// cordis/train/recorded.hpp: the passes of a training step on a GPU as one launch
#pragma once

#include <cordis/cuda/graph.hpp>
#include <cordis/train/trainer.hpp>
#include <memory>

namespace cordis::inline CORDIS_ABI {

// loss_of(net(x), y).backward() for batches of one shape, as a CUDA graph: for nets whose kernels are shorter
// than the time that it takes to launch them. The net is on a GPU, stays where it is and in training mode,
// and outlives this; it has no dropout, and batch norm with a momentum. The optimizer's step comes after it,
// unrecorded.
//
//   RecordedStep step(net, x, y);
//   for (...) { loss = step(x, y); optimizer.step(); }
template <Walkable Net>
class RecordedStep {
 public:
  // x, y: a batch like all that follow. Goes through the passes once and leaves the net as it was.
  RecordedStep(Net& net, const Tensor& x, const Tensor& y, const LossFunction& loss_of = default_loss)
      : x_(x.clone()), y_(y.clone()) {
    const Device device = device_of(net);
    CORDIS_CHECK(device.kind == Device::Kind::cuda && x.device() == device && y.device() == device,
                 "[RecordedStep] the net lives on ", device, ", x ", x.shape(), " on ", x.device(), ", y ",
                 y.shape(), " on ", y.device(), "; all have to be on one GPU");
    walk_modules(net, [](const std::string& key, const auto& module) {
      if constexpr (requires { module.options.momentum.has_value(), module.num_batches_tracked; })
        CORDIS_CHECK(module.options.momentum || !module.num_batches_tracked.defined(), "[RecordedStep] ", key,
                     " averages over all batches: what it weighs a batch with changes at each step");
    });
    parameters_ = parameters(net);
    train(net);
    const StateDict state = state_dict(net);
    Tensors before;
    for (const auto& entry : state) before.push_back(entry.tensor.clone());
    const auto passes = [&] {
      zero_grad(net);
      const Variable loss = loss_of(net(Variable(x_)), Variable(y_));
      loss.backward();
      loss_ = loss.value();
    };
    const auto restore = [&] {
      for (std::size_t i = 0; i < state.size(); ++i) state[i].tensor.copy_from(before[i]);
      zero_grad(net);
    };
    try {
      passes();
      graph_ = std::make_unique<Graph>(Cuda{device.index}, passes);
    } catch (...) {
      restore();
      throw;
    }
    for (const auto& parameter : parameters_) gradients_.push_back(parameter.grad());
    for (std::size_t i = 0; i < state.size(); ++i)
      if (const Tensor& now = state[i].tensor; now.dtype() == DType::i64)  // went through the passes twice
        for (std::int64_t k = 0; k < now.numel(); ++k)
          counters_.push_back(
              {now, k, (now.data<std::int64_t>()[k] - before[i].data<std::int64_t>()[k]) / 2});
    restore();
  }

  // As loss_of(net(x), y).backward() where no parameter has a gradient: returns the loss. The gradients are
  // good until the next call.
  double operator()(const Tensor& x, const Tensor& y) {
    x_.copy_from(x);
    y_.copy_from(y);
    graph_->launch();
    for (auto& counter : counters_) counter.tensor.template data<std::int64_t>()[counter.at] += counter.step;
    for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].grad() = gradients_[i];
    return loss_.item();
  }

 private:
  struct Counter {  // counts batches on the CPU, where no graph reaches it
    Tensor tensor;
    std::int64_t at, step;
  };

  Tensor x_, y_, loss_;
  Variables parameters_;
  Tensors gradients_;
  std::vector<Counter> counters_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace cordis::inline CORDIS_ABI
