// cordis/nn/module.hpp: what makes a struct a module, and what can be done with one
#pragma once

#include <compare>
#include <concepts>
#include <cordis/autograd/variable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace cordis::inline CORDIS_ABI {

namespace detail {
struct AnyMember {
  template <class M>
  void operator()(std::string_view, M&) const {}
};
}  // namespace detail

// A plain struct that names its members once:
//   static void visit(auto& m, auto&& f) { f("weight", m.weight), f("bias", m.bias); }
// Variables are parameters (an undefined one is absent), Tensors are buffers, the rest are modules, or
// optionals, vectors or variants of modules. A vector's index is its elements' name, as in PyTorch's keys:
// layer1.0.conv1.weight.
template <class M>
concept Module = requires(M& m, detail::AnyMember f) {
  std::remove_const_t<M>::visit(m, f);
};

namespace detail {

template <class M>
struct IsContainer : std::false_type {};
template <class M>
struct IsContainer<std::optional<M>> : std::true_type {};
template <class M, class A>
struct IsContainer<std::vector<M, A>> : std::true_type {};
template <class... M>
struct IsContainer<std::variant<M...>> : std::true_type {};

inline std::string join(const std::string& prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : concat(prefix, '.', name);
}

// Calls leaf(key, Variable or Tensor) and, before its members, enter(key, module).
template <class M, class Leaf, class Enter>
void walk_member(M& member, const std::string& key, Leaf&& leaf, Enter&& enter) {
  using Plain = std::remove_const_t<M>;
  if constexpr (std::is_same_v<Plain, Variable> || std::is_same_v<Plain, Tensor>) {
    if (member.defined()) leaf(key, member);
  } else if constexpr (Module<M>) {
    enter(key, member);
    Plain::visit(member, [&](std::string_view name, auto& inner) {
      walk_member(inner, join(key, name), leaf, enter);
    });
  } else if constexpr (IsContainer<Plain>::value) {
    if constexpr (requires { member.size(); }) {
      for (std::size_t i = 0; i < member.size(); ++i)
        walk_member(member[i], join(key, std::to_string(i)), leaf, enter);
    } else if constexpr (requires { member.has_value(); }) {
      if (member) walk_member(*member, key, leaf, enter);
    } else {
      std::visit([&](auto& inner) { walk_member(inner, key, leaf, enter); }, member);
    }
  } else {
    static_assert(
        Module<M>,
        "cordis: what visit names are Variables, Tensors, modules, or optionals, vectors or variants "
        "of modules; a module has `static void visit(auto& m, auto&& f)`");
  }
}

}  // namespace detail

// A module, or an optional, vector or variant of modules.
template <class M>
concept Walkable = Module<M> || detail::IsContainer<std::remove_const_t<M>>::value;

// Calls f(key, Variable& or Tensor&) for each parameter and buffer, in the order of visit.
template <Walkable M, class F>
void walk(M& net, F&& f) {
  detail::walk_member(net, "", f, [](const std::string&, auto&) {});
}
// Calls f(key, module) for net itself (key "") and each module in it, outermost first.
template <Walkable M, class F>
void walk_modules(M& net, F&& f) {
  detail::walk_member(
      net, "", [](const std::string&, auto&) {}, f);
}

// A parameter under PyTorch's name.
struct NamedParameter {
  std::string name;
  Variable variable;
};
// A tensor under PyTorch's name.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};
using StateDict = std::vector<NamedTensor>;  // parameters and buffers, in order

// Handles of the parameters, in the order of visit.
template <Walkable M>
std::vector<NamedParameter> named_parameters(const M& net) {
  std::vector<NamedParameter> parameters;
  walk(net, [&](const std::string& key, const auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Variable>)
      parameters.push_back({key, leaf});
  });
  return parameters;
}

// The same without their names.
template <Walkable M>
Variables parameters(const M& net) {
  Variables variables;
  for (auto& [name, variable] : named_parameters(net)) variables.push_back(variable);
  return variables;
}

// Parameters and buffers under PyTorch's names, in its order; the tensors share memory with the net.
template <Walkable M>
StateDict state_dict(const M& net) {
  StateDict state;
  walk(net, [&](const std::string& key, const auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Variable>)
      state.push_back({key, leaf.value()});
    else
      state.push_back({key, leaf});
  });
  return state;
}

