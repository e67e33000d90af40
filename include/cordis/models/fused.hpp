// cordis/models/fused.hpp: fuse(net): a network for inference alone, batch norm folded into the convolutions
#pragma once

#include <cordis/models/any_model.hpp>
#include <cordis/nn/fused_conv1d.hpp>

namespace cordis::inline CORDIS_ABI {

// What fuse() makes of a ResNet1d: the logits of eval mode up to rounding, weights as they were then.
class FusedResNet1d {
 public:
  // Folds now: later changes of net do not show.
  template <class Block>
  explicit FusedResNet1d(const ResNet1d<Block>& net)
      : stem_(net.conv1, net.bn1), fc1_(net.fc1), fc2_(net.fc2) {
    for (const auto* stage : {&net.layer1, &net.layer2, &net.layer3, &net.layer4})
      for (const Block& block : *stage) {
        blocks_.emplace_back();
        auto& [convs, shortcut] = blocks_.back();
        convs.emplace_back(block.conv1, block.bn1);
        convs.emplace_back(block.conv2, block.bn2);
        if constexpr (requires { block.conv3; }) convs.emplace_back(block.conv3, block.bn3);
        if (block.downsample) shortcut.emplace(block.downsample->conv, block.downsample->bn);
      }
    for (Linear* fc : {&fc1_, &fc2_}) {
      fc->weight = Variable(fc->weight.value().clone());
      fc->bias = Variable(fc->bias.value().clone());
    }
  }

  // (N, L, leads) -> logits (N, classes); records nothing.
  Variable operator()(const Variable& x) const {
    const NoGrad off;
    Variable y = max_pool1d(stem_.relu(x), {.kernel = 3, .stride = 2, .padding = 1});
    for (const auto& [convs, shortcut] : blocks_) {
      const Variable in = y;
      for (std::size_t i = 0; i + 1 < convs.size(); ++i) y = convs[i].relu(y);
      y = convs.back().add_relu(y, shortcut ? (*shortcut)(in) : in);
    }
    return fc2_(relu(fc1_(global_avg_pool1d(y))));
  }

 private:
  struct Block {
    std::vector<FusedConv1d> convs;
    std::optional<FusedConv1d> shortcut;
  };
  FusedConv1d stem_;
  std::vector<Block> blocks_;
  Linear fc1_, fc2_;
};

// The net for inference: the same logits up to rounding, in less time.
template <class Block>
FusedResNet1d fuse(const ResNet1d<Block>& net) {
  return FusedResNet1d(net);
}

// Any of the six: ResNets fused; recurrent nets, which have nothing to fold, as they are.
class FusedModel {
 public:
  // Copies or folds the network inside.
  explicit FusedModel(const AnyModel& model)
      : net_(std::visit(
            []<class M>(const M& net) -> Net {
              if constexpr (requires { fuse(net); })
                return fuse(net);
              else
                return net;
            },
            model.net)) {}

  // (N, L, leads) -> logits (N, classes); records nothing.
  Variable operator()(const Variable& x) const {
    const NoGrad off;
    return std::visit([&](const auto& net) { return net(x); }, net_);
  }

 private:
  using Net = std::variant<FusedResNet1d, LstmClassifier, GruClassifier>;
  Net net_;
};

// The same for a network chosen at run time.
inline FusedModel fuse(const AnyModel& net) { return FusedModel(net); }

}  // namespace cordis::inline CORDIS_ABI
