// cordis/autograd/leaf_done.hpp: backward that tells which leaves' gradients are complete while it still runs
#pragma once

#include <cordis/autograd/variable.hpp>
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace cordis::inline CORDIS_ABI {

using LeafDone = std::function<void(const Variable& leaf)>;  // Told a leaf whose gradient is complete.

namespace detail {
// How often the tape that ends in some outputs reads each leaf that wants a gradient.
class LeafUses {
 public:
  explicit LeafUses(const Variables& outputs) {
    std::unordered_set<const Node*> seen;
    std::vector<const Variables*> open{&outputs};
    while (!open.empty()) {
      const Variables& inputs = *open.back();
      open.pop_back();
      for (const auto& input : inputs) {
        if (!input.requires_grad()) continue;
        if (!input.is_leaf()) {
          if (seen.insert(input.node().get()).second) open.push_back(&input.node()->inputs);
        } else if (left_[input.id()]++ == 0) {
          leaves_.push_back(input);
        }
      }
    }
  }
  // One use less of each leaf among `inputs`; done(leaf) where it was the last.
  void pass(const Variables& inputs, const LeafDone& done) {
    for (const auto& input : inputs)
      if (input.requires_grad() && input.is_leaf() && --left_.at(input.id()) == 0) done(input);
  }
  // The leaves of ops that got no gradient, and so did not run.
  void finish(const LeafDone& done) const {
    for (const auto& leaf : leaves_)
      if (left_.at(leaf.id()) > 0) done(leaf);
  }

 private:
  std::unordered_map<const void*, std::int64_t> left_;
  Variables leaves_;
};
}  // namespace detail

// backward(outputs, gradients), which calls done(leaf) once for each leaf it can reach that wants a gradient,
// as soon as nothing more will be added to it; the gradient is undefined where none came. The order is the
// tape's.
inline void backward_telling(const Variables& outputs, const Tensors& gradients, const LeafDone& done,
                             BackwardOptions options = {}) {
  detail::LeafUses uses(outputs);
  options.passed = [&, also = options.passed](const Variables& inputs) {
    uses.pass(inputs, done);
    if (also) also(inputs);
  };
  backward(outputs, gradients, std::move(options));
  uses.pass(outputs, done);  // outputs that are leaves
  uses.finish(done);
}

}  // namespace cordis::inline CORDIS_ABI
