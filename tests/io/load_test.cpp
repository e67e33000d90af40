// tests/io/load_test.cpp: state into nets: strictly, in part, with keys left out
#include <doctest/doctest.h>

#include <cordis/io/load.hpp>

#include "refusal.hpp"
#include "scratch.hpp"

using namespace cordis;
using scratch::Folder;
using List = std::vector<std::string>;

namespace {

struct Layer {
  Variable weight, bias;
  static void visit(auto& m, auto&& f) { f("weight", m.weight), f("bias", m.bias); }
};
struct Norm {
  Tensor running_mean, num_batches_tracked;
  static void visit(auto& m, auto&& f) {
    f("running_mean", m.running_mean), f("num_batches_tracked", m.num_batches_tracked);
  }
};
struct Net {
  Layer fc1;
  Norm norm;
  Layer fc2, fc22;
  static void visit(auto& m, auto&& f) {
    f("fc1", m.fc1), f("norm", m.norm), f("fc2", m.fc2), f("fc22", m.fc22);
  }
};

// Every value of the net is `value`; fc22 has no bias.
Net filled(double value, DType dtype = DType::f32) {
  Net net;
  net.fc1 = {Variable(full({2, 3}, value, dtype), true), Variable(full({2}, value, dtype), true)};
  net.norm = {full({2}, value, dtype), full({}, value, DType::i64)};
  net.fc2 = {Variable(full({1, 2}, value, dtype), true), Variable(full({1}, value, dtype), true)};
  net.fc22 = {Variable(full({1, 2}, value, dtype), true), {}};
  return net;
}

// "fc1.weight=3 norm.running_mean=1 ...": the first element of each entry.
std::string text_of(const Net& net) {
  std::string text;
  for (const auto& [name, tensor] : state_dict(net)) {
    const Tensor wide = tensor.to(DType::f64);
    const double value = wide.data<double>()[0];
    for (const double each : wide.values<double>())
      if (each != value) return "uneven " + name;
    text += concat(name, '=', value, ' ');
  }
  return text;
}

StateDict without(const StateDict& state, const std::string& key) {
  StateDict rest;
  for (const auto& entry : state)
    if (entry.name != key) rest.push_back(entry);
  return rest;
}

StateDict replaced(const StateDict& state, const std::string& key, const Tensor& tensor) {
  StateDict other = state;
  for (auto& entry : other)
    if (entry.name == key) entry.tensor = tensor;
  return other;
}

}  // namespace

TEST_CASE("load: a saved net comes back, counters and metadata too") {
  const Folder folder;
  const auto path = folder.path / "net.safetensors";
  const Net saved = filled(3);
  save(saved, path, {{"epoch", "7"}});
  CHECK(read_safetensors(path).metadata.at("epoch") == "7");
  Net net = filled(0);
  const auto report = load(net, path);
  CHECK(report.complete());
  CHECK(text_of(net) == text_of(saved));
  CHECK(net.norm.num_batches_tracked.item<std::int64_t>() == 3);
}

TEST_CASE("load: values are copied into the net's own tensors") {
  Net net = filled(0), source = filled(5);
  const Variable handle = net.fc1.weight;
  const Tensor buffer = net.norm.running_mean;
  CHECK(load_state_dict(net, state_dict(source)).complete());
  CHECK(handle.value().data<float>()[5] == 5);
  CHECK(buffer.data<float>()[1] == 5);
  CHECK(net.fc1.weight.requires_grad());
  source.fc1.weight.value().fill(9);
  CHECK(net.fc1.weight.value().data<float>()[0] == 5);
  CHECK(load_state_dict(net, state_dict(net)).complete());  // its own
  CHECK(text_of(net) == text_of(filled(5)));
}

TEST_CASE("load: floating values take the net's element type") {
  Net wide = filled(0, DType::f64), narrow = filled(0);
  CHECK(load_state_dict(wide, state_dict(filled(3))).complete());
  CHECK(wide.fc1.weight.dtype() == DType::f64);
  CHECK(text_of(wide) == text_of(filled(3)));
  CHECK(load_state_dict(narrow, state_dict(filled(0.1, DType::f64))).complete());
  CHECK(narrow.fc1.weight.dtype() == DType::f32);
  CHECK(narrow.fc1.weight.value().data<float>()[0] == 0.1F);
}

TEST_CASE("load: half-precision files fit") {
  const Folder folder;
  const auto path = folder.write(
      "half", scratch::file_of(R"({"bias":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},)"
                               R"("weight":{"dtype":"BF16","shape":[1,1],"data_offsets":[2,4]}})",
                               std::string_view("\x00\x3C\x00\xC0", 4)));
  Layer layer{Variable(zeros({1, 1}, DType::f64), true), Variable(zeros({1}), true)};
  CHECK(load(layer, path).complete());
  CHECK(layer.weight.value().item() == -2);
  CHECK(layer.bias.value().item() == 1);
}

