// tests/nn/module_test.cpp: walking, keys, modes, freezing, copying
#include <doctest/doctest.h>

#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/conv1d.hpp>
#include <cordis/nn/dropout.hpp>
#include <cordis/nn/linear.hpp>
#include <nn/support.hpp>

using namespace cordis;

namespace {

struct Block {
  Linear fc{3, 3};
  std::optional<Linear> shortcut;
  Dropout dropout{.p = 0.1};
  bool training = true;

  static void visit(auto& m, auto&& f) { f("fc", m.fc), f("shortcut", m.shortcut), f("dropout", m.dropout); }
};

struct Net {
  Variable scale{ones({2}), true};
  Tensor offset = zeros({2});
  Variable absent;
  std::vector<Block> blocks = std::vector<Block>(2);
  std::variant<Linear, Conv1d> head = Linear(3, 1, {.bias = false});
  std::optional<BatchNorm1d> norm = BatchNorm1d(3);
  std::vector<std::vector<Linear>> grid{{Linear(1, 1)}, {}, {Linear(1, 1), Linear(1, 1)}};

  static void visit(auto& m, auto&& f) {
    f("scale", m.scale), f("offset", m.offset), f("absent", m.absent), f("blocks", m.blocks),
        f("head", m.head), f("norm", m.norm), f("grid", m.grid);
  }
};

static_assert(Module<Net> && Module<const Net> && Module<Linear>);
static_assert(!Module<int> && !Module<std::vector<Linear>> && !Module<Variable>);
static_assert(Walkable<std::vector<Net>> && Walkable<std::optional<Linear>> &&
              Walkable<std::variant<Linear, Net>>);
static_assert(!Walkable<int>);

// A net's parts share memory with its copies, so each test makes its own.
Net make_net() {
  Net net;
  net.blocks = {Block{}, Block{.fc = Linear(3, 3), .shortcut = Linear(3, 3), .dropout = {.p = 0.1}}};
  return net;
}

const Keys kKeys{"scale",
                 "offset",
                 "blocks.0.fc.weight",
                 "blocks.0.fc.bias",
                 "blocks.1.fc.weight",
                 "blocks.1.fc.bias",
                 "blocks.1.shortcut.weight",
                 "blocks.1.shortcut.bias",
                 "head.weight",
                 "norm.weight",
                 "norm.bias",
                 "norm.running_mean",
                 "norm.running_var",
                 "norm.num_batches_tracked",
                 "grid.0.0.weight",
                 "grid.0.0.bias",
                 "grid.2.0.weight",
                 "grid.2.0.bias",
                 "grid.2.1.weight",
                 "grid.2.1.bias"};

bool is_buffer(const std::string& key) {
  return key == "offset" || key.find("running") != std::string::npos || key.ends_with("tracked");
}

}  // namespace

TEST_CASE("module: keys in the order of visit; absent members leave none") {
  const Net net = make_net();
  CHECK(keys(net) == kKeys);
  Keys expected, found;
  for (const auto& key : kKeys)
    if (!is_buffer(key)) expected.push_back(key);
  for (const auto& entry : named_parameters(net)) found.push_back(entry.name);
  CHECK(found == expected);
  CHECK(parameters(net).size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(parameters(net)[i].same(named_parameters(net)[i].variable));
}

TEST_CASE("module: containers alone can be walked") {
  const std::vector<Linear> list{Linear(1, 2), Linear(2, 1, {.bias = false})};
  CHECK(keys(list) == Keys{"0.weight", "0.bias", "1.weight"});
  const std::optional<Linear> some = Linear(1, 1), none;
  CHECK(keys(some) == Keys{"weight", "bias"});
  CHECK(keys(none).empty());
  const std::variant<Linear, Net> choice = Linear(1, 1);
  CHECK(keys(choice) == Keys{"weight", "bias"});
  CHECK(keys(std::vector<Linear>{}).empty());
}

TEST_CASE("module: the state shares memory with the net") {
  Net net = make_net();
  auto state = state_dict(net);
  CHECK(state[0].tensor.raw() == net.scale.value().raw());
  CHECK(state[1].tensor.raw() == net.offset.raw());
  state[0].tensor.fill(7);
  CHECK(net.scale.value().values<float>()[1] == 7);
  walk(net, [](const std::string& key, auto& leaf) {
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(leaf)>, Tensor>)
      if (key == "offset") leaf = ones({2});  // a buffer may be replaced
  });
  CHECK(net.offset.values<float>()[0] == 1);
}

TEST_CASE("module: modules, outermost first") {
  Net net = make_net();
  Keys found;
  std::size_t linears = 0;
  walk_modules(net, [&]<class M>(const std::string& key, M&) {
    found.push_back(key);
    linears += std::is_same_v<M, Linear>;
  });
  CHECK(found == Keys{"", "blocks.0", "blocks.0.fc", "blocks.0.dropout", "blocks.1", "blocks.1.fc",
                      "blocks.1.shortcut", "blocks.1.dropout", "head", "norm", "grid.0.0", "grid.2.0",
                      "grid.2.1"});
  CHECK(linears == 7);
}

