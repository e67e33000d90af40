// cordis/nn/recurrent.hpp: LSTM and GRU, several layers, one or two directions
#pragma once

#include <cordis/nn/init.hpp>
#include <cordis/nn/module.hpp>
#include <cordis/op/dropout.hpp>
#include <cordis/op/recurrent.hpp>
#include <cordis/op/rows.hpp>

namespace cordis::inline CORDIS_ABI {

// Sizes of an LSTM or GRU; PyTorch's.
struct RecurrentOptions {
  std::int64_t input = 1;
  std::int64_t hidden = 1;
  std::int64_t layers = 1;
  bool bias = true;
  double dropout = 0;  // on the outputs of each layer but the last
  bool bidirectional = false;
};

// What LSTM and GRU share: the stack of layers. Cell: LstmCell or GruCell.
template <class Cell>
struct RecurrentStack {
  std::vector<RecurrentParameters> cells;  // layer by layer, the reverse direction after the forward one
  RecurrentOptions options;
  bool training = true;

  // weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, then _l0_reverse, _l1 and so on
  static void visit(auto& m, auto&& f) {
    for (std::size_t i = 0; i < m.cells.size(); ++i) {
      const std::size_t directions = m.options.bidirectional ? 2 : 1;
      const std::string suffix = concat("_l", i / directions, i % directions ? "_reverse" : "");
      auto& p = m.cells[i];
      f("weight_ih" + suffix, p.w_ih), f("weight_hh" + suffix, p.w_hh), f("bias_ih" + suffix, p.b_ih),
          f("bias_hh" + suffix, p.b_hh);
    }
  }

  RecurrentStack() = default;
  // Everything is drawn uniformly in ±1 / sqrt(hidden), as in PyTorch.
  explicit RecurrentStack(const RecurrentOptions& o) : options(o) {
    CORDIS_CHECK(o.input >= 1 && o.hidden >= 1 && o.layers >= 1, "[", Cell::kName, "] input ", o.input,
                 ", hidden ", o.hidden, ", layers ", o.layers, ": each is at least 1");
    CORDIS_CHECK(o.dropout >= 0 && o.dropout <= 1, "[", Cell::kName, "] dropout ", o.dropout,
                 " is not in [0, 1]");
    const std::int64_t rows = Cell::kGates * o.hidden, directions = o.bidirectional ? 2 : 1;
    const auto draw = [&](const Shape& shape) {
      Tensor w(shape);
      return Variable(uniform_fan_in(w, o.hidden), true);
    };
    for (std::int64_t i = 0; i < o.layers * directions; ++i) {
      RecurrentParameters p;
      p.w_ih = draw({rows, i < directions ? o.input : directions * o.hidden});
      p.w_hh = draw({rows, o.hidden});
      if (o.bias) p.b_ih = draw({rows}), p.b_hh = draw({rows});
      cells.push_back(p);
    }
  }

  // All layers, from initial states.
  // x: (N, L, input); h0, c0: (layers D, N, hidden) or undefined. States come back in that shape.
  RecurrentOutput run(const Variable& x, const Variable& h0, const Variable& c0) const {
    const std::int64_t directions = options.bidirectional ? 2 : 1;
    CORDIS_CHECK(static_cast<std::int64_t>(cells.size()) == options.layers * directions, "[", Cell::kName,
                 "] ", cells.size(), " cells for ", options.layers, " layers of ", directions,
                 " directions; make the layer with its options");
    CORDIS_CHECK(x.value().rank() == 3, "[", Cell::kName, "] x has shape ", x.shape(),
                 ", (N, L, I) is needed");
    const Shape state{options.layers * directions, x.size(0), options.hidden};
    for (const auto* each : {&h0, &c0})
      CORDIS_CHECK(!each->defined() || each->shape() == state, "[", Cell::kName,
                   "] an initial state has shape ", each->shape(), ", ", state, " is needed");
    Variable y = x;
    Variables h_n, c_n;
    for (std::int64_t layer = 0; layer < options.layers; ++layer) {
      if (layer > 0) y = dropout(y, options.dropout, training);
      const auto first = cells.begin() + layer * directions;
      const auto part = [&](const Variable& all) {
        return !all.defined() || options.layers == 1
                   ? all
                   : rows(all, layer * directions, (layer + 1) * directions);
      };
      auto out = detail::recurrent<Cell>(y, {first, first + directions}, part(h0), part(c0));
      y = out.y;
      h_n.push_back(out.h_n);
      c_n.push_back(out.c_n);
    }
    return {y, concatenate_rows(h_n), Cell::kHasCell ? concatenate_rows(c_n) : Variable{}};
  }
};

// Hochreiter and Schmidhuber 1997, as PyTorch's torch.nn.LSTM with batch_first.
struct LSTM : RecurrentStack<LstmCell> {
  static constexpr const char* kName = "LSTM";
  // made as a RecurrentStack
  using RecurrentStack::RecurrentStack;

  // Outputs (N, L, D hidden).
  Variable operator()(const Variable& x) const { return observed(*this, run(x, {}, {}).y); }
  // From initial states (layers D, N, hidden); gives the last ones as well.
  RecurrentOutput operator()(const Variable& x, const Variable& h0, const Variable& c0) const {
    return run(x, h0, c0);
  }
};

// Cho et al. 2014, as PyTorch's torch.nn.GRU with batch_first.
struct GRU : RecurrentStack<GruCell> {
  static constexpr const char* kName = "GRU";
  // made as a RecurrentStack
  using RecurrentStack::RecurrentStack;

  // outputs (N, L, D hidden)
  Variable operator()(const Variable& x) const { return observed(*this, run(x, {}, {}).y); }
  // From an initial state (layers D, N, hidden); gives the last one as well.
  RecurrentOutput operator()(const Variable& x, const Variable& h0) const { return run(x, h0, {}); }
};

}  // namespace cordis::inline CORDIS_ABI
