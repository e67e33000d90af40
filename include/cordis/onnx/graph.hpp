// cordis/onnx/graph.hpp: an ONNX graph that is being put together, and the values that its nodes pass on
#pragma once

#include <bit>
#include <cordis/nn/module.hpp>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#ifndef ONNX_ML  // of the two schemas this is the one that is installed
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

namespace cordis::inline CORDIS_ABI {

class OnnxGraph;

// What a Variable is in the net: (N, L, C) or (N, C). In the file its axes may lie in another order.
struct OnnxValue {
  using Extent = std::shared_ptr<std::int64_t>;  // 0: not known yet; shared by values where it is the same

  OnnxGraph* graph;
  std::string name;
  std::string axes;  // as they lie: "nlc", "ncl", "lnc" or "nc"
  Extent length, channels;
};

// What a node's attribute may hold.
using OnnxAttribute = std::variant<std::int64_t, std::vector<std::int64_t>, double, std::string>;
// Attributes by name.
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

// Initializers have the keys of state_dict, nodes those of their layers.
class OnnxGraph {
 public:
  // An empty graph that knows the keys of the net's layers, parameters and buffers.
  template <Walkable M>
  explicit OnnxGraph(const M& net) {
    graph_.set_name("cordis");
    walk(net, [&]<class Leaf>(const std::string& key, const Leaf& leaf) {
      if constexpr (std::is_same_v<Leaf, Variable>)
        keys_.emplace(leaf.value().raw(), key), unused_.insert(leaf.value().raw());
      else
        keys_.emplace(leaf.raw(), key);
    });
    walk_modules(net, [&]<class Layer>(const std::string& key, const Layer& layer) {
      layers_.emplace(id_of(layer), key);
    });
  }
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;

  // Records (N, L, C), named x; length 0: any.
  OnnxValue input(std::int64_t length) {
    length_ = std::make_shared<std::int64_t>(length), channels_ = extent();
    return {this, "x", "nlc", length_, channels_};
  }

  // Where the layer stands in the net; empty for the net itself.
  template <class Layer>
  std::string key_of(const Layer& layer) const {
    const auto found = layers_.find(id_of(layer));
    return found == layers_.end() ? "" : found->second;
  }

  // A node of one output, whose name is returned: the wanted one, or that with a number where it is taken.
  // An input "" is left out.
  std::string emit(const std::string& op, const std::vector<std::string>& inputs,
                   const OnnxAttributes& attributes = {}, const std::string& wanted = "") {
    auto& node = *graph_.add_node();
    const std::string name = unique(wanted.empty() ? op : wanted);
    node.set_op_type(op), node.set_name(name), node.add_output(name);
    for (const auto& each : inputs) node.add_input(each);
    for (const auto& [key, value] : attributes) set(*node.add_attribute(), key, value);
    return name;
  }

  // The initializer of a parameter or buffer of the net.
  std::string weight(const Variable& parameter) { return weight(parameter.value()); }
  // The same of a parameter's or buffer's tensor.
  std::string weight(const Tensor& tensor) {
    const auto& key = use(tensor);
    const auto [found, fresh] = initializers_.try_emplace(key);
    if (fresh) found->second = constant(key, tensor);
    return found->second;
  }
  // Values on the CPU of a parameter which the file holds in another form, from constant().
  Tensor values(const Variable& parameter) {
    use(parameter.value());
    return parameter.value().to(Device::cpu());
  }
  // An initializer of numbers (f32 or i64) that are no parameter of the net.
  std::string constant(const std::string& wanted, const Tensor& tensor) {
    static_assert(std::endian::native == std::endian::little, "cordis: ONNX keeps numbers little-endian");
    CORDIS_CHECK(tensor.dtype() != DType::f64, "[onnx] ", wanted, " is f64, f32 or i64 is needed");
    const Tensor here = tensor.to(Device::cpu());
    auto& proto = *graph_.add_initializer();
    proto.set_name(unique(wanted));
    proto.set_data_type(here.dtype() == DType::i64 ? ::onnx::TensorProto::INT64 : ::onnx::TensorProto::FLOAT);
    for (int axis = 0; axis < here.rank(); ++axis) proto.add_dims(here.size(axis));
    proto.set_raw_data(here.raw(), here.bytes());
    return proto.name();
  }

  // The value's name once its axes lie in this order; a transposition is made once.
  std::string in(const OnnxValue& x, const std::string& axes) {
    CORDIS_CHECK(x.axes.size() == axes.size(), "[onnx] ", x.name, " has ", x.axes.size(), " axes, ",
                 axes.size(), " are needed");
    if (x.axes == axes) return x.name;
    const auto [found, fresh] = transposed_.try_emplace({x.name, axes});
    if (fresh) {
      std::vector<std::int64_t> order;
      for (const char axis : axes) order.push_back(static_cast<std::int64_t>(x.axes.find(axis)));
      found->second = emit("Transpose", {x.name}, {{"perm", order}}, x.name + "." + axes);
    }
    return found->second;
  }

