// tests/autograd/random_graph_test.cpp: random expressions of all ops, their gradients against differences
#include <doctest/doctest.h>

#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/batch_norm.hpp>
#include <cordis/op/conv1d.hpp>
#include <cordis/op/dropout.hpp>
#include <cordis/op/linear.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/op/pool1d.hpp>
#include <cordis/op/recurrent.hpp>
#include <cordis/op/reshape.hpp>
#include <cordis/op/rows.hpp>
#include <cordis/op/sequence.hpp>
#include <map>
#include <op/support.hpp>

using namespace cordis;

namespace {

// An expression whose ops, operands and shapes follow from a seed alone. Operands are earlier results,
// whoever used them before, or new leaves.
class Graph {
 public:
  // Without leaves they are made, and found in made(); with them the same expression is computed from them.
  explicit Graph(std::uint64_t seed, const Variables& leaves = {})
      : seed_(seed), choice_(seed, 500), leaves_(leaves) {}

  std::int64_t draw(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(choice_.below(static_cast<std::uint64_t>(high - low + 1)));
  }
  bool coin() { return draw(0, 1) == 1; }

  Tensor constant(const Shape& shape, double low, double high) {
    return random_tensor(shape, 1000 * seed_ + constants_++, low, high);
  }
  Variable leaf(const Shape& shape, double low = -1, double high = 1) {
    if (next_ == leaves_.size()) {
      made_.push_back(constant(shape, low, high));
      leaves_.emplace_back(made_.back());
    } else {
      ++constants_;
    }
    return leaves_[next_++];
  }
  // Weights that keep the size of what they are applied to.
  Variable weight(const Shape& shape, std::int64_t inputs) {
    const double bound = 1.5 / std::sqrt(static_cast<double>(inputs));
    return leaf(shape, -bound, bound);
  }

  // A small result of that rank, any at all for rank -1.
  Variable operand(int rank = -1) {
    std::vector<std::size_t> fit;
    for (std::size_t i = 0; i < results_.size(); ++i) {
      const Tensor& value = results_[i].value();
      if ((rank < 0 || value.rank() == rank) && value.numel() <= 100) fit.push_back(i);
    }
    if (fit.empty() || draw(0, 9) == 0) {
      Shape shape;
      for (int axis = 0; axis < (rank < 0 ? 3 : rank); ++axis) shape.append(draw(1, 4));
      keep(leaf(shape));
      fit = {results_.size() - 1};
    }
    const std::size_t i = fit[static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(fit.size()) - 1))];
    ++uses_[i];
    return results_[i];
  }
  // Something that x can be added to: x itself, a result of its shape, or a leaf that broadcasts.
  Variable partner(const Variable& x) {
    if (draw(0, 3) == 0) return x;
    if (coin())
      for (std::size_t i = results_.size(); i-- > 0;)
        if (results_[i].shape() == x.shape() && !results_[i].same(x)) return ++uses_[i], results_[i];
    Shape shape;
    for (int axis = static_cast<int>(draw(0, x.value().rank())); axis < x.value().rank(); ++axis)
      shape.append(coin() ? x.size(axis) : 1);
    return leaf(shape);
  }
  void keep(const Variable& result) {
    results_.push_back(result);
    uses_.push_back(0);
  }

  // What nothing was made of, and now and then what was used already.
  Variables outputs() {
    Variables result;
    for (std::size_t i = 0; i < results_.size(); ++i)
      if (const bool also = draw(0, 7) == 0; uses_[i] == 0 || also) result.push_back(results_[i]);
    return result;
  }
  bool shared() const {
    return std::any_of(uses_.begin(), uses_.end(), [](int uses) { return uses > 1; });
  }
  const Tensors& made() const { return made_; }
  std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_, constants_ = 0;
  Generator choice_;
  Variables leaves_, results_;
  std::vector<int> uses_;
  std::size_t next_ = 0;
  Tensors made_;
};

template <class Layer>
RecurrentOutput recurrent(Graph& g, std::int64_t gates, Layer&& layer) {
  const Variable x = g.operand(3);
  const std::int64_t D = g.draw(1, 2), H = g.draw(1, 4);
  std::vector<RecurrentParameters> directions;
  for (std::int64_t d = 0; d < D; ++d) {
    directions.push_back({g.weight({gates * H, x.size(2)}, x.size(2)), g.weight({gates * H, H}, H), {}, {}});
    if (g.coin()) continue;
    directions.back().b_ih = g.leaf({gates * H});
    directions.back().b_hh = g.leaf({gates * H});
  }
  const Variable h0 = g.coin() ? g.leaf({D, x.size(0), H}) : Variable{};
  const RecurrentOutput out = layer(x, directions, h0);
  if (g.coin()) g.keep(out.h_n);
  return out;
}

