// tests/nn/recurrent_test.cpp: LSTM and GRU, stacked, one or two directions
#include <doctest/doctest.h>

#include <cordis/io/load.hpp>
#include <cordis/nn/recurrent.hpp>
#include <nn/support.hpp>
#include <op/recurrent_case.hpp>

using namespace cordis;

namespace {

RecurrentOutput call(const LSTM& net, const Variable& x, const Variable& h0, const Variable& c0) {
  return net(x, h0, c0);
}
RecurrentOutput call(const GRU& net, const Variable& x, const Variable& h0, const Variable&) {
  return net(x, h0);
}

template <class Net>
void stored_stack(StoredCase stored) {
  // Weights of ±60 carry the rounding of f32 from sample to sample.
  if (stored.dtype == DType::f32 && stored.name.ends_with("saturated")) stored.bound = 1e-3;
  const auto o = stored.fixture.options(stored.name);
  Net net({.input = o[4], .hidden = o[5], .layers = o[0], .bias = o[2] == 1, .bidirectional = o[1] == 1});
  to(net, stored.dtype);
  StateDict state;
  const std::string prefix = stored.name + ".param.";
  for (const auto& key : stored.fixture.keys(prefix))
    state.push_back({key.substr(prefix.size()), stored.fixture.at(key)});
  load_state_dict(net, state);  // strict: every key is PyTorch's

  const Variable x = stored.leaf("x"), h0 = stored.leaf("h_0"), c0 = stored.leaf("c_0");
  REQUIRE(h0.defined() == (o[3] == 1));
  const auto out = call(net, x, h0, c0);
  compare_recurrent(stored, out, x, h0, c0, std::is_same_v<Net, LSTM>);
  for (const auto& [name, variable] : named_parameters(net)) stored.compare("grad." + name, variable.grad());
  if (!h0.defined()) CHECK(identical(net(x).value(), out.y.value()));
}

// The net's parameters and states as inputs of one function.
template <class Net>
Op as_op(const RecurrentOptions& options, bool states) {
  return [=](const Variables& v) -> Variables {
    Net net(options);
    std::size_t next = 1;
    for (auto& cell : net.cells) {
      cell.w_ih = v[next++], cell.w_hh = v[next++];
      if (options.bias) cell.b_ih = v[next++], cell.b_hh = v[next++];
    }
    const bool lstm = std::is_same_v<Net, LSTM>;
    const Variable h0 = states ? v[next++] : Variable{}, c0 = states && lstm ? v[next++] : Variable{};
    seed(9);  // of dropout
    const auto out = call(net, v[0], h0, c0);
    return lstm ? Variables{out.y, out.h_n, out.c_n} : Variables{out.y, out.h_n};
  };
}

template <class Net>
void prove_stack(const RecurrentOptions& options, bool states) {
  const Net net(options);
  const std::int64_t N = 3, L = 3, D = options.bidirectional ? 2 : 1;
  const bool lstm = std::is_same_v<Net, LSTM>;
  Tensors inputs{random_tensor({N, L, options.input}, 1)};
  std::uint64_t draw = 1;
  for (const auto& parameter : parameters(net)) inputs.push_back(random_tensor(parameter.shape(), ++draw));
  for (int i = 0; states && i < (lstm ? 2 : 1); ++i)
    inputs.push_back(random_tensor({options.layers * D, N, options.hidden}, ++draw));
  prove(concat(Net::kName, " layers ", options.layers, " directions ", D, " dropout ", options.dropout,
               options.bias ? " bias" : "", states ? " states" : ""),
        as_op<Net>(options, states), inputs);
}

}  // namespace

TEST_CASE("recurrent: every stored case") {
  stored_cases("lstm.", 20, stored_stack<LSTM>, 3e-5);
  stored_cases("gru.", 20, stored_stack<GRU>, 3e-5);
}

TEST_CASE("recurrent: gradients through stacks by differences, with dropout between the layers") {
  for (const bool bidirectional : {false, true})
    for (const bool states : {false, true}) {
      const RecurrentOptions deep{
          .input = 2, .hidden = 3, .layers = 2, .dropout = 0.4, .bidirectional = bidirectional};
      prove_stack<LSTM>(deep, states);
      prove_stack<GRU>(deep, states);
      const RecurrentOptions bare{
          .input = 3, .hidden = 1, .layers = 3, .bias = false, .bidirectional = bidirectional};
      prove_stack<LSTM>(bare, states);
      prove_stack<GRU>(bare, states);
    }
}

