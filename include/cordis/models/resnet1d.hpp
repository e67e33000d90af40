// cordis/models/resnet1d.hpp: ResNet1d18, 50 and 101 for 12-lead ECGs
// The residual networks of He et al. 2016 in one dimension, as arXiv 2402.02021 uses them.
#pragma once

#include <array>
#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/conv1d.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/op/activation.hpp>
#include <cordis/op/pool1d.hpp>

namespace cordis::inline CORDIS_ABI {

// Sizes of a ResNet.
struct ResNet1dOptions {
  std::int64_t leads = 12;
  std::int64_t classes = 5;
  std::int64_t width = 64;  // channels of the stem and the first stage; each stage doubles it
  std::int64_t fc = 512;    // features between the two fully connected layers
};

namespace detail {
inline Conv1d resnet_conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  return Conv1d(in, out, {.kernel = kernel, .stride = stride, .padding = kernel / 2, .bias = false},
                [](Tensor& w) { kaiming_normal_fan_out(w); });
}
}  // namespace detail

// 1×1 convolution and batch norm on the shortcut, where the shape changes.
struct Downsample {
  Conv1d conv;
  BatchNorm1d bn;

  static void visit(auto& m, auto&& f) { f("0", m.conv), f("1", m.bn); }

  // From `in` channels to `out`, every stride-th sample.
  Downsample(std::int64_t in, std::int64_t out, std::int64_t stride)
      : conv(detail::resnet_conv(in, out, 1, stride)), bn(out) {}

  // (N, L, in) -> (N, ceil(L / stride), out)
  Variable operator()(const Variable& x) const { return bn(conv(x)); }
};

// Two 3-convolutions and a shortcut (He et al. 2016): the block of ResNet18.
struct BasicBlock {
  static constexpr const char* kName = "BasicBlock";
  static constexpr std::int64_t kExpansion = 1;
  Conv1d conv1;
  BatchNorm1d bn1;
  Conv1d conv2;
  BatchNorm1d bn2;
  std::optional<Downsample> downsample;

  static void visit(auto& m, auto&& f) {
    f("conv1", m.conv1), f("bn1", m.bn1), f("conv2", m.conv2), f("bn2", m.bn2), f("downsample", m.downsample);
  }

  // From `in` channels to `width`.
  BasicBlock(std::int64_t in, std::int64_t width, std::int64_t stride)
      : conv1(detail::resnet_conv(in, width, 3, stride)),
        bn1(width),
        conv2(detail::resnet_conv(width, width, 3, 1)),
        bn2(width) {
    if (stride != 1 || in != width) downsample.emplace(in, width, stride);
  }

  // (N, L, in) -> (N, ceil(L / stride), width)
  Variable operator()(const Variable& x) const {
    const Variable y = conv2(bn1.relu(conv1(x)));
    return observed(*this, bn2.add_relu(y, downsample ? (*downsample)(x) : x));
  }
};

// 1, 3 and 1-convolutions and a shortcut (He et al. 2016): the block of ResNet50 and deeper ones. The stride
// is at the 3-convolution, as in PyTorch's.
struct Bottleneck {
  static constexpr const char* kName = "Bottleneck";
  static constexpr std::int64_t kExpansion = 4;
  Conv1d conv1;
  BatchNorm1d bn1;
  Conv1d conv2;
  BatchNorm1d bn2;
  Conv1d conv3;
  BatchNorm1d bn3;
  std::optional<Downsample> downsample;

  static void visit(auto& m, auto&& f) {
    f("conv1", m.conv1), f("bn1", m.bn1), f("conv2", m.conv2), f("bn2", m.bn2), f("conv3", m.conv3),
        f("bn3", m.bn3), f("downsample", m.downsample);
  }

  // From `in` channels to 4 `width`.
  Bottleneck(std::int64_t in, std::int64_t width, std::int64_t stride)
      : conv1(detail::resnet_conv(in, width, 1, 1)),
        bn1(width),
        conv2(detail::resnet_conv(width, width, 3, stride)),
        bn2(width),
        conv3(detail::resnet_conv(width, width * kExpansion, 1, 1)),
        bn3(width * kExpansion) {
    if (stride != 1 || in != width * kExpansion) downsample.emplace(in, width * kExpansion, stride);
  }

  // (N, L, in) -> (N, ceil(L / stride), 4 width)
  Variable operator()(const Variable& x) const {
    const Variable y = conv3(bn2.relu(conv2(bn1.relu(conv1(x)))));
    return observed(*this, bn3.add_relu(y, downsample ? (*downsample)(x) : x));
  }
};

// A stem, four stages of blocks, the mean over time, and two fully connected layers.
template <class Block>
struct ResNet1d {
  static constexpr const char* kName = "ResNet1d";
  Conv1d conv1;
  BatchNorm1d bn1;
  std::vector<Block> layer1, layer2, layer3, layer4;
  Linear fc1, fc2;

  static void visit(auto& m, auto&& f) {
    f("conv1", m.conv1), f("bn1", m.bn1), f("layer1", m.layer1), f("layer2", m.layer2), f("layer3", m.layer3),
        f("layer4", m.layer4), f("fc1", m.fc1), f("fc2", m.fc2);
  }

  // blocks: how many each stage has. Convolutions' weights by He et al. 2015, the rest as in PyTorch, from
  // default_generator(); throws where a size is below 1.
  ResNet1d(const std::array<int, 4>& blocks, const ResNet1dOptions& options) {
    CORDIS_CHECK(options.leads >= 1 && options.classes >= 1 && options.width >= 1 && options.fc >= 1,
                 "[ResNet1d] leads ", options.leads, ", classes ", options.classes, ", width ", options.width,
                 ", fc ", options.fc, ": each is at least 1");
    conv1 = detail::resnet_conv(options.leads, options.width, 7, 2);
    bn1 = BatchNorm1d(options.width);
    std::int64_t in = options.width;
    std::vector<Block>* const stages[] = {&layer1, &layer2, &layer3, &layer4};
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const std::int64_t width = options.width << stage;
      for (int i = 0; i < blocks[stage]; ++i) {
        stages[stage]->emplace_back(in, width, i == 0 && stage > 0 ? 2 : 1);
        in = width * Block::kExpansion;
      }
    }
    fc1 = Linear(in, options.fc);
    fc2 = Linear(options.fc, options.classes);
  }

  // (N, L, leads) -> logits (N, classes)
  Variable operator()(const Variable& x) const {
    Variable y = max_pool1d(bn1.relu(conv1(x)), {.kernel = 3, .stride = 2, .padding = 1});
    for (const auto* stage : {&layer1, &layer2, &layer3, &layer4})
      for (const Block& block : *stage) y = block(y);
    return observed(*this, fc2(relu(fc1(global_avg_pool1d(y)))));
  }
};

// 2, 2, 2 and 2 basic blocks.
struct ResNet1d18 : ResNet1d<BasicBlock> {
  // random weights
  explicit ResNet1d18(const ResNet1dOptions& options = {}) : ResNet1d({2, 2, 2, 2}, options) {}
};
// 3, 4, 6 and 3 bottlenecks.
struct ResNet1d50 : ResNet1d<Bottleneck> {
  // random weights
  explicit ResNet1d50(const ResNet1dOptions& options = {}) : ResNet1d({3, 4, 6, 3}, options) {}
};
// 3, 4, 23 and 3 bottlenecks.
struct ResNet1d101 : ResNet1d<Bottleneck> {
  // random weights
  explicit ResNet1d101(const ResNet1dOptions& options = {}) : ResNet1d({3, 4, 23, 3}, options) {}
};

}  // namespace cordis::inline CORDIS_ABI