  // The graph from its input to y, which it names so.
  ::onnx::GraphProto finish(const OnnxValue& y) {
    for (const void* parameter : unused_)
      fail("[onnx] ", keys_.at(parameter),
           " has no place in the file: the ONNX form of the layer around it does not use it");
    const std::string last = in(y, y.axes.size() == 3 ? "nlc" : "nc");
    CORDIS_CHECK(last != "x", "[onnx] the net computes nothing");
    for (auto& node : *graph_.mutable_node()) {
      for (auto& name : *node.mutable_input()) name = name == last ? "y" : name;
      for (auto& name : *node.mutable_output()) name = name == last ? "y" : name;
    }
    describe(*graph_.add_input(), "x", {{"N", 0}, {"L", *length_}, {"C", *channels_}});
    if (y.axes.size() == 3)
      describe(*graph_.add_output(), "y", {{"N", 0}, {"L_out", *y.length}, {"C_out", *y.channels}});
    else
      describe(*graph_.add_output(), "y", {{"N", 0}, {"C_out", *y.channels}});
    return std::move(graph_);
  }

  // A length or number of channels; 0: not known yet.
  static OnnxValue::Extent extent(std::int64_t known = 0) { return std::make_shared<std::int64_t>(known); }

 private:
  using LayerId = std::pair<const void*, const void*>;  // a struct and its first member share an address
  template <class Layer>
  static constexpr char kType = 0;
  template <class Layer>
  static LayerId id_of(const Layer& layer) {
    return {&layer, &kType<Layer>};
  }

  const std::string& use(const Tensor& tensor) {
    const auto found = keys_.find(tensor.raw());
    CORDIS_CHECK(found != keys_.end(), "[onnx] a tensor ", tensor.shape(),
                 " that the net's state_dict does not hold");
    CORDIS_CHECK(tensor.dtype() == DType::f32, "[onnx] ", found->second, " is ", tensor.dtype(),
                 ": files are written in f32; to(net, DType::f32) makes it so");
    unused_.erase(tensor.raw());
    return found->second;
  }

  std::string unique(const std::string& wanted) {
    std::string name = wanted;
    for (int number = 2; !names_.insert(name).second; ++number) name = concat(wanted, '_', number);
    return name;
  }

  static void set(::onnx::AttributeProto& attribute, const std::string& key, const OnnxAttribute& value) {
    attribute.set_name(key);
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      attribute.set_type(::onnx::AttributeProto::INT), attribute.set_i(*number);
    } else if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value)) {
      attribute.set_type(::onnx::AttributeProto::INTS);
      for (const auto each : *numbers) attribute.add_ints(each);
    } else if (const auto* real = std::get_if<double>(&value)) {
      attribute.set_type(::onnx::AttributeProto::FLOAT), attribute.set_f(static_cast<float>(*real));
    } else {
      attribute.set_type(::onnx::AttributeProto::STRING), attribute.set_s(std::get<std::string>(value));
    }
  }

  // An extent of 0 is any, under its name.
  static void describe(::onnx::ValueInfoProto& value, const char* name,
                       std::initializer_list<std::pair<const char*, std::int64_t>> shape) {
    value.set_name(name);
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(::onnx::TensorProto::FLOAT);
    for (const auto& [any, extent] : shape) {
      auto& axis = *type.mutable_shape()->add_dim();
      extent ? axis.set_dim_value(extent) : axis.set_dim_param(any);
    }
  }

  ::onnx::GraphProto graph_;
  std::map<const void*, std::string> keys_;  // of parameters and buffers, by where their elements lie
  std::set<const void*> unused_;             // parameters
  std::map<LayerId, std::string> layers_;
  std::map<std::string, std::string> initializers_;  // by key
  std::map<std::pair<std::string, std::string>, std::string> transposed_;
  std::set<std::string> names_{"x", "y"};
  OnnxValue::Extent length_, channels_;  // of the input
};

// What a layer asks of its input; the graph's input takes it over where it was open.
inline void expect_extent(const OnnxValue::Extent& is, std::int64_t wanted, const std::string& who,
                          const char* what) {
  if (*is == 0) *is = wanted;
  CORDIS_CHECK(*is == wanted, "[onnx] ", who, " expects ", wanted, ' ', what, ", but its input has ", *is);
}

// The layer's ONNX form, put behind x: a free function beside the layer,
//   OnnxValue onnx_form(const Layer&, const OnnxValue& x).
template <class Layer>
OnnxValue apply(const Layer& layer, const OnnxValue& x) {
  if constexpr (requires { onnx_form(layer, x); }) {
    return onnx_form(layer, x);
  } else {
    std::string name = "without a kName";
    if constexpr (requires { Layer::kName; }) name = Layer::kName;
    const std::string key = x.graph->key_of(layer);
    fail("[onnx] no ONNX form for layer ", name, key.empty() ? "" : " at key ", key,
         ": write OnnxValue onnx_form(const Layer&, const OnnxValue& x) beside it");
  }
}

}  // namespace cordis::inline CORDIS_ABI
