// cordis/onnx/nn.hpp: the ONNX forms of the layers, as they infer: batch norm by running statistics, no
// dropout A form is for its own layer alone, not for what is derived from it, which may compute something
// else.
#pragma once

#include <algorithm>
#include <concepts>
#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/conv1d.hpp>
#include <cordis/nn/dropout.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/nn/recurrent.hpp>
#include <cordis/onnx/op.hpp>

namespace cordis::inline CORDIS_ABI {

// x: (N, L, C_in). Conv: (N, L_out, C_out).
inline OnnxValue onnx_form(const std::same_as<Conv1d> auto& conv, const OnnxValue& x) {
  using Axis = std::vector<std::int64_t>;
  OnnxGraph& graph = *x.graph;
  const std::string key = graph.key_of(conv);
  const auto& o = conv.options;
  const std::int64_t kernel = conv.weight.size(2);
  expect_extent(x.channels, conv.weight.size(1) * o.groups, key, "channels");
  std::vector<std::string> inputs{graph.in(x, "ncl"), graph.weight(conv.weight)};
  if (conv.bias.defined()) inputs.push_back(graph.weight(conv.bias));
  return {x.graph,
          graph.emit("Conv", inputs,
                     {{"kernel_shape", Axis{kernel}},
                      {"strides", Axis{o.stride}},
                      {"pads", Axis{o.padding, o.padding}},
                      {"dilations", Axis{o.dilation}},
                      {"group", o.groups}},
                     key),
          "ncl", detail::onnx_windows(x, kernel, o.stride, o.padding, o.dilation, key),
          OnnxGraph::extent(conv.weight.size(0))};
}

// x: (N, L, C) or (N, C). BatchNormalization with the running statistics, which it needs: the same shape.
inline OnnxValue onnx_form(const std::same_as<BatchNorm1d> auto& bn, const OnnxValue& x) {
  OnnxGraph& graph = *x.graph;
  const std::string key = graph.key_of(bn);
  CORDIS_CHECK(bn.running_mean.defined(), "[onnx] ", key,
               " keeps no running statistics: it has no inference form");
  expect_extent(x.channels, bn.running_mean.size(0), key, "channels");
  const auto or_constant = [&](const Variable& v, const char* name, double value) {
    return v.defined() ? graph.weight(v) : graph.constant(key + name, full(bn.running_mean.shape(), value));
  };
  const std::string axes = x.axes == "nc" ? "nc" : "ncl";
  return {
      x.graph,
      graph.emit("BatchNormalization",
                 {graph.in(x, axes), or_constant(bn.weight, ".weight", 1), or_constant(bn.bias, ".bias", 0),
                  graph.weight(bn.running_mean), graph.weight(bn.running_var)},
                 {{"epsilon", bn.options.eps}}, key),
      axes, x.length, x.channels};
}

// Over the last axis of (N, C) or (N, L, C).
inline OnnxValue onnx_form(const std::same_as<Linear> auto& fc, const OnnxValue& x) {
  OnnxGraph& graph = *x.graph;
  const std::string key = graph.key_of(fc), w = graph.weight(fc.weight);
  expect_extent(x.channels, fc.weight.size(1), key, "features");
  const auto features = OnnxGraph::extent(fc.weight.size(0));
  if (x.axes == "nc") {
    std::vector<std::string> inputs{x.name, w};
    if (fc.bias.defined()) inputs.push_back(graph.weight(fc.bias));
    return {x.graph, graph.emit("Gemm", inputs, {{"transB", std::int64_t{1}}}, key), "nc", x.length,
            features};
  }
  const std::string axes = x.axes == "lnc" ? "lnc" : "nlc";
  std::string y = graph.emit("MatMul", {graph.in(x, axes), graph.emit("Transpose", {w})}, {}, key);
  if (fc.bias.defined()) y = graph.emit("Add", {y, graph.weight(fc.bias)});
  return {x.graph, y, axes, x.length, features};
}

// Inference drops nothing: x.
inline OnnxValue onnx_form(const std::same_as<Dropout> auto&, const OnnxValue& x) { return x; }

namespace detail {
// (G H, ...) of each direction, its G gates in the order that ONNX has them: (D, the sum of rows, ...).
inline Tensor onnx_gates(const std::vector<Tensor>& parts, std::int64_t directions,
                         const std::vector<std::int64_t>& order) {
  const std::int64_t gates = static_cast<std::int64_t>(order.size()), hidden = parts[0].size(0) / gates;
  const std::int64_t rows = static_cast<std::int64_t>(parts.size()) / directions * parts[0].size(0);
  Shape shape{directions, rows};
  if (parts[0].rank() == 2) shape.append(parts[0].size(1));
  Tensor all(shape);
  float* to = all.data<float>();
  for (const Tensor& part : parts)
    for (const std::int64_t gate : order) {
      const Tensor from = part.rows(gate * hidden, (gate + 1) * hidden);
      to = std::copy_n(from.data<float>(), from.numel(), to);
    }
  return all;
}
}  // namespace detail

// A node for each layer of the stack, over (L, N, C). ONNX has the gates of an LSTM as i o f c and those of a
// GRU as z r h, where PyTorch has i f g o and r z n.
template <class Stack>
requires std::same_as<Stack, LSTM> || std::same_as<Stack, GRU> OnnxValue onnx_form(const Stack& stack,
                                                                                   const OnnxValue& x) {
  constexpr bool kLstm = std::same_as<Stack, LSTM>;
  const std::vector<std::int64_t> order =
      kLstm ? std::vector<std::int64_t>{0, 3, 1, 2} : std::vector<std::int64_t>{1, 0, 2};
  OnnxGraph& graph = *x.graph;
  const auto& o = stack.options;
  const std::int64_t D = o.bidirectional ? 2 : 1, H = o.hidden;
  const std::string key = graph.key_of(stack);
  expect_extent(x.channels, o.input, key, "features");
  OnnxAttributes attributes{{"hidden_size", H},
                            {"direction", std::string(D == 2 ? "bidirectional" : "forward")}};
  if (!kLstm) attributes.push_back({"linear_before_reset", std::int64_t{1}});

  std::string y = graph.in(x, "lnc");
  for (std::int64_t layer = 0; layer < o.layers; ++layer) {
    std::vector<Tensor> w, r, b;
    for (std::int64_t i = layer * D; i < (layer + 1) * D; ++i) {
      const auto& cell = stack.cells.at(static_cast<std::size_t>(i));
      w.push_back(graph.values(cell.w_ih)), r.push_back(graph.values(cell.w_hh));
      if (o.bias) b.push_back(graph.values(cell.b_ih)), b.push_back(graph.values(cell.b_hh));
    }
    const std::string name = concat(key, ".l", layer);
    const auto gates = [&](const char* part, const std::vector<Tensor>& of) {
      return graph.constant(name + part, detail::onnx_gates(of, D, order));
    };
    std::vector<std::string> inputs{y, gates(".W", w), gates(".R", r)};
    if (o.bias) inputs.push_back(gates(".B", b));
    y = graph.emit(Stack::kName, inputs, attributes, name);  // (L, D, N, H)
    y = graph.emit("Transpose", {y}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
    const auto shape = graph.constant(name + ".shape", Tensor::of<std::int64_t>({3}, {0, 0, D * H}));
    y = graph.emit("Reshape", {y, shape});
  }
  return {x.graph, y, "lnc", x.length, OnnxGraph::extent(D * H)};
}

}  // namespace cordis::inline CORDIS_ABI