TEST_CASE("module: training and evaluation reach every module that has a mode") {
  Net net = make_net();
  const auto modes = [&] {
    return std::vector<bool>{net.blocks[0].training, net.blocks[0].dropout.training, net.blocks[1].training,
                             net.blocks[1].dropout.training, net.norm->training};
  };
  eval(net);
  CHECK(modes() == std::vector<bool>(5, false));
  train(net);
  CHECK(modes() == std::vector<bool>(5, true));
  train(net, false);
  CHECK(modes() == std::vector<bool>(5, false));
  net.norm.reset();
  train(net);
  CHECK(net.blocks[1].dropout.training);
}

TEST_CASE("module: freezing, gradients, counting") {
  Net net = make_net();
  CHECK(count_parameters(net) == 2 + 12 + 12 + 12 + 3 + 6 + 6);
  requires_grad(net, false);
  for (const auto& parameter : parameters(net)) CHECK_FALSE(parameter.requires_grad());
  requires_grad(net.blocks[1], true);
  std::size_t thawed = 0;
  for (const auto& [key, parameter] : named_parameters(net)) {
    CHECK(parameter.requires_grad() == key.starts_with("blocks.1."));
    thawed += parameter.requires_grad();
  }
  CHECK(thawed == 4);
  const Variable x = ones({2, 3});
  backward({net.blocks[1].fc(net.blocks[0].fc(x))}, {ones({2, 3})});
  CHECK(net.blocks[1].fc.weight.grad().defined());
  CHECK_FALSE(net.blocks[0].fc.weight.grad().defined());
  zero_grad(net);
  CHECK_FALSE(net.blocks[1].fc.weight.grad().defined());
}

TEST_CASE("module: another element type, in place") {
  Net net = make_net();
  const Variable handle = net.blocks[0].fc.weight;
  const Tensor before = handle.value().clone();
  Variable(handle).grad() = ones({3, 3});
  to(net, DType::f64);
  for (const auto& [key, tensor] : state_dict(net))
    CHECK(tensor.dtype() == (key.ends_with("tracked") ? DType::i64 : DType::f64));
  CHECK(handle.same(net.blocks[0].fc.weight));  // optimizers keep what they hold
  CHECK(handle.requires_grad());
  CHECK_FALSE(handle.grad().defined());
  CHECK(deviation(handle.value(), before) == 0);
  CHECK(net.blocks[0].fc(ones({1, 3}, DType::f64)).dtype() == DType::f64);
  to(net, DType::f32);
  CHECK(identical(handle.value(), before));
  CHECK(refusal([&] { to(net, DType::i64); }) == "[to] a net cannot compute in i64");
}

TEST_CASE("module: copies of values") {
  Net from = make_net(), into = make_net();
  from.norm->num_batches_tracked.fill(5);
  from.offset.fill(3);
  const Variable handle = into.blocks[1].fc.weight;
  CHECK_FALSE(identical(handle.value(), from.blocks[1].fc.weight.value()));
  copy_state(into, from);
  const auto a = state_dict(into), b = state_dict(from);
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(identical(a[i].tensor, b[i].tensor));
    CHECK(a[i].tensor.raw() != b[i].tensor.raw());
  }
  CHECK(handle.same(into.blocks[1].fc.weight));
  CHECK(into.norm->num_batches_tracked.item<std::int64_t>() == 5);
}

TEST_CASE("module: copies that do not fit") {
  Linear two(2, 2), three(3, 2), bare(2, 2, {.bias = false}), wide(2, 2);
  to(wide, DType::f64);
  CHECK(refusal([&] { copy_state(two, bare); }) == "[copy_state] 1 entries into 2");
  CHECK(refusal([&] { copy_state(two, three); }) == "[copy_state] weight f32 (2, 3) into weight f32 (2, 2)");
  CHECK(refusal([&] { copy_state(two, wide); }) == "[copy_state] weight f64 (2, 2) into weight f32 (2, 2)");
  std::vector<std::optional<Linear>> first{two, std::nullopt}, second{std::nullopt, two};
  CHECK(refusal([&] { copy_state(first, second); }) ==
        "[copy_state] 1.weight f32 (2, 2) into 0.weight f32 (2, 2)");
}

TEST_CASE("module: an observer hears each layer of this thread while it lives") {
  const Linear layer(2, 3);
  const Dropout dropout;
  std::vector<std::pair<const void*, Shape>> heard;
  {
    const ObserveGuard guard(
        [&](const detail::ModuleId& id, const Variable& y) { heard.emplace_back(id.address, y.shape()); });
    dropout(layer(zeros({4, 2})));
    {
      const ObserveGuard inner(nullptr);
      layer(zeros({9, 2}));
    }
    layer(zeros({1, 2}));
  }
  layer(zeros({7, 2}));
  REQUIRE(heard.size() == 3);
  CHECK(heard[0] == std::pair<const void*, Shape>(&layer, {4, 3}));
  CHECK(heard[1] == std::pair<const void*, Shape>(&dropout, {4, 3}));
  CHECK(heard[2] == std::pair<const void*, Shape>(&layer, {1, 3}));
}
