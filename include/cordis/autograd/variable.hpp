// cordis/autograd/variable.hpp: the tape: Variable, record, backward, NoGrad
#pragma once

#include <atomic>
#include <cordis/core/tensor.hpp>
#include <cordis/cpu/accumulate.hpp>
#include <cordis/cuda/accumulate.hpp>
#include <functional>
#include <initializer_list>
#include <memory>
#include <queue>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI {

class Variable;
using Variables = std::vector<Variable>;  // Several variables, such as an op's inputs.

// Which inputs of a node want a gradient; a backward may leave the others undefined, and save the work.
struct Needs {
  std::vector<bool> input;
  bool again = false;  // backward may run once more: what forward saved has to stay as it is
  bool operator[](std::size_t i) const { return input[i]; }  // whether input i wants a gradient
};

// A recorded op: its inputs and the closure from output gradients to input gradients.
struct Node {
  // dy: one per output, undefined where no gradient came. Returns one per input, undefined for "none".
  using Backward = std::function<Tensors(const Tensors& dy, const Needs& needs)>;

  const char* name = "";
  std::uint64_t sequence = 0;  // later nodes have larger numbers: a topological order for free
  Variables inputs;
  Backward backward;
  Tensors dy;                  // gradients of the outputs gathered so far
  std::shared_ptr<Node> next;  // in the list of those that die with another

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();
};

// How backward goes through the tape.
struct BackwardOptions {
  bool retain_graph = false;                          // keep the closures, so that backward can run again
  std::function<void(const Variables&)> passed = {};  // told each op's inputs once it has given its gradients
};

// A tensor with a gradient. A handle: copies are the same variable.
class Variable {
 public:
  Variable() = default;
  // Implicit: data and labels are constants on the tape. An i64 tensor cannot require a gradient: it throws.
  Variable(Tensor value, bool requires_grad = false)
      : state_(std::make_shared<State>(State{std::move(value), {}, nullptr, 0, requires_grad})) {
    CORDIS_CHECK(!requires_grad || state_->value.dtype() != DType::i64,
                 "[variable] an i64 tensor cannot require a gradient");
  }

  bool defined() const { return state_ != nullptr; }                // false where made without a value
  const Tensor& value() const { return state().value; }             // the elements; throws where undefined
  Tensor& value() { return state().value; }                         // to change in place, off the tape
  const Shape& shape() const { return value().shape(); }            // as Tensor's
  std::int64_t size(int axis) const { return value().size(axis); }  // of one axis, negative ones from the end
  std::int64_t numel() const { return value().numel(); }            // how many elements
  DType dtype() const { return value().dtype(); }                   // of the value and of its gradient
  Device device() const { return value().device(); }                // where both live

  // Of a leaf, after backward; undefined before. Optimizers take it and leave it undefined.
  const Tensor& grad() const { return state().grad; }
  Tensor& grad() { return state().grad; }  // to take or to drop

  // a leaf that asks, or computed from one
  bool requires_grad() const { return state_ && (state_->requires_grad || state_->node); }
  // Freezes (false) or thaws a leaf; throws for the output of an op, and for i64.
  Variable& requires_grad(bool on) {
    CORDIS_CHECK(!state().node, "[requires_grad] only a leaf can be frozen; this variable is the output of ",
                 state().node->name);
    CORDIS_CHECK(!on || dtype() != DType::i64, "[requires_grad] an i64 tensor cannot require a gradient");
    state().requires_grad = on;
    return *this;
  }
  bool is_leaf() const { return !state().node; }                      // not the output of a recorded op
  const std::shared_ptr<Node>& node() const { return state().node; }  // the op that gave it, null for a leaf

  // The same elements, off the tape.
  Variable detach() const { return Variable(value()); }

  // Gradients of this single element with respect to every leaf it was computed from.
  void backward(BackwardOptions options = {}) const;

