// cordis/onnx/models.hpp: the ONNX forms of the six networks
#pragma once

#include <cordis/models/any_model.hpp>
#include <cordis/onnx/nn.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {
template <class M, class... These>
concept OneOf = (std::same_as<M, These> || ...);
}

// x: (N, L, C_in). Convolution and batch norm: (N, L_out, C_out).
inline OnnxValue onnx_form(const std::same_as<Downsample> auto& net, const OnnxValue& x) {
  return apply(net.bn, apply(net.conv, x));
}

// x: (N, L, C_in). A residual block: (N, L_out, C_out).
inline OnnxValue onnx_form(const detail::OneOf<BasicBlock, Bottleneck> auto& net, const OnnxValue& x) {
  OnnxValue y = apply(net.bn2, apply(net.conv2, relu(apply(net.bn1, apply(net.conv1, x)))));
  if constexpr (requires { net.conv3; }) y = apply(net.bn3, apply(net.conv3, relu(y)));
  return relu(add(y, net.downsample ? apply(*net.downsample, x) : x));
}

// x: (N, L, leads). The logits: (N, classes).
inline OnnxValue onnx_form(const detail::OneOf<ResNet1d<BasicBlock>, ResNet1d<Bottleneck>, ResNet1d18,
                                               ResNet1d50, ResNet1d101> auto& net,
                           const OnnxValue& x) {
  OnnxValue y = relu(apply(net.bn1, apply(net.conv1, x)));
  y = max_pool1d(y, {.kernel = 3, .stride = 2, .padding = 1});
  for (const auto* stage : {&net.layer1, &net.layer2, &net.layer3, &net.layer4})
    for (const auto& block : *stage) y = apply(block, y);
  return apply(net.fc2, relu(apply(net.fc1, global_avg_pool1d(y))));
}

namespace detail {
inline OnnxValue onnx_classify(const OnnxValue& y, const Linear& fc, const RecurrentClassifierOptions& o,
                               std::int64_t directions) {
  if (o.head == Head::mean) return apply(fc, global_avg_pool1d(y));
  if (o.head == Head::last) return apply(fc, last_state(y, directions));
  expect_extent(y.length, o.length, "the flatten head", "samples");
  return apply(fc, flatten(y));
}
}  // namespace detail

// x: (N, L, leads). The logits: (N, classes); the head flatten needs to know L.
inline OnnxValue onnx_form(const detail::OneOf<LstmClassifier, BiLstmClassifier> auto& net,
                           const OnnxValue& x) {
  return detail::onnx_classify(apply(net.lstm, x), net.fc, net.options, net.directions);
}
// x: (N, L, leads). The logits: (N, classes).
inline OnnxValue onnx_form(const std::same_as<GruClassifier> auto& net, const OnnxValue& x) {
  return detail::onnx_classify(apply(net.gru, x), net.fc, net.options, 1);
}

// x: (N, L, leads). The logits of the network in it: (N, classes).
inline OnnxValue onnx_form(const std::same_as<AnyModel> auto& net, const OnnxValue& x) {
  return std::visit([&](const auto& inner) { return apply(inner, x); }, net.net);
}

}  // namespace cordis::inline CORDIS_ABI
