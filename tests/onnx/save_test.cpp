// tests/onnx/save_test.cpp: graphs as ONNX's own checker takes them, gates in its order, and what has no form
// Numbers are held against ONNX Runtime's by tests/interop/run.sh.
#include <doctest/doctest.h>
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>

#include <cordis/onnx/save.hpp>
#include <cordis/op/arithmetic.hpp>
#include <numeric>

#include "refusal.hpp"
#include "scratch_folder.hpp"

using namespace cordis;

namespace {

struct Doubled {  // no ONNX form
  static constexpr const char* kName = "Doubled";
  static void visit(auto&, auto&&) {}
};

struct Net {
  Conv1d conv{3, 4, {.kernel = 3, .stride = 2, .padding = 1}};
  BatchNorm1d bn{4};
  std::vector<Linear> fcs{Linear(4, 6), Linear(6, 2)};
  std::optional<Doubled> doubled;
  bool forgetful = false;

  static void visit(auto& m, auto&& f) {
    f("conv", m.conv), f("bn", m.bn), f("fcs", m.fcs), f("doubled", m.doubled);
  }
};
OnnxValue onnx_form(const Net& net, const OnnxValue& x) {
  const OnnxValue y = global_avg_pool1d(relu(apply(net.bn, apply(net.conv, x))));
  const OnnxValue z = net.doubled ? apply(*net.doubled, y) : y;
  return apply(net.fcs[1], net.forgetful ? z : relu(apply(net.fcs[0], z)));
}

struct Louder : Conv1d {  // computes something else than its base
  using Conv1d::Conv1d;
  static constexpr const char* kName = "Louder";
  Variable operator()(const Variable& x) const { return mul(Conv1d::operator()(x), 2); }
};

::onnx::ModelProto read(const scratch::fs::path& file) {
  ::onnx::ModelProto model;
  REQUIRE(model.ParseFromString(read_file(file)));
  return model;
}

std::string text(const ::onnx::ValueInfoProto& value) {
  std::string shape = value.name();
  for (const auto& axis : value.type().tensor_type().shape().dim())
    shape += ' ' + (axis.has_dim_value() ? std::to_string(axis.dim_value()) : axis.dim_param());
  return shape;
}

// (rows, columns) of a gate's rows: all of the gate's number.
Variable numbered(std::int64_t gates, std::int64_t hidden, std::int64_t columns, float first) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < gates * hidden * std::max<std::int64_t>(1, columns); ++i)
    values.push_back(first + static_cast<float>(i / (hidden * std::max<std::int64_t>(1, columns))));
  return Variable(Tensor::of(columns ? Shape{gates * hidden, columns} : Shape{gates * hidden}, values), true);
}

// What the initializer holds, of runs of equal numbers one each.
std::vector<float> runs(const ::onnx::ModelProto& model, const std::string& name) {
  for (const auto& each : model.graph().initializer())
    if (each.name() == name) {
      std::vector<float> values(each.raw_data().size() / sizeof(float));
      std::memcpy(values.data(), each.raw_data().data(), each.raw_data().size());
      values.erase(std::unique(values.begin(), values.end()), values.end());
      return values;
    }
  return {};
}

}  // namespace

TEST_CASE("save_onnx: layers under their keys, one transposition, any batch and length") {
  const scratch::Folder folder;
  const Net net;
  save_onnx(net, folder.path / "net.onnx", {.metadata = {{"classes", "a,b"}}});
  CHECK(folder.names() == std::vector<std::string>{"net.onnx"});

  auto model = read(folder.path / "net.onnx");
  ::onnx::checker::check_model(model);
  ::onnx::shape_inference::InferShapes(model, ::onnx::OpSchemaRegistry::Instance(), {true, 1, true});
  CHECK(text(model.graph().input(0)) == "x N L 3");
  CHECK(text(model.graph().output(0)) == "y N 2");
  CHECK(model.metadata_props(0).key() == "classes");
  CHECK(model.metadata_props(0).value() == "a,b");

  std::string nodes;
  for (const auto& node : model.graph().node()) nodes += node.op_type() + ' ' + node.name() + "; ";
  CHECK(nodes ==
        "Transpose x.ncl; Conv conv; BatchNormalization bn; Relu Relu; GlobalAveragePool GlobalAveragePool; "
        "Flatten Flatten; Gemm fcs.0; Relu Relu_2; Gemm fcs.1; ");
  std::vector<std::string> keys, wanted;
  for (const auto& each : model.graph().initializer()) keys.push_back(each.name());
  for (const auto& each : state_dict(net))
    if (each.name != "bn.num_batches_tracked") wanted.push_back(each.name);
  std::sort(keys.begin(), keys.end()), std::sort(wanted.begin(), wanted.end());
  CHECK(keys == wanted);
}

