// tests/optim/optimizer_test.cpp: what every optimizer does with parameters, gradients and saved states
#include <doctest/doctest.h>

#include <cordis/nn/linear.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/optim/adam.hpp>
#include <cordis/optim/sgd.hpp>

#include "refusal.hpp"
#include "trajectory.hpp"

using namespace cordis;
using trajectory::give_gradients;
using trajectory::same_bits;
using trajectory::some_parameters;

static_assert(Optimizer<SGD> && Optimizer<Adam> && Optimizer<AdamW> && !Optimizer<Linear>);

TEST_CASE("optimizer: a step consumes the gradients, so that two backward passes add up") {
  Variables once = some_parameters(DType::f64, 1), twice = some_parameters(DType::f64, 1);
  SGD a(once, {.lr = 0.1}), b(twice, {.lr = 0.1});
  give_gradients(once, 2);
  for (auto& parameter : once) parameter.grad() = parameter.grad().clone();
  give_gradients(twice, 2);
  for (auto& parameter : once)
    for (double& g : parameter.grad().values<double>()) g *= 2;
  for (auto& parameter : twice) detail::add_gradient(parameter.grad(), parameter.grad().clone());
  a.step();
  b.step();
  CHECK(same_bits(once, twice));
  for (const auto& parameter : once) CHECK(!parameter.grad().defined());
  const Tensor before = once[0].value().clone();
  a.step();  // without gradients
  CHECK(same_bits(once[0].value(), before));

  give_gradients(once, 3);
  a.zero_grad();
  for (const auto& parameter : once) CHECK(!parameter.grad().defined());
}

TEST_CASE("optimizer: through the tape, on a net's own parameters") {
  Linear net(3, 2);
  to(net, DType::f64);
  Adam adam(net, {.lr = 0.01});
  const Tensor w = net.weight.value().clone(), b = net.bias.value().clone();
  backward({net(Variable(ones({4, 3}, DType::f64)))}, {ones({4, 2}, DType::f64)});
  adam.step();
  for (int i = 0; i < 6; ++i)
    CHECK(net.weight.value().data<double>()[i] == doctest::Approx(w.data<double>()[i] - 0.01));
  for (int i = 0; i < 2; ++i)
    CHECK(net.bias.value().data<double>()[i] == doctest::Approx(b.data<double>()[i] - 0.01));
}

TEST_CASE("optimizer: a frozen parameter keeps value, moments and step count") {
  Variables parameters = some_parameters(DType::f32, 4);
  Adam adam(parameters, {.weight_decay = 0.5});
  give_gradients(parameters, 5);
  adam.step();
  const auto state = adam.state();
  StateDict before;
  for (const auto& [name, tensor] : state) before.push_back({name, tensor.clone()});
  const Tensor value = parameters[0].value().clone();
  parameters[0].requires_grad(false);
  give_gradients(parameters, 6);
  adam.step();
  CHECK(same_bits(parameters[0].value(), value));
  const auto after = adam.state();
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto& name = after[i].name;
    CAPTURE(name);
    const bool still = name.starts_with("0.") || name.starts_with("group") || !after[i].tensor.numel();
    CHECK(same_bits(after[i].tensor, before[i].tensor) == still);
  }
}

TEST_CASE("optimizer: groups have rates of their own, which may be changed between steps") {
  Variable p(full({2}, 1, DType::f64), true), q(full({3}, 1, DType::f64), true);
  SGD sgd({{{p}, {.lr = 0.5}}, {{q}, {.lr = 0.25}}});
  const auto step = [&] {
    p.grad() = ones({2}, DType::f64), q.grad() = ones({3}, DType::f64);
    sgd.step();
  };
  step();
  CHECK(p.value().data<double>()[1] == 0.5);
  CHECK(q.value().data<double>()[2] == 0.75);
  sgd.groups()[1].options.lr = 2;
  step();
  CHECK(p.value().data<double>()[0] == 0);
  CHECK(q.value().data<double>()[0] == -1.25);
  REQUIRE(sgd.state().size() == 4);
  CHECK(sgd.state()[3].name == "group.1.lr");
  CHECK(sgd.state()[3].tensor.item() == 2);
}

TEST_CASE("optimizer: its moments follow a net moved to another element type") {
  Variables parameters = some_parameters(DType::f32, 7), wide = some_parameters(DType::f32, 7);
  for (auto& each : wide) each.value() = each.value().to(DType::f64);
  Adam moved(parameters, {.lr = 0.1}), always(wide, {.lr = 0.1});
  const auto step = [](Adam& adam, Variables& variables, const Variables& like, std::uint64_t seed) {
    Variables gradients = some_parameters(DType::f32, seed);
    for (std::size_t i = 0; i < variables.size(); ++i)
      variables[i].grad() = gradients[i].value().to(like[i].dtype());
    adam.step();
  };
  step(moved, parameters, parameters, 8);
  step(always, wide, wide, 8);
  for (auto& each : parameters) each.value() = each.value().to(DType::f64);
  step(moved, parameters, parameters, 9);
  step(always, wide, wide, 9);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CHECK(parameters[i].dtype() == DType::f64);
    CHECK(deviation(parameters[i].value(), wide[i].value()) < 1e-6);
  }
}