  // the same variable, not equal values
  bool same(const Variable& other) const { return state_ == other.state_; }
  const void* id() const { return state_.get(); }  // equal where same() is true

 private:
  struct State {
    Tensor value, grad;
    std::shared_ptr<Node> node;
    std::size_t output = 0;  // which output of node
    bool requires_grad = false;
  };
  State& state() const {
    CORDIS_CHECK(state_, "[variable] used before it was given a value");
    return *state_;
  }
  std::shared_ptr<State> state_;

  friend Node;
  friend Variables record_outputs(const char*, Tensors, Variables, Node::Backward);
  friend void backward(const Variables&, const Tensors&, BackwardOptions);
};

namespace detail {
inline bool& grad_mode() {
  thread_local bool on = true;
  return on;
}
inline std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> next{0};
  return next.fetch_add(1, std::memory_order_relaxed);
}
// Contributions may share memory with each other (add hands dy to both inputs): only an unshared sum changes
// in place.
inline void add_gradient(Tensor& sum, Tensor term) {
  if (!sum.defined()) {
    sum = std::move(term);
    return;
  }
  if (!sum.unique()) sum = sum.clone();
  on(sum.device(), [&](auto device) { accumulate(device, sum, term); });
}
}  // namespace detail

// What an op computes with lives where x does; undefined variables and tensors are absent.
template <class... Others>
void check_device(const char* op, const Variable& x, const Others&... others) {
  const auto check = [&](const auto& other) {
    CORDIS_CHECK(!other.defined() || other.device() == x.device(), "[", op, "] x ", x.shape(), " lives on ",
                 x.device(), ", another operand on ", other.device(), "; move one of them by to(device)");
  };
  (check(others), ...);
}

namespace detail {
// For the message that x (N, L, C) has other than `channels` channels: what may have happened.
inline const char* layout_hint(const Variable& x, std::int64_t channels) {
  return x.size(1) == channels ? "; x is (N, L, C), and this looks like (N, C, L)" : "";
}
}  // namespace detail

// Whether ops of this thread record: false while a NoGrad is alive.
inline bool grad_enabled() { return detail::grad_mode(); }