TEST_CASE("load: strict lists everything that does not fit, and changes nothing") {
  StateDict state = without(state_dict(filled(5)), "fc1.bias");
  state = without(state, "norm.num_batches_tracked");
  state = replaced(state, "fc2.weight", zeros({5, 2}));
  state = replaced(state, "fc22.weight", zeros({2, 1}));
  state.push_back({"fc22.bias", zeros({1})});
  state.push_back({"extra", zeros({}, DType::i64)});
  Net net = filled(1);
  const auto text = refusal([&] { load_state_dict(net, state, {}, "dir/net.safetensors"); });
  CHECK(text ==
        "[load] dir/net.safetensors does not fit the net\n"
        "  missing (2):\n    fc1.bias (2,)\n    norm.num_batches_tracked ()\n"
        "  unexpected (2):\n    extra ()\n    fc22.bias (1,)\n"
        "  misshapen (2):\n    fc2.weight: file f32 (5, 2), net f32 (1, 2)\n"
        "    fc22.weight: file f32 (2, 1), net f32 (1, 2)");
  CHECK(text_of(net) == text_of(filled(1)));

  const auto only_missing =
      refusal([&] { load_state_dict(net, without(state_dict(filled(5)), "fc1.weight")); });
  CHECK(only_missing == "[load] state_dict does not fit the net\n  missing (1):\n    fc1.weight (2, 3)");
  CHECK(text_of(net) == text_of(filled(1)));

  const Folder folder;
  write_safetensors(folder.path / "f", state);
  CHECK(says(refusal([&] { load(net, folder.path / "f"); }), {(folder.path / "f").string(), "missing (2)"}));
}

TEST_CASE("load: in part takes what fits, and reports the rest") {
  StateDict state = replaced(without(state_dict(filled(5)), "fc1.bias"), "fc2.weight", zeros({5, 2}));
  state.push_back({"extra", zeros({3})});
  Net net = filled(1);
  const auto report = load_state_dict(net, state, {.strict = false});
  CHECK_FALSE(report.complete());
  CHECK(report.missing == List{"fc1.bias (2,)"});
  CHECK(report.unexpected == List{"extra (3,)"});
  CHECK(report.misshapen == List{"fc2.weight: file f32 (5, 2), net f32 (1, 2)"});
  CHECK(text_of(net) ==
        "fc1.weight=5 fc1.bias=1 norm.running_mean=5 norm.num_batches_tracked=5 fc2.weight=1 fc2.bias=5 "
        "fc22.weight=5 ");
  CHECK(load_state_dict(net, {}, {.strict = false}).missing.size() == 7);
}

TEST_CASE("load: shapes of as many elements do not pass for each other, nor counters for numbers") {
  for (const Shape& shape : {Shape{3, 2}, Shape{6}, Shape{1, 2, 3}}) {
    Net net = filled(1);
    CHECK(says(
        refusal([&] { load_state_dict(net, replaced(state_dict(filled(5)), "fc1.weight", zeros(shape))); }),
        {"misshapen (1)", "fc1.weight", concat(shape), "(2, 3)"}));
    CHECK(text_of(net) == text_of(filled(1)));
  }
  Net net = filled(1);
  const auto state = state_dict(filled(5));
  CHECK(says(refusal([&] {
               load_state_dict(net, replaced(state, "norm.num_batches_tracked", Tensor::scalar(5.0)));
             }),
             {"misshapen (1)", "num_batches_tracked: file f64 (), net i64 ()"}));
  CHECK(says(refusal([&] {
               load_state_dict(net, replaced(state, "norm.num_batches_tracked", full({1}, 5, DType::i64)));
             }),
             {"misshapen (1)", "file i64 (1,), net i64 ()"}));
  CHECK(says(refusal([&] { load_state_dict(net, replaced(state, "fc1.bias", full({2}, 5, DType::i64))); }),
             {"misshapen (1)", "fc1.bias: file i64 (2,), net f32 (2,)"}));
}

TEST_CASE("load: skipped keys keep the net's values, whatever the file has for them") {
  StateDict state = state_dict(filled(5));
  state = replaced(state, "fc2.weight", zeros({5, 2}));  // of another shape
  state = without(state, "fc2.bias");                    // missing
  state.push_back({"fc2.more", zeros({1})});             // unexpected
  Net net = filled(1);
  CHECK(load_state_dict(net, state, {.skip = {"fc2."}}).complete());
  CHECK(text_of(net) ==
        "fc1.weight=5 fc1.bias=5 norm.running_mean=5 norm.num_batches_tracked=5 fc2.weight=1 fc2.bias=1 "
        "fc22.weight=5 ");  // fc22 begins otherwise

  Net part = filled(1);
  CHECK(load_state_dict(part, state_dict(filled(5)), {.strict = false, .skip = {"fc2", "norm.num"}})
            .complete());
  CHECK(text_of(part) ==
        "fc1.weight=5 fc1.bias=5 norm.running_mean=5 norm.num_batches_tracked=1 fc2.weight=1 fc2.bias=1 "
        "fc22.weight=1 ");
  Net none = filled(1);
  CHECK(load_state_dict(none, {}, {.skip = {""}}).complete());
  CHECK(says(refusal([&] { load_state_dict(none, state, {.skip = {"fc1."}}); }),
             {"fc2.bias", "fc2.more", "(5, 2)"}));
}

TEST_CASE("load: keys given twice and undefined tensors are refused") {
  Net net = filled(1);
  StateDict state = state_dict(filled(5));
  state.push_back({"fc1.bias", zeros({2})});
  CHECK(says(refusal([&] { load_state_dict(net, state, {.strict = false}, "origin"); }),
             {"[load]", "origin", "fc1.bias twice"}));
  state = replaced(state_dict(filled(5)), "norm.running_mean", {});
  CHECK(says(refusal([&] { load_state_dict(net, state); }), {"[load]", "norm.running_mean is undefined"}));
  CHECK(text_of(net) == text_of(filled(1)));
}

TEST_CASE("load: empty nets and empty tensors") {
  std::vector<Layer> none;
  CHECK(load_state_dict(none, {}).complete());
  Layer layer{Variable(Tensor({0, 3}), true), Variable(Tensor({0}), true)};
  const Folder folder;
  save(layer, folder.path / "x");
  CHECK(load(layer, folder.path / "x").complete());
  CHECK(says(refusal<IoError>([&] { load(layer, folder.path / "absent"); }), {"absent: cannot be opened"}));
}