Variable normalised(Graph& g) {
  const Variable x = g.operand(g.coin() ? 2 : 3);
  const Shape channels{x.size(-1)};
  const bool few = x.value().numel() < 4 * x.size(-1), affine = g.coin(), adds = g.coin();
  const Tensor mean = g.constant(channels, -1, 1), var = g.constant(channels, 0.5, 2);
  const Variable w = affine ? g.leaf(channels, 0.5, 1.5) : Variable{},
                 b = affine ? g.leaf(channels) : Variable{};
  return batch_norm(x, w, b, mean, var, {.eps = 0.1, .training = !few && g.coin(), .relu = g.coin()},
                    adds ? g.leaf(x.shape()) : Variable{});
}

Variable convolved(Graph& g) {
  const Variable x = g.operand(3);
  const std::int64_t C = x.size(2), groups = C % 2 == 0 && g.coin() ? 2 : 1, O = groups * g.draw(1, 3);
  const std::int64_t K = g.draw(1, 4), dilation = g.draw(1, 2),
                     padding = dilation * (K - 1) / 2 + g.draw(0, 1);
  const std::int64_t span = dilation * (K - 1) + 1;
  return conv1d(x, g.weight({O, C / groups, K}, C / groups * K), g.coin() ? g.leaf({O}) : Variable{},
                {.stride = g.draw(1, 3),
                 .padding = std::max(padding, (span - x.size(1) + 1) / 2),
                 .dilation = dilation,
                 .groups = groups});
}

Variable reshaped(Graph& g) {
  const Variable x = g.operand();
  std::int64_t left = x.value().numel();
  Shape shape;
  for (std::int64_t axis = g.draw(1, 4); axis > 1; --axis) {
    std::int64_t extent = g.draw(1, left);
    while (left % extent) --extent;
    shape.append(extent);
    left /= extent;
  }
  return reshape(x, shape.append(left));
}

Variable categorical(Graph& g) {
  const Variable x = g.operand(2);
  Tensor y({x.size(0)}, DType::i64);
  for (auto& target : y.values<std::int64_t>()) target = g.draw(0, x.size(1) - 1);
  return cross_entropy(x, y,
                       {.weight = g.coin() ? g.constant({x.size(1)}, 0.5, 2) : Tensor{},
                        .label_smoothing = g.coin() ? 0.1 : 0,
                        .reduction = static_cast<Reduction>(g.draw(0, 2))});
}

Variable binary(Graph& g) {
  const Variable x = g.operand(g.coin() ? 2 : 3);
  return bce_with_logits(x, g.constant(x.shape(), 0, 1),
                         {.pos_weight = g.coin() ? g.constant({x.size(-1)}, 0.5, 2) : Tensor{},
                          .reduction = static_cast<Reduction>(g.draw(0, 2))});
}

Variable put_together(Graph& g) {
  const Variable x = g.operand(g.coin() ? 2 : 3);
  Variables parts{x};
  for (std::int64_t more = g.draw(1, 2); more > 0; --more) {
    Shape shape{g.draw(1, 2)};
    for (int axis = 1; axis < x.value().rank(); ++axis) shape.append(x.size(axis));
    parts.push_back(g.coin() ? x : g.leaf(shape));
  }
  return concatenate_rows(parts);
}

