// cordis/onnx/op.hpp: the ops without parameters, under their own names, as nodes of an ONNX graph
#pragma once

#include <cordis/contract/pool1d.hpp>
#include <cordis/onnx/graph.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {
inline OnnxValue onnx_unary(const char* op, const OnnxValue& x) {
  return {x.graph, x.graph->emit(op, {x.name}), x.axes, x.length, x.channels};
}

// Samples that windows of this kind leave; 0 where those of x are not known.
inline OnnxValue::Extent onnx_windows(const OnnxValue& x, std::int64_t kernel, std::int64_t stride,
                                      std::int64_t padding, std::int64_t dilation, const std::string& who) {
  if (*x.length == 0) return OnnxGraph::extent();
  const std::int64_t room = *x.length + 2 * padding - dilation * (kernel - 1) - 1;
  CORDIS_CHECK(room >= 0, "[onnx] ", who, ": a window spans ", dilation * (kernel - 1) + 1,
               " samples, but there are ", *x.length, " and ", 2 * padding, " of padding");
  return OnnxGraph::extent(room / stride + 1);
}
}  // namespace detail

// max(x, 0), any shape.
inline OnnxValue relu(const OnnxValue& x) { return detail::onnx_unary("Relu", x); }
// 1 / (1 + exp(-x)), any shape.
inline OnnxValue sigmoid(const OnnxValue& x) { return detail::onnx_unary("Sigmoid", x); }
// tanh(x), any shape.
inline OnnxValue tanh(const OnnxValue& x) { return detail::onnx_unary("Tanh", x); }

// Of two values of one shape.
inline OnnxValue add(const OnnxValue& a, const OnnxValue& b) {
  expect_extent(b.channels, *a.channels ? *a.channels : *b.channels, "add", "channels");
  expect_extent(b.length, *a.length ? *a.length : *b.length, "add", "samples");
  return {a.graph, a.graph->emit("Add", {a.name, a.graph->in(b, a.axes)}), a.axes, a.length, a.channels};
}

// (N, L, C) -> (N, L_out, C); refuses windows longer than a known L.
inline OnnxValue max_pool1d(const OnnxValue& x, MaxPool1dOptions o) {
  if (o.stride == 0) o.stride = o.kernel;
  using Axis = std::vector<std::int64_t>;
  const auto length = detail::onnx_windows(x, o.kernel, o.stride, o.padding, o.dilation, "max_pool1d");
  return {x.graph,
          x.graph->emit("MaxPool", {x.graph->in(x, "ncl")},
                        {{"kernel_shape", Axis{o.kernel}},
                         {"strides", Axis{o.stride}},
                         {"pads", Axis{o.padding, o.padding}},
                         {"dilations", Axis{o.dilation}}}),
          "ncl", length, x.channels};
}

// (N, L, C) -> (N, C)
inline OnnxValue global_avg_pool1d(const OnnxValue& x) {
  const std::string mean = x.graph->emit("GlobalAveragePool", {x.graph->in(x, "ncl")});
  return {x.graph, x.graph->emit("Flatten", {mean}), "nc", OnnxGraph::extent(1), x.channels};
}

// (N, L, C) -> (N, L C)
inline OnnxValue flatten(const OnnxValue& x) {
  if (x.axes == "nc") return x;
  return {x.graph, x.graph->emit("Flatten", {x.graph->in(x, "nlc")}), "nc", OnnxGraph::extent(1),
          OnnxGraph::extent(*x.length * *x.channels)};
}

// (N, L, D H) -> (N, D H)
inline OnnxValue last_state(const OnnxValue& x, std::int64_t directions = 1) {
  OnnxGraph& graph = *x.graph;
  const auto whole = [&](std::int64_t number) {
    return graph.constant("whole", Tensor::of<std::int64_t>({1}, {number}));
  };
  const std::string all = graph.in(x, "lnc");
  const auto sample = [&](std::int64_t at) {
    return graph.emit("Gather", {all, graph.constant("sample", Tensor::scalar<std::int64_t>(at))});
  };
  std::string last = sample(-1);
  if (directions == 2) {
    CORDIS_CHECK(*x.channels > 0, "[onnx] last_state of two directions needs to know the channels of ",
                 x.name);
    const std::int64_t half = *x.channels / 2;
    const auto part = [&](const std::string& from, std::int64_t begin) {
      return graph.emit("Slice", {from, whole(begin), whole(begin + half), whole(1)});
    };
    last = graph.emit("Concat", {part(last, 0), part(sample(0), half)}, {{"axis", std::int64_t{1}}});
  }
  return {x.graph, last, "nc", OnnxGraph::extent(1), x.channels};
}

}  // namespace cordis::inline CORDIS_ABI