TEST_CASE("recurrent: PyTorch's keys, in its order") {
  CHECK(keys(LSTM({.input = 3, .hidden = 2})) ==
        Keys{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"});
  CHECK(keys(GRU({.input = 3, .hidden = 2, .layers = 2, .bias = false, .bidirectional = true})) ==
        Keys{"weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse", "weight_ih_l1",
             "weight_hh_l1", "weight_ih_l1_reverse", "weight_hh_l1_reverse"});
  CHECK(keys(LSTM({.layers = 12})).back() == "bias_hh_l11");
}

TEST_CASE("recurrent: shapes, and parameters as PyTorch draws them") {
  seed(1);
  const LSTM lstm({.input = 12, .hidden = 49, .layers = 2, .bidirectional = true});
  const GRU gru({.input = 12, .hidden = 49, .layers = 2, .bidirectional = true});
  const auto shapes = [](const auto& net, std::int64_t rows) {
    const auto state = state_dict(net);
    REQUIRE(state.size() == 16);
    for (std::size_t i = 0; i < state.size(); ++i) {
      const Shape want[] = {{rows, i < 8 ? 12 : 98}, {rows, 49}, {rows}, {rows}};
      CHECK_MESSAGE(state[i].tensor.shape() == want[i % 4], state[i].name);
      if (i % 4 < 2)
        check_uniform(state[i].tensor, 1.0 / 7);
      else
        CHECK((moments(state[i].tensor).largest <= 1.0 / 7 && moments(state[i].tensor).largest > 0.9 / 7));
    }
    for (const auto& parameter : parameters(net)) CHECK(parameter.requires_grad());
  };
  shapes(lstm, 4 * 49);
  shapes(gru, 3 * 49);
  const Variable x = zeros({2, 5, 12});
  CHECK(lstm(x).shape() == Shape{2, 5, 98});
  const auto out = lstm(x, {}, {});
  CHECK(out.h_n.shape() == Shape{4, 2, 49});
  CHECK(out.c_n.shape() == Shape{4, 2, 49});
  CHECK_FALSE(gru(x, {}).c_n.defined());
}

TEST_CASE("recurrent: dropout between layers, in training alone") {
  LSTM net({.input = 2, .hidden = 3, .layers = 2, .dropout = 0.5});
  const Variable x = random_tensor({4, 5, 2}, 1).to(DType::f32);
  seed(1);
  const Tensor first = net(x).value();
  CHECK(default_generator().offset() == 4 * 5 * 3);  // one mask, of the first layer's outputs
  CHECK_FALSE(identical(first, net(x).value()));
  seed(1);
  CHECK(identical(first, net(x).value()));
  eval(net);
  const auto before = default_generator().offset();
  CHECK(identical(net(x).value(), net(x).value()));
  CHECK(default_generator().offset() == before);
  LSTM single({.input = 2, .hidden = 3, .layers = 1, .dropout = 0.5});
  CHECK(identical(single(x).value(), single(x).value()));  // there is nothing between layers

  // p = 1 cuts the second layer off from the record.
  LSTM cut({.input = 2, .hidden = 3, .layers = 2, .dropout = 1});
  CHECK(identical(cut(x).value(), cut(zeros({4, 5, 2})).value()));
}

TEST_CASE("recurrent: frozen parameters get no gradient, the record and the rest do") {
  GRU net({.input = 2, .hidden = 3, .layers = 2});
  requires_grad(net, false);
  net.cells[1].w_hh.requires_grad(true);
  const Variable x(random_tensor({2, 4, 2}, 1).to(DType::f32), true);
  backward({net(x)}, {ones({2, 4, 3})});
  CHECK(x.grad().defined());
  for (const auto& each : named_parameters(net))
    CHECK_MESSAGE(each.variable.grad().defined() == (each.name == "weight_hh_l1"), each.name);
}

TEST_CASE("recurrent: misuse") {
  CHECK(refusal([] { LSTM({.input = 0}); }) == "[lstm] input 0, hidden 1, layers 1: each is at least 1");
  CHECK(refusal([] { GRU({.hidden = 0}); }) == "[gru] input 1, hidden 0, layers 1: each is at least 1");
  CHECK(refusal([] { GRU({.layers = 0}); }) == "[gru] input 1, hidden 1, layers 0: each is at least 1");
  CHECK(refusal([] { LSTM({.dropout = 1.5}); }) == "[lstm] dropout 1.5 is not in [0, 1]");
  CHECK(refusal([] {
          LSTM{}(zeros({1, 2, 1}));
        }) == "[lstm] 0 cells for 1 layers of 1 directions; make the layer with its options");
  const LSTM net({.input = 2, .hidden = 3, .layers = 2});
  const Variable x = zeros({4, 5, 2});
  CHECK(refusal([&] {
          net(zeros({4, 5, 3}));
        }) == "[lstm] x has shape (4, 5, 3), but weight_ih (12, 2) expects 2 features");
  CHECK(refusal([&] { net(zeros({5, 2})); }) == "[lstm] x has shape (5, 2), (N, L, I) is needed");
  CHECK(refusal([&] { net(zeros({})); }) == "[lstm] x has shape (), (N, L, I) is needed");
  CHECK(refusal([&] {
          net(x, zeros({1, 4, 3}), {});
        }) == "[lstm] an initial state has shape (1, 4, 3), (2, 4, 3) is needed");
  CHECK(refusal([&] {
          net(x, {}, zeros({2, 4, 2}));
        }) == "[lstm] an initial state has shape (2, 4, 2), (2, 4, 3) is needed");
}