struct Kind {
  const char* name;
  Variable (*apply)(Graph&);
};
const std::vector<Kind> kKinds{
    {"add",
     [](Graph& g) {
       const Variable x = g.operand();
       return x + g.partner(x);
     }},
    {"sub",
     [](Graph& g) {
       const Variable x = g.operand();
       return g.partner(x) - x;
     }},
    {"mul",
     [](Graph& g) {
       const Variable x = g.operand();
       return x * g.partner(x);
     }},
    {"scale", [](Graph& g) { return -0.7 * g.operand(); }},
    {"sum", [](Graph& g) { return 0.1 * cordis::sum(g.operand()); }},
    {"mean", [](Graph& g) { return mean(g.operand()); }},
    {"relu", [](Graph& g) { return relu(g.operand()); }},
    {"sigmoid", [](Graph& g) { return sigmoid(g.operand()); }},
    {"tanh", [](Graph& g) { return tanh(g.operand()); }},
    {"reshape", reshaped},
    {"flatten", [](Graph& g) { return flatten(g.operand(3)); }},
    {"rows",
     [](Graph& g) {
       const Variable x = g.operand(g.coin() ? 2 : 3);
       const std::int64_t begin = g.draw(0, x.size(0) - 1);
       return rows(x, begin, g.draw(begin + 1, x.size(0)));
     }},
    {"concatenate_rows", put_together},
    {"last_state",
     [](Graph& g) {
       const Variable x = g.operand(3);
       return last_state(x, x.size(2) % 2 == 0 ? g.draw(1, 2) : 1);
     }},
    {"linear",
     [](Graph& g) {
       const Variable x = g.operand(static_cast<int>(g.draw(1, 3)));
       const std::int64_t I = x.size(-1), O = g.draw(1, 5);
       return linear(x, g.weight({O, I}, I), g.coin() ? g.leaf({O}) : Variable{});
     }},
    {"conv1d", convolved},
    {"max_pool1d",
     [](Graph& g) {
       const Variable x = g.operand(3);
       const std::int64_t kernel = g.draw(1, std::min<std::int64_t>(3, x.size(1)));
       return max_pool1d(
           x, {.kernel = kernel, .stride = g.draw(1, 2), .padding = g.draw(0, kernel / 2), .dilation = 1});
     }},
    {"global_avg_pool1d", [](Graph& g) { return global_avg_pool1d(g.operand(3)); }},
    {"batch_norm", normalised},
    {"dropout",
     [](Graph& g) {
       Generator mask(g.seed(), 7);
       return dropout(g.operand(), 0.3, true, mask);
     }},
    {"lstm",
     [](Graph& g) { return recurrent(g, 4, [](const auto&... inputs) { return lstm(inputs...); }).y; }},
    {"gru", [](Graph& g) { return recurrent(g, 3, [](const auto&... inputs) { return gru(inputs...); }).y; }},
    {"bce_with_logits", binary},
    {"cross_entropy", categorical}};

constexpr int kSteps = 14;

Variables run(Graph& graph, std::map<std::string, int>* counts = nullptr) {
  for (int step = 0; step < kSteps; ++step) {
    const auto& kind =
        kKinds[static_cast<std::size_t>(graph.draw(0, static_cast<std::int64_t>(kKinds.size()) - 1))];
    graph.keep(kind.apply(graph));
    if (counts) ++(*counts)[kind.name];
  }
  return graph.outputs();
}

// Gradients of the inputs `wanted`, after as many runs over one tape.
Tensors gradients(const Op& f, const Tensors& inputs, const std::vector<bool>& wanted, int runs) {
  const PoisonGuard poison;
  Variables leaves, y;
  for (std::size_t i = 0; i < inputs.size(); ++i) leaves.emplace_back(inputs[i].clone(), wanted[i]);
  for (const auto& output : f(leaves))
    if (output.requires_grad()) y.push_back(output);
  Tensors dy, dx;
  for (const auto& output : y) dy.push_back(random_tensor(output.shape(), 77, 0.5, 1.5));
  for (int run = 1; run <= runs; ++run) backward(y, dy, {.retain_graph = run < runs});
  for (const auto& leaf : leaves) dx.push_back(leaf.grad());
  return dx;
}

}  // namespace

TEST_CASE("random graphs: gradients by differences, with inputs frozen, and twice over one tape") {
  std::map<std::string, int> counts;
  int shared = 0;
  constexpr int kGraphs = 60;
  for (std::uint64_t seed = 0; seed < kGraphs; ++seed) {
    Graph first(seed);
    run(first, &counts);
    shared += first.shared();
    const Op f = [seed](const Variables& leaves) {
      Graph graph(seed, leaves);
      return run(graph);
    };
    const Tensors inputs = first.made();
    const auto name = concat("graph ", seed);
    const auto result = gradcheck(f, inputs);
    CHECK_MESSAGE(result.ok, name, ": ", result.message);

    const std::vector<bool> everything(inputs.size(), true);
    std::vector<bool> wanted(inputs.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = (i + seed) % 3 > 0;
    const Tensors once = gradients(f, inputs, everything, 1), twice = gradients(f, inputs, everything, 2),
                  part = gradients(f, inputs, wanted, 1);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      CHECK_MESSAGE(identical(part[i], wanted[i] ? once[i] : Tensor{}), name, ", input ", i);
      CHECK_MESSAGE(once[i].defined() == twice[i].defined(), name, ", input ", i);
      if (once[i].defined())
        CHECK_MESSAGE(deviation(twice[i], mul(once[i], 2).value()) <= 1e-12, name, ", input ", i, ", twice");
    }
  }
  for (const auto& kind : kKinds) CHECK_MESSAGE(counts[kind.name] >= 10, kind.name);
  CHECK(shared >= kGraphs / 2);
}