TEST_CASE("optimizer: a state names step counts, tensors and rates") {
  Variables parameters = some_parameters(DType::f32, 10);
  Adam adam(parameters, {.lr = 0.25});
  std::vector<std::string> names;
  for (const auto& [name, tensor] : adam.state()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"0.step", "1.step", "2.step", "3.step", "4.step", "group.0.lr"});
  give_gradients(parameters, 11);
  parameters[1].grad() = {};
  adam.step();
  const auto state = adam.state();
  REQUIRE(state.size() == 14);
  CHECK(state[0].tensor.item() == 1);
  CHECK(state[1].name == "0.0");
  CHECK(state[1].tensor.shape() == parameters[0].shape());
  CHECK(state[2].name == "0.1");
  CHECK(state[3].name == "1.step");
  CHECK(state[3].tensor.item() == 0);
  CHECK(state[4].name == "2.step");
}

TEST_CASE("optimizer: a state that belongs to others is refused, and changes nothing") {
  Variables parameters = some_parameters(DType::f32, 12);
  Adam adam(parameters, {.lr = 0.25});
  give_gradients(parameters, 13);
  adam.step();
  const StateDict good = adam.state();
  StateDict before;
  for (const auto& [name, tensor] : good) before.push_back({name, tensor.clone()});

  const auto refused = [&](auto change) {
    StateDict state = before;
    state.back().tensor = Tensor::scalar(99.0);  // would be seen if restore() stopped half way
    change(state);
    const auto text = refusal([&] { adam.restore(state); });
    CHECK(same_bits(adam.state(), before));
    return text;
  };
  const auto rename = [&](const char* name) { return refused([&](StateDict& s) { s[1].name = name; }); };
  for (const char* name : {"5.0", "0.2", "0.a", "0.", "0", "0.00", "x.0", "", "-1.0", "group.1.lr",
                           "group.x.lr", "group.0.momentum", "99999999999999999999999.0"})
    CHECK(says(rename(name), {concat("[optimizer] state \"", name, '"'), "f32 (7, 3)",
                              "does not belong to these 5 parameters in 1 groups"}));
  CHECK(says(refused([](StateDict& s) { s[1].tensor = zeros({3, 7}); }), {"\"0.0\" f32 (3, 7)"}));
  CHECK(says(refused([](StateDict& s) { s[1].tensor = zeros({7, 3}, DType::i64); }), {"\"0.0\" i64 (7, 3)"}));
  CHECK(says(refused([](StateDict& s) { s[0].tensor = Tensor::scalar(1.0F); }), {"\"0.step\" f32 ()"}));
  CHECK(says(refused([](StateDict& s) { s[0].tensor = zeros({2}, DType::i64); }), {"\"0.step\" i64 (2,)"}));
  CHECK(says(refused([](StateDict& s) { s.back().tensor = zeros({2}); }), {"\"group.0.lr\" f32 (2,)"}));
  CHECK(says(refused([](StateDict& s) { s.erase(s.begin()); }), {"no step count of parameter 0 (7, 3)"}));
  CHECK(says(refused([](StateDict& s) { s.pop_back(); }), {"no learning rate of group 0"}));
  CHECK(says(refused([](StateDict& s) { s.erase(s.begin() + 2); }), {"1 of 2 tensors of parameter 0"}));
  CHECK(says(refused([](StateDict& s) { s.clear(); }), {"no step count of parameter 0"}));
  CHECK(refused([&](StateDict& s) { s = before; }).empty());

  // Of SGD with momentum, and of Adam to SGD.
  SGD sgd(parameters, {.momentum = 0.9});
  give_gradients(parameters, 14);
  sgd.step();
  CHECK(says(refusal([&] { adam.restore(sgd.state()); }), {"1 of 2 tensors", "another optimizer's"}));
  CHECK(says(refusal([&] { sgd.restore(good); }), {"state \"0.1\"", "does not belong"}));
}

TEST_CASE("optimizer: parameters that cannot be trained are refused") {
  const Variable leaf(ones({2, 3}), true);
  const auto made = [](const Variables& parameters) { return refusal([&] { const SGD sgd(parameters); }); };
  CHECK(says(made({leaf, Variable{}}), {"[optimizer]", "undefined or not a leaf"}));
  CHECK(says(made({leaf + leaf}), {"[optimizer]", "not a leaf"}));
  CHECK(says(made({leaf, leaf}), {"[optimizer]", "(2, 3) is given twice"}));
  CHECK(says(refusal([&] { const SGD sgd({{{leaf}, {}}, {{leaf}, {}}}); }), {"given twice"}));
  CHECK(says(refusal([&] { const SGD sgd({{{leaf}, {}}, {{}, {.lr = -1}}}); }), {"lr -1"}));
  CHECK(made({}).empty());

  Variable mixed(ones({2}), true);
  SGD sgd(Variables{mixed});
  mixed.grad() = ones({2}, DType::f64);
  CHECK(says(refusal([&] { sgd.step(); }), {"[optimizer] a gradient is f64, its parameter f32"}));
}
