// cordis/optim/optimizer.hpp: parameter groups, and what every optimizer does with them
#pragma once

#include <concepts>
#include <cordis/nn/module.hpp>

namespace cordis::inline CORDIS_ABI {

// Parameters that share their options, such as a learning rate.
template <class Options>
struct ParameterGroup {
  Variables parameters;
  Options options;  // .lr may be changed between steps
};

// What optimizers share. Derived gives: Options with lr, the number of state tensors kSlots, the type Update
// of all that the step of one tensor needs, update(options, parameter, slots, gradient, step), which makes
// one and may define slots at its first step, and run(updates), which does those of a step at once.
//
// step() goes through the groups in order. A frozen parameter (requires_grad false) or one without a gradient
// is left alone: value, moments and step count. Gradients are consumed: step() leaves them undefined, so
// there is no zero_grad to forget, and summing over batches is calling step() less often.
template <class Derived, class OptionsType>
class OptimizerBase {
 public:
  using Options = OptionsType;            // that each group has
  using Group = ParameterGroup<Options>;  // parameters with their options

  // Throws for options out of range, for a parameter that is given twice or that an op computed.
  explicit OptimizerBase(std::vector<Group> groups) : groups_(std::move(groups)) {
    for (const auto& group : groups_) {
      Derived::check(group.options);
      for (const auto& parameter : group.parameters) {
        CORDIS_CHECK(parameter.defined() && parameter.is_leaf(),
                     "[optimizer] a parameter is undefined or not a leaf");
        for (const auto& entry : entries_)
          CORDIS_CHECK(!entry.parameter.same(parameter), "[optimizer] a parameter of shape ",
                       parameter.shape(), " is given twice");
        entries_.push_back({parameter, Tensors(Derived::kSlots), 0});
      }
    }
  }

  std::vector<Group>& groups() { return groups_; }              // to change learning rates
  const std::vector<Group>& groups() const { return groups_; }  // as they are now

  // One update of every parameter that has a gradient; throws where gradients live on several devices.
  void step() {
    std::vector<typename Derived::Update> updates;
    updates.reserve(entries_.size());
    std::size_t next = 0;
    for (auto& group : groups_)
      for (std::size_t i = 0; i < group.parameters.size(); ++i) {
        auto& entry = entries_[next++];
        Tensor& gradient = entry.parameter.grad();
        if (!entry.parameter.requires_grad() || !gradient.defined()) continue;
        CORDIS_CHECK(gradient.dtype() == entry.parameter.dtype(), "[optimizer] a gradient is ",
                     gradient.dtype(), ", its parameter ", entry.parameter.dtype());
        CORDIS_CHECK(updates.empty() || entry.parameter.device() == updates[0].p.device(),
                     "[optimizer] parameters live on ", updates[0].p.device(), " and ",
                     entry.parameter.device());
        ++entry.step;
        for (auto& slot : entry.slots)  // the net may have been moved since
          if (slot.defined()) slot = slot.to(gradient.dtype()).to(gradient.device());
        updates.push_back(
            Derived::update(group.options, entry.parameter.value(), entry.slots, gradient, entry.step));
        gradient = {};
      }
    if (!updates.empty()) Derived::run(updates);
  }

  // Drops the gradients without a step.
  void zero_grad() {
    for (auto& entry : entries_) entry.parameter.grad() = {};
  }

  // Everything that a later step depends on but the parameters: per parameter i its step count "i.step" and
  // state tensors "i.0", "i.1", and per group g its learning rate "group.g.lr".
  StateDict state() const {
    StateDict state;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      state.push_back({concat(i, ".step"), Tensor::scalar<std::int64_t>(entries_[i].step)});
      for (std::size_t slot = 0; slot < entries_[i].slots.size(); ++slot)
        if (entries_[i].slots[slot].defined())
          state.push_back({concat(i, '.', slot), entries_[i].slots[slot]});
    }
    for (std::size_t g = 0; g < groups_.size(); ++g)
      state.push_back({concat("group.", g, ".lr"), Tensor::scalar<double>(groups_[g].options.lr)});
    return state;
  }

  // The reverse, from a state of an optimizer over the same parameters; throws before anything is changed.
  void restore(const StateDict& state) {
    auto entries = entries_;
    auto groups = groups_;
    for (auto& entry : entries) entry.slots.assign(Derived::kSlots, {}), entry.step = -1;
    std::vector<bool> rates(groups.size(), false);
    for (const auto& [name, tensor] : state) {
      const auto bad = [&, &key = name, &value = tensor] {
        fail("[optimizer] state \"", key, "\" ", value.dtype(), ' ', value.shape(),
             " does not belong to these ", entries.size(), " parameters in ", groups.size(), " groups");
      };
      std::size_t i = 0, end = 0;
      const bool group = name.starts_with("group.");
      try {
        i = std::stoul(group ? name.substr(6) : name, &end);
      } catch (const std::exception&) {
        bad();
      }
      const std::string rest = name.substr((group ? 6 : 0) + end);
      if (group) {
        if (i >= groups.size() || rest != ".lr" || tensor.numel() != 1) bad();
        groups[i].options.lr = tensor.item();
        rates[i] = true;
      } else if (i < entries.size() && rest == ".step" && tensor.numel() == 1 &&
                 tensor.dtype() == DType::i64) {
        entries[i].step = static_cast<std::int64_t>(tensor.item());
      } else if (i < entries.size() && rest.size() == 2 && rest[0] == '.' && rest[1] >= '0' &&
                 rest[1] < '0' + Derived::kSlots && tensor.shape() == entries[i].parameter.shape() &&
                 tensor.dtype() != DType::i64) {
        entries[i].slots[static_cast<std::size_t>(rest[1] - '0')] = tensor.clone();
      } else {
        bad();
      }
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      CORDIS_CHECK(entries[i].step >= 0, "[optimizer] the state has no step count of parameter ", i, " ",
                   entries[i].parameter.shape());
      const auto slots = std::ranges::count_if(entries[i].slots, &Tensor::defined);
      CORDIS_CHECK(slots == 0 || slots == Derived::kSlots, "[optimizer] the state has ", slots, " of ",
                   Derived::kSlots, " tensors of parameter ", i, ": it is another optimizer's");
    }
    for (std::size_t g = 0; g < groups.size(); ++g)
      CORDIS_CHECK(rates[g], "[optimizer] the state has no learning rate of group ", g);
    entries_ = std::move(entries);
    groups_ = std::move(groups);
  }

 private:
  struct Entry {
    Variable parameter;
    Tensors slots;
    std::int64_t step;
  };
  std::vector<Group> groups_;
  std::vector<Entry> entries_;
};

// Adam, AdamW, SGD, and what else steps, and can be stopped and go on.
template <class O>
concept Optimizer = requires(O& optimizer, const StateDict& state) {
  optimizer.step();
  optimizer.zero_grad();
  optimizer.restore(state);
  { optimizer.state() } -> std::convertible_to<StateDict>;
};

// The optimizer's own state().
template <Optimizer O>
StateDict state(const O& optimizer) {
  return optimizer.state();
}
// The optimizer's own restore().
template <Optimizer O>
void restore(O& optimizer, const StateDict& state) {
  optimizer.restore(state);
}

}  // namespace cordis::inline CORDIS_ABI