// While alive, ops of this thread record nothing.
class NoGrad {
 public:
  NoGrad() : before_(std::exchange(detail::grad_mode(), false)) {}
  ~NoGrad() { detail::grad_mode() = before_; }
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

// A chain of a million nodes must not unwind by recursion: of inputs that die here, the nodes are kept until
// their own inputs are gone. In a list that needs no memory: a destructor cannot say that there is none.
inline Node::~Node() {
  std::shared_ptr<Node> dying;
  const auto release = [&](Node& node) {
    node.backward = nullptr;
    while (!node.inputs.empty()) {
      const Variable input = std::move(node.inputs.back());
      node.inputs.pop_back();
      if (!input.state_ || input.state_.use_count() != 1 || input.state_->node.use_count() != 1) continue;
      const auto inner = std::move(input.state_->node);
      inner->next = std::exchange(dying, inner);
    }
  };
  release(*this);
  while (dying) {
    const auto node = std::move(dying);
    dying = std::move(node->next);
    release(*node);
  }
}

// record() for an op of several outputs; closure gets one dy for each of them, undefined where none came.
inline Variables record_outputs(const char* name, Tensors outputs, Variables inputs, Node::Backward closure) {
  bool wanted = false;
  if (grad_enabled())
    for (const auto& input : inputs) wanted = wanted || input.requires_grad();
  std::shared_ptr<Node> node;
  if (wanted) {
    node = std::make_shared<Node>();
    node->name = name;
    node->sequence = detail::next_sequence();
    node->inputs = std::move(inputs);
    node->backward = std::move(closure);
    node->dy.resize(outputs.size());
  }
  Variables results;
  results.reserve(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    results.emplace_back(std::move(outputs[i]));
    results.back().state_->node = node;
    results.back().state_->output = i;
  }
  return results;
}

// Records an op of one output. closure: (const Tensor& dy) or (const Tensor& dy, const Needs&) -> Tensors,
// one gradient per input; it runs only where a gradient arrived. An undefined input stands for an absent one.
template <class Closure>
Variable record(const char* name, Tensor y, Variables inputs, Closure closure) {
  return std::move(record_outputs(
      name, {std::move(y)}, std::move(inputs),
      [closure = std::move(closure)](const Tensors& dy, [[maybe_unused]] const Needs& needs) -> Tensors {
        if constexpr (std::is_invocable_v<const Closure&, const Tensor&, const Needs&>)
          return closure(dy[0], needs);
        else
          return closure(dy[0]);
      })[0]);
}

// Runs the tape from `outputs` back to the leaves, given the outputs' gradients; leaves' gradients are added
// to.
inline void backward(const Variables& outputs, const Tensors& gradients, BackwardOptions options = {}) {
  CORDIS_CHECK(outputs.size() == gradients.size(), "[backward] ", outputs.size(), " outputs, ",
               gradients.size(), " gradients");
  struct Earlier {
    bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const {
      return a->sequence < b->sequence;
    }
  };
  // Where backward throws, what was gathered so far is forgotten, so that it can run again.
  struct Ready : std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, Earlier> {
    ~Ready() {
      for (const auto& node : c)
        for (auto& dy : node->dy) dy = {};
    }
  } ready;

  const auto arrive = [&](const Variable& variable, const Tensor& gradient) {
    if (!variable.requires_grad() || !gradient.defined()) return;
    auto& state = variable.state();
    CORDIS_CHECK(gradient.shape() == variable.shape() && gradient.dtype() == variable.dtype() &&
                     gradient.device() == variable.device(),
                 "[backward] ", state.node ? state.node->name : "leaf", ": gradient is ", gradient.dtype(),
                 ' ', gradient.shape(), " on ", gradient.device(), ", value is ", variable.dtype(), ' ',
                 variable.shape(), " on ", variable.device());
    if (!state.node) return detail::add_gradient(state.grad, gradient);
    bool first = true;
    for (const auto& dy : state.node->dy) first = first && !dy.defined();
    detail::add_gradient(state.node->dy[state.output], gradient);
    if (first) ready.push(state.node);
  };

  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CORDIS_CHECK(outputs[i].requires_grad(), "[backward] output ", i,
                 " was not computed from a variable that requires a gradient");
    arrive(outputs[i], gradients[i]);
  }
  while (!ready.empty()) {
    const auto node = ready.top();
    ready.pop();
    Tensors dy(node->dy.size());
    std::swap(dy, node->dy);
    CORDIS_CHECK(node->backward, "[backward] ", node->name,
                 " was gone through before and its saved values are freed; pass {.retain_graph = true} to "
                 "the earlier call");
    Needs needs{{}, options.retain_graph};
    for (const auto& input : node->inputs) needs.input.push_back(input.requires_grad());
    Tensors dx = node->backward(dy, needs);
    CORDIS_CHECK(dx.size() == node->inputs.size(), "[backward] ", node->name, " gave ", dx.size(),
                 " gradients for ", node->inputs.size(), " inputs");
    dy.clear();
    const Variables inputs = node->inputs;
    if (!options.retain_graph) {  // what the op saved dies here, not at the end of the step
      node->backward = nullptr;
      node->inputs.clear();
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) arrive(inputs[i], std::exchange(dx[i], {}));
    if (options.passed) options.passed(inputs);
  }
}

inline void Variable::backward(BackwardOptions options) const {
  CORDIS_CHECK(value().numel() == 1, "[backward] shape ", shape(),
               " is not a single element; give its gradient to backward(outputs, gradients)");
  cordis::backward({*this}, {ones(shape(), dtype(), device())}, options);
}

}  // namespace cordis::inline CORDIS_ABI
