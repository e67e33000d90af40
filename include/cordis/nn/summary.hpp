// cordis/nn/summary.hpp: a net's layers, output shapes and parameters as a table
#pragma once

#include <algorithm>
#include <cordis/nn/module.hpp>
#include <iomanip>
#include <map>
#include <sstream>

namespace cordis::inline CORDIS_ABI {

// One module's line.
struct SummaryRow {
  std::string key;          // "layer1.0.conv1"; "" for the net itself
  std::string type;         // the module's kName
  Shape output;             // of the module's last call
  std::int64_t parameters;  // elements of its own parameters, those of inner modules not counted
};

namespace detail {
// Evaluation mode while alive; after it, and where the call throws, each module is in the mode it was in.
template <Module M>
class EvalGuard {
 public:
  explicit EvalGuard(M& net) : net_(net) {
    walk_modules(net_, [&](const std::string&, auto& module) {
      if constexpr (requires { module.training; }) modes_.push_back(module.training);
    });
    eval(net_);
  }
  ~EvalGuard() {
    walk_modules(net_, [&, next = std::size_t{0}](const std::string&, auto& module) mutable {
      if constexpr (requires { module.training; }) module.training = modes_[next++];
    });
  }
  EvalGuard(const EvalGuard&) = delete;
  EvalGuard& operator=(const EvalGuard&) = delete;

 private:
  M& net_;
  std::vector<bool> modes_;
};
}  // namespace detail

// Runs net once in evaluation mode on zeros of shape `input` and lists the modules that reported an output,
// innermost names in the order of the calls.
template <Module M>
std::vector<SummaryRow> summary_rows(M& net, const Shape& input) {
  std::map<detail::ModuleId, SummaryRow> known;
  walk_modules(net, [&]<class Inner>(const std::string& key, Inner& module) {
    if constexpr (requires { Inner::kName; }) {
      SummaryRow row{key, Inner::kName, {}, 0};
      std::remove_const_t<Inner>::visit(module, [&](std::string_view, auto& member) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(member)>, Variable>)
          if (member.defined()) row.parameters += member.value().numel();
      });
      known.emplace(detail::module_id(module), row);
    }
  });
  std::vector<SummaryRow> rows;
  const NoGrad off;
  const detail::EvalGuard mode(net);
  const ObserveGuard guard([&](const detail::ModuleId& module, const Variable& y) {
    const auto found = known.find(module);
    if (found == known.end()) return;
    rows.push_back(found->second);
    rows.back().output = y.shape();
  });
  const auto leaves = parameters(net);
  net(Variable(zeros(input, leaves.empty() ? DType::f32 : leaves[0].dtype())));
  return rows;
}

// summary_rows as a table, with the sums of parameters and buffers below.
template <Module M>
std::string summary(M& net, const Shape& input) {
  const auto rows = summary_rows(net, input);
  std::size_t key = 5, type = 4, shape = 12;
  for (const auto& row : rows) {
    key = std::max(key, row.key.size());
    type = std::max(type, row.type.size());
    shape = std::max(shape, concat(row.output).size());
  }
  TextStream out;
  const auto line = [&](const auto& a, const auto& b, const auto& c, const auto& d) {
    out << std::left << std::setw(static_cast<int>(key) + 2) << a << std::setw(static_cast<int>(type) + 2)
        << b << std::setw(static_cast<int>(shape)) << c << std::right << std::setw(14) << d << '\n';
  };
  line("layer", "type", "output", "parameters");
  line("input", "", concat(input), "");
  for (const auto& row : rows)
    line(row.key, row.type, concat(row.output), row.parameters ? std::to_string(row.parameters) : "-");
  std::int64_t trainable = 0, buffers = 0;
  for (const auto& variable : parameters(net))
    trainable += variable.requires_grad() ? variable.value().numel() : 0;
  const auto state = state_dict(net);
  for (const auto& entry : state) buffers += entry.tensor.numel();
  out << "parameters " << count_parameters(net) << ", trainable " << trainable << ", buffers "
      << buffers - count_parameters(net) << ", state_dict entries " << state.size() << '\n';
  return out.str();
}

}  // namespace cordis::inline CORDIS_ABI