TEST_CASE("save_onnx: a given length goes through strides and pools") {
  const scratch::Folder folder;
  save_onnx(Conv1d(2, 5, {.kernel = 4, .stride = 3}), folder.path / "conv.onnx", {.length = 20});
  auto model = read(folder.path / "conv.onnx");
  CHECK(text(model.graph().input(0)) == "x N 20 2");
  CHECK(text(model.graph().output(0)) == "y N 6 5");
  ::onnx::checker::check_model(model);
  ::onnx::shape_inference::InferShapes(model, ::onnx::OpSchemaRegistry::Instance(), {true, 1, true});
}

TEST_CASE("save_onnx: gates i f g o become i o f c, r z n become z r h, biases of input and state in a row") {
  const scratch::Folder folder;
  LSTM lstm({.input = 3, .hidden = 2, .bidirectional = true});
  GRU gru({.input = 3, .hidden = 2});
  const auto number = [](auto& net, std::int64_t gates) {
    float first = 0;
    for (auto& p : net.cells) {
      p.w_ih = numbered(gates, 2, 3, first), p.w_hh = numbered(gates, 2, 2, first + 10);
      p.b_ih = numbered(gates, 2, 0, first + 20), p.b_hh = numbered(gates, 2, 0, first + 30);
      first += 100;
    }
  };
  number(lstm, 4), number(gru, 3);
  save_onnx(lstm, folder.path / "lstm.onnx"), save_onnx(gru, folder.path / "gru.onnx");
  const auto of_lstm = read(folder.path / "lstm.onnx"), of_gru = read(folder.path / "gru.onnx");
  using Runs = std::vector<float>;
  CHECK(runs(of_lstm, ".l0.W") == Runs{0, 3, 1, 2, 100, 103, 101, 102});
  CHECK(runs(of_lstm, ".l0.R") == Runs{10, 13, 11, 12, 110, 113, 111, 112});
  CHECK(runs(of_lstm, ".l0.B") ==
        Runs{20, 23, 21, 22, 30, 33, 31, 32, 120, 123, 121, 122, 130, 133, 131, 132});
  CHECK(runs(of_gru, ".l0.W") == Runs{1, 0, 2});
  CHECK(runs(of_gru, ".l0.R") == Runs{11, 10, 12});
  CHECK(runs(of_gru, ".l0.B") == Runs{21, 20, 22, 31, 30, 32});
  CHECK(of_gru.graph().node(1).attribute(2).name() == "linear_before_reset");
  CHECK(of_gru.graph().node(1).attribute(2).i() == 1);
}

TEST_CASE("save_onnx: what has no form is refused by name, and the old file stays") {
  const scratch::Folder folder;
  const auto file = folder.write("net.onnx", "old");
  const auto refused = [&](const auto& net, const OnnxOptions& options = {}) {
    const std::string why = refusal([&] { save_onnx(net, file, options); });
    CHECK(read_file(file) == "old");
    CHECK(folder.names().size() == 1);
    return why;
  };
  Net net;
  net.doubled.emplace();
  CHECK(says(refused(net), {"no ONNX form for layer Doubled at key doubled"}));
  CHECK(says(refused(Louder(2, 2, {.kernel = 3})), {"no ONNX form for layer Louder"}));
  net = Net();
  net.fcs[1] = Linear(4, 2), net.forgetful = true;
  CHECK(says(refused(net), {"fcs.0.", "has no place in the file"}));
  net = Net();
  net.fcs[0] = Linear(5, 6);
  CHECK(says(refused(net), {"fcs.0 expects 5 features, but its input has 4"}));
  net = Net();
  net.bn = BatchNorm1d(4, {.track_running_stats = false});
  CHECK(says(refused(net), {"bn keeps no running statistics"}));
  net = Net();
  to(net, DType::f64);
  CHECK(says(refused(net), {"conv.weight is f64", "f32"}));
  CHECK(says(refused(Conv1d(2, 2, {.kernel = 5}), {.length = 4}), {"spans 5 samples, but there are 4"}));
  CHECK(says(refused(Conv1d(2, 2, {.kernel = 5}), {.length = -1}), {"length -1"}));
  CHECK(says(refused(GruClassifier({.length = 50, .hidden = 2}), {.length = 40}),
             {"the flatten head expects 50 samples, but its input has 40"}));
  CHECK(says(refusal<IoError>([&] { save_onnx(Net(), folder.path / "none" / "net.onnx"); }),
             {"none/net.onnx", "cannot be written"}));
}