// Modules that behave differently in training have a member `bool training`.
template <Walkable M>
void train(M& net, bool on = true) {
  walk_modules(net, [on](const std::string&, auto& module) {
    if constexpr (requires { module.training = on; }) module.training = on;
  });
}
// train(net, false): batch norm by running statistics, no dropout.
template <Walkable M>
void eval(M& net) {
  train(net, false);
}

// Freezes (false) or thaws every parameter.
template <Walkable M>
void requires_grad(M& net, bool on) {
  for (auto& variable : parameters(net)) variable.requires_grad(on);
}
// Drops every gradient. Optimizers do so themselves at each step.
template <Walkable M>
void zero_grad(M& net) {
  for (auto& variable : parameters(net)) variable.grad() = {};
}
// Elements of all parameters.
template <Walkable M>
std::int64_t count_parameters(const M& net) {
  std::int64_t count = 0;
  for (const auto& variable : parameters(net)) count += variable.value().numel();
  return count;
}

namespace detail {
// Parameters and floating buffers as to(target) of each, in place; gradients are dropped.
template <Walkable M, class Target>
void move_floating(M& net, Target target) {
  walk(net, [target](const std::string&, auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Variable>) {
      leaf.value() = leaf.value().to(target);
      leaf.grad() = {};
    } else if (leaf.dtype() != DType::i64) {
      leaf = leaf.to(target);
    }
  });
}
}  // namespace detail

// Floating parameters and buffers in another element type, in place: optimizers keep their handles.
template <Walkable M>
void to(M& net, DType dtype) {
  CORDIS_CHECK(dtype != DType::i64, "[to] a net cannot compute in i64");
  detail::move_floating(net, dtype);
}
// The same to another device. Counters (i64 buffers) stay on the CPU, where they are read.
template <Walkable M>
void to(M& net, Device device) {
  detail::move_floating(net, device);
}
// Of its first parameter; the CPU where there is none.
template <Walkable M>
Device device_of(const M& net) {
  const Variables all = parameters(net);
  return all.empty() ? Device::cpu() : all[0].device();
}

// Copies values (never handles) from one net to another of the same keys and shapes.
template <Walkable M>
void copy_state(M& to, const M& from) {
  const StateDict target = state_dict(to), source = state_dict(from);
  CORDIS_CHECK(target.size() == source.size(), "[copy_state] ", source.size(), " entries into ",
               target.size());
  for (std::size_t i = 0; i < target.size(); ++i) {
    const auto& [name, into] = target[i];
    const auto& value = source[i].tensor;
    CORDIS_CHECK(name == source[i].name && into.shape() == value.shape() && into.dtype() == value.dtype(),
                 "[copy_state] ", source[i].name, ' ', value.dtype(), ' ', value.shape(), " into ", name, ' ',
                 into.dtype(), ' ', into.shape());
    into.copy_from(value);
  }
}

namespace detail {
// A struct and its first member share an address, so a module is known by address and type.
struct ModuleId {
  const void* address;
  const void* type;
  friend auto operator<=>(const ModuleId&, const ModuleId&) = default;
};
template <class M>
ModuleId module_id(const M& module) {
  return {&module, &M::kName};
}
using Observer = std::function<void(const ModuleId& module, const Variable& y)>;
inline Observer& observer() {
  thread_local Observer observer;
  return observer;
}
}  // namespace detail

// While alive, `observer` hears of each layer's output on this thread.
class ObserveGuard {
 public:
  // Takes its place; the one before comes back at the end.
  explicit ObserveGuard(detail::Observer observer)
      : before_(std::exchange(detail::observer(), std::move(observer))) {}
  ~ObserveGuard() { detail::observer() = std::move(before_); }
  ObserveGuard(const ObserveGuard&) = delete;
  ObserveGuard& operator=(const ObserveGuard&) = delete;

 private:
  detail::Observer before_;
};

// What a layer returns: y itself, told to the observer. The layer's type has a name: static constexpr kName.
template <Module M>
Variable observed(const M& module, Variable y) {
  if (const auto& observer = detail::observer()) observer(detail::module_id(module), y);
  return y;
}

}  // namespace cordis::inline CORDIS_ABI
