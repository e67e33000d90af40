// tests/autograd/variable_test.cpp: the tape: who gets which gradient, how often, and what it refuses
#include <doctest/doctest.h>

#include <thread>

#include "ops.hpp"
#include "refusal.hpp"
#include "sanitized.hpp"

using namespace cordis;
using namespace ops;
using List = std::vector<double>;

namespace {

Variable leaf(const List& values, bool requires_grad = true) {
  return Variable(Tensor::of<double>({static_cast<std::int64_t>(values.size())}, values), requires_grad);
}
Tensor row(const List& values) { return leaf(values).value(); }

constexpr bool sanitized = kAddressSanitizer || kThreadSanitizer;
constexpr int kMillion = sanitized ? 100'000 : 1'000'000;  // sanitizers keep what was released
constexpr int kLong = sanitized ? 100'000 : 200'000;       // as deep a recursion overflows the stack

}  // namespace

TEST_CASE("variable: undefined, constant, leaf and result are told apart") {
  Variable none;
  CHECK_FALSE(none.defined());
  CHECK_FALSE(none.requires_grad());
  CHECK(says(refusal([&] { none.value(); }), {"[variable]", "before it was given a value"}));
  CHECK(says(refusal([&] { none.grad(); }), {"[variable]"}));
  CHECK(says(refusal([&] { none.requires_grad(true); }), {"[variable]"}));

  const Variable constant = row({1, 2});  // implicit
  const Variable x = leaf({3, 4});
  CHECK_FALSE(constant.requires_grad());
  CHECK(x.requires_grad());
  CHECK(x.is_leaf());
  CHECK(x.node() == nullptr);
  CHECK_FALSE(x.grad().defined());
  CHECK(x.shape() == Shape{2});
  CHECK(x.size(0) == 2);
  CHECK(x.dtype() == DType::f64);
  CHECK(x.device() == Device::cpu());

  const Variable y = product(x, constant);
  CHECK(y.requires_grad());
  CHECK_FALSE(y.is_leaf());
  CHECK(std::string(y.node()->name) == "product");
  CHECK(list(y.value()) == List{3, 8});
  CHECK_FALSE(product(constant, constant).requires_grad());
  CHECK(product(constant, constant).is_leaf());

  const Variable handle = x;
  CHECK(handle.same(x));
  CHECK_FALSE(handle.same(leaf({3, 4})));
}

TEST_CASE("variable: labels cannot require a gradient") {
  const Tensor labels({3}, DType::i64);
  CHECK(says(refusal([&] { Variable(labels, true); }), {"[variable]", "i64"}));
  Variable constant = labels;
  CHECK(says(refusal([&] { constant.requires_grad(true); }), {"[requires_grad]", "i64"}));
  CHECK_FALSE(constant.requires_grad(false).requires_grad());
}

TEST_CASE("variable: the gradient of a product reaches both factors, exactly") {
  const Variable a = leaf({2, -3}), b = leaf({5, 7});
  sum(product(a, b)).backward();
  CHECK(list(a.grad()) == List{5, 7});
  CHECK(list(b.grad()) == List{2, -3});
}

TEST_CASE("variable: one used twice, or many times, gets the sum") {
  const Variable x = leaf({2, -3});
  sum(product(x, x)).backward();
  CHECK(list(x.grad()) == List{4, -6});

  const Variable y = leaf({1});
  Variable total = times(y, 0);
  for (int k = 1; k <= 10; ++k) total = plus(total, times(y, k));
  sum(total).backward();
  CHECK(list(y.grad()) == List{55});

  const Variable z = leaf({1, 2});
  sum(plus(z, z)).backward();  // both contributions are the same memory
  CHECK(list(z.grad()) == List{2, 2});
}

TEST_CASE("variable: contributions that share memory never change each other") {
  const Variable a = leaf({1}), b = leaf({1}), c = leaf({1});
  const Variable inner = plus(a, b);                      // dy goes to a and to b
  const Variable y = plus(plus(inner, c), times(a, 10));  // and a gets more
  sum(same(y)).backward();
  CHECK(list(a.grad()) == List{11});
  CHECK(list(b.grad()) == List{1});
  CHECK(list(c.grad()) == List{1});

  // The caller's gradient stays what it was, though leaves are added to.
  const Tensor dy = row({3, 4});
  const Variable x = leaf({1, 1});
  backward({same(x)}, {dy});
  backward({same(x)}, {dy});
  CHECK(list(x.grad()) == List{6, 8});
  CHECK(list(dy) == List{3, 4});
}

TEST_CASE("variable: diamonds run every node once, after all that use it") {
  int runs = 0;
  const Variable x = leaf({3});
  const Variable root = record("root", x.value(), {x}, [&runs](const Tensor& dy) {
    ++runs;
    return Tensors{dy};
  });
  // Left is one node deep, right is three: root has to wait for both.
  const Variable left = product(root, root), right = times(times(times(root, 2), 3), 5);
  const Variable y = product(left, right);  // 30 x³
  sum(y).backward();
  CHECK(runs == 1);
  CHECK(list(x.grad()) == List{90 * 9});

  // 2^40 paths in 40 diamonds on top of each other.
  Variable h = leaf({1});
  const Variable start = h;
  for (int level = 0; level < 40; ++level) h = plus(h, times(h, 1));
  sum(h).backward();
  CHECK(list(start.grad()) == List{0x1p40});
}

TEST_CASE("variable: results may be used in another order than they were made") {
  const Variable x = leaf({2});
  const Variable late = times(x, 3), early = times(x, 5);
  sum(product(plus(early, late), product(late, early))).backward();  // 8x · 15x² = 120 x³
  CHECK(list(x.grad()) == List{360 * 4});
}

TEST_CASE("variable: gradients add up over backwards until they are taken") {
  Variable x = leaf({1, 2});
  sum(times(x, 3)).backward();
  sum(product(x, x)).backward();
  CHECK(list(x.grad()) == List{5, 7});
  const Tensor taken = x.grad();
  sum(times(x, 1)).backward();
  CHECK(list(x.grad()) == List{6, 8});
  CHECK(list(taken) == List{5, 7});  // a handle on the old sum does not move
  x.grad() = {};
  sum(times(x, 3)).backward();
  CHECK(list(x.grad()) == List{3, 3});
}

TEST_CASE("variable: backward twice needs retain_graph") {
  const Variable x = leaf({2, 3});
  const Variable y = sum(product(x, x));
  y.backward({.retain_graph = true});
  y.backward({.retain_graph = true});
  CHECK(list(x.grad()) == List{8, 12});
  y.backward();
  CHECK(list(x.grad()) == List{12, 18});
  CHECK(says(refusal([&] { y.backward(); }), {"[backward]", "sum", "gone through before", "retain_graph"}));
  CHECK(list(x.grad()) == List{12, 18});

  // A part in common that the first run used up.
  const Variable trunk = product(x, x);
  const Variable first = sum(trunk), second = sum(times(trunk, 2));
  first.backward();
  CHECK(says(refusal([&] { second.backward(); }), {"product", "gone through before"}));
}

TEST_CASE("variable: without retain_graph saved tensors die as soon as they are used") {
  const Variable x = leaf({1, 2, 3});
  const Variable y = sum(product(times(x, 2), times(x, 3)));
  const auto kept = std::make_shared<int>(1);
  const Variable holder = record("holder", y.value(), {y}, [kept](const Tensor& dy) { return Tensors{dy}; });
  CHECK(kept.use_count() == 2);
  holder.backward({.retain_graph = true});
  CHECK(kept.use_count() == 2);
  const std::size_t before = memory_stats().in_use;
  holder.backward();
  CHECK(kept.use_count() == 1);
  CHECK(memory_stats().in_use < before);
}

TEST_CASE("variable: a single element starts from 1, more need a gradient") {
  const Variable x = leaf({4}), two = times(leaf({1, 2}), 1);
  times(x, 3).backward();
  CHECK(list(x.grad()) == List{3});
  CHECK(says(refusal([&] { two.backward(); }), {"[backward]", "(2,)", "not a single element"}));
  const Variable narrow(Tensor::of<float>({1, 1}, {2}), true);
  narrow.backward();  // a leaf is its own derivative
  CHECK(narrow.grad().item() == 1);
  CHECK(narrow.grad().dtype() == DType::f32);
  CHECK(narrow.grad().shape() == Shape{1, 1});
  CHECK(
      says(refusal([] { leaf({1}, false).backward(); }), {"[backward]", "output 0", "requires a gradient"}));
  CHECK(says(refusal([] { times(leaf({1}, false), 2).backward(); }), {"[backward]", "output 0"}));
}

TEST_CASE("variable: several outputs of a node, all, one or the other") {
  const Variable x = leaf({2, -3});
  for (const int which : {1, 2, 3}) {
    CAPTURE(which);
    Variable copy = leaf({2, -3});
    const auto y = powers(copy);
    REQUIRE(y[0].node() == y[1].node());
    Variables outputs;
    Tensors gradients;
    if (which & 1) outputs.push_back(y[0]), gradients.push_back(row({1, 10}));
    if (which & 2) outputs.push_back(y[1]), gradients.push_back(row({100, 1000}));
    backward(outputs, gradients);
    CHECK(list(copy.grad()) == List{(which & 1 ? 4.0 : 0) + (which & 2 ? 1200.0 : 0),
                                    (which & 1 ? -60.0 : 0) + (which & 2 ? 27000.0 : 0)});
  }
  const auto y = powers(x);
  sum(product(y[0], y[1])).backward();  // x⁵
  CHECK(list(x.grad()) == List{80, 405});
}

TEST_CASE("variable: backward from several outputs, the same one twice, or with no gradient for one") {
  const Variable x = leaf({1, 1});
  const Variable a = times(x, 2), b = times(a, 3);
  backward({a, b}, {row({1, 10}), row({1, 10})});  // b is computed from a
  CHECK(list(x.grad()) == List{8, 80});
  const Variable y = leaf({1, 1});
  const Variable c = times(y, 2), d = times(y, 5);
  backward({c, c, d}, {row({1, 2}), row({10, 20}), {}});
  CHECK(list(y.grad()) == List{22, 44});
  CHECK(says(refusal([&] { backward({c, d}, {row({1, 2})}); }), {"[backward]", "2 outputs", "1 gradients"}));
  CHECK(says(refusal([&] {
               backward({d, leaf({1}, false)}, {row({1, 2}), row({1})});
             }),
             {"[backward]", "output 1", "requires a gradient"}));
  backward({}, {});
}

TEST_CASE("variable: a gradient of the wrong shape or type is refused, wherever it comes from") {
  const Variable x = leaf({1, 2});
  const Variable y = times(x, 2);
  CHECK(says(refusal([&] { backward({y}, {row({1, 2, 3})}); }), {"[backward]", "times", "(3,)", "(2,)"}));
  CHECK(says(refusal([&] { backward({y}, {Tensor({2, 1}, DType::f64)}); }), {"(2, 1)", "(2,)"}));
  CHECK(says(refusal([&] { backward({y}, {Tensor({2}, DType::f32)}); }), {"f32", "f64"}));
  CHECK(says(refusal([&] { backward({x}, {row({1})}); }), {"[backward]", "leaf", "(1,)"}));

  const auto with_gradient = [&](Tensors dx) {
    return refusal(
        [&] { sum(record("own", x.value(), {x}, [dx](const Tensor&) { return dx; })).backward(); });
  };
  CHECK(says(with_gradient({row({1})}), {"[backward]", "leaf", "f64 (1,)", "f64 (2,)"}));
  CHECK(says(with_gradient({Tensor({2}, DType::f32)}), {"f32 (2,)", "f64 (2,)"}));
  CHECK(says(with_gradient({}), {"[backward]", "own", "0 gradients for 1 inputs"}));
  CHECK(says(with_gradient({row({1, 2}), row({1, 2})}), {"own", "2 gradients for 1 inputs"}));
  CHECK_FALSE(x.grad().defined());
  CHECK(with_gradient({Tensor{}}).empty());  // undefined: none
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("variable: a backward that failed leaves no gradients behind on the tape") {
  const Variable x = leaf({1, 1});
  const Variable a = times(x, 2), b = times(x, 3);
  CHECK_THROWS_AS(backward({a, b}, {row({1, 1}), row({1, 1, 1})}), std::invalid_argument);
  CHECK_FALSE(x.grad().defined());
  backward({a, b}, {row({1, 10}), row({1, 10})});
  CHECK(list(x.grad()) == List{5, 50});

  bool broken = true;
  const Variable y = leaf({1});
  const Variable left = times(y, 2);
  const Variable right = record("right", y.value(), {y}, [&broken](const Tensor& dy) {
    if (broken) throw std::runtime_error("not today");
    return Tensors{dy};
  });
  const Variable total = sum(plus(left, right));
  CHECK_THROWS_AS(total.backward({.retain_graph = true}), std::runtime_error);
  broken = false;
  total.backward();
  CHECK(list(y.grad()) == List{3});
}

TEST_CASE("variable: undefined inputs stand for absent ones") {
  const Variable x = leaf({1, 2});
  Needs seen;
  const Variable y = record("optional", x.value(), {Variable{}, x, Variable{}},
                            [&seen](const Tensor& dy, const Needs& needs) {
                              seen = needs;
                              return Tensors{Tensor{}, dy, dy};  // the last is nobody's
                            });
  sum(y).backward();
  CHECK(seen.input == std::vector<bool>{false, true, false});
  CHECK(list(x.grad()) == List{1, 1});
  CHECK_FALSE(
      record("optional", x.value(), {Variable{}}, [](const Tensor&) { return Tensors{{}}; }).requires_grad());
}

TEST_CASE("variable: frozen leaves get none, and thaw") {
  Variable w = leaf({2}), x = leaf({3});
  w.requires_grad(false);
  CHECK_FALSE(w.requires_grad());
  sum(product(w, x)).backward();
  CHECK_FALSE(w.grad().defined());
  CHECK(list(x.grad()) == List{2});
  CHECK_FALSE(product(w, leaf({1}, false)).requires_grad());
  w.requires_grad(true);
  sum(product(w, x)).backward();
  CHECK(list(w.grad()) == List{3});
  Variable y = product(w, x);
  CHECK(says(refusal([&] { y.requires_grad(false); }), {"[requires_grad]", "only a leaf", "product"}));

  // Frozen between the op and backward: as it is when the gradient arrives.
  const Variable z = sum(product(w, x));
  w.grad() = {};
  w.requires_grad(false);
  z.backward();
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("variable: an op is asked only for the gradients that are needed") {
  const Variable a = leaf({1}), b = leaf({1}, false);
  std::vector<bool> seen;
  const auto op = [&](const Variables& inputs) {
    return record("op", a.value(), inputs, [&seen](const Tensor& dy, const Needs& needs) {
      seen = needs.input;
      return Tensors{dy, dy};
    });
  };
  op({a, b}).backward();
  CHECK(seen == std::vector<bool>{true, false});
  op({b, times(a, 2)}).backward();
  CHECK(seen == std::vector<bool>{false, true});
}

TEST_CASE("variable: NoGrad records nothing, nests, and is each thread's own") {
  const Variable x = leaf({2});
  CHECK(grad_enabled());
  {
    const NoGrad off;
    CHECK_FALSE(grad_enabled());
    const auto kept = std::make_shared<int>(1);
    const Variable y = record("op", x.value(), {x}, [kept](const Tensor& dy) { return Tensors{dy}; });
    CHECK(kept.use_count() == 1);  // what the closure holds is let go at once
    CHECK_FALSE(y.requires_grad());
    CHECK(y.is_leaf());
    { const NoGrad inner; }
    CHECK_FALSE(grad_enabled());
    bool elsewhere = false;
    std::thread([&] { elsewhere = grad_enabled(); }).join();
    CHECK(elsewhere);
    CHECK_FALSE(powers(x)[1].requires_grad());
  }
  CHECK(grad_enabled());
  try {
    const NoGrad off;
    throw 1;
  } catch (int) {
  }
  CHECK(grad_enabled());
  const Variable y = times(x, 2);
  const NoGrad off;  // does not matter to a tape already there
  y.backward();
  CHECK(list(x.grad()) == List{2});
}

TEST_CASE("variable: detach shares the elements and ends the tape") {
  const Variable x = leaf({2});
  const Variable y = times(x, 3), cut = y.detach();
  CHECK(cut.value().raw() == y.value().raw());
  CHECK_FALSE(cut.requires_grad());
  sum(product(y, cut)).backward();
  CHECK(list(x.grad()) == List{18});
}

TEST_CASE("variable: a result outlives those computed from it") {
  const Variable x = leaf({5});
  const Variable h = product(x, x);
  const auto y = powers(h);
  { const Variable dropped = times(times(h, 2), 3); }
  { const Variable dropped = times(y[0], 2); }
  CHECK(h.node()->inputs.size() == 2);
  { const Variable dropped = product(y[0], y[1]); }
  sum(plus(h, y[0])).backward();  // x² + x⁴
  CHECK(list(x.grad()) == List{10 + 500});
}

TEST_CASE("variable: the tape goes with the last variable, and takes its memory along") {
  const std::size_t before = memory_stats().in_use;
  const auto held = std::make_shared<int>(1);
  {
    const Variable x = leaf(List(1000, 1.0));
    Variable h = x;
    for (int k = 0; k < 10; ++k) h = product(h, h);
    h = record("op", h.value(), {h, x}, [held](const Tensor& dy) { return Tensors{dy, dy}; });
    CHECK(memory_stats().in_use > before + 10 * 8000);
    CHECK(held.use_count() == 2);
  }
  CHECK(held.use_count() == 1);
  CHECK(memory_stats().in_use == before);
}

TEST_CASE("variable: a very long chain runs and is freed without recursion") {
  const Variable x = leaf({1});
  SUBCASE("backward") {
    Variable h = x;
    for (int k = 0; k < kMillion; ++k) h = same(h);
    h.backward();
    CHECK(list(x.grad()) == List{1});
  }
  SUBCASE("dropped without backward") {
    Variable h = x;
    for (int k = 0; k < kLong; ++k) h = same(h);
  }
  SUBCASE("each step uses the one before twice") {
    Variable h = x;
    for (int k = 0; k < kLong; ++k) h = product(h, h);
    h = record("last", h.value(), {h, h}, [](const Tensor& dy) { return Tensors{dy, dy}; });
  }
  SUBCASE("two outputs, both used by the next step, as a recurrent cell's") {
    const auto step = [](const Variables& state) {
      return record_outputs("cell", {state[0].value(), state[1].value()}, state,
                            [](const Tensors& dy, const Needs&) { return dy; });
    };
    Variables state{x, x};
    for (int k = 0; k < kLong; ++k) state = step(state);
    SUBCASE("backward") {
      backward(state, {row({2}), row({3})});
      CHECK(list(x.grad()) == List{5});
    }
    SUBCASE("dropped") {}
  }
  SUBCASE("backward stops at the top") {
    Variable h = x;
    for (int k = 0; k < kLong; ++k) h = same(h);
    h = record("wall", h.value(), {h}, [](const Tensor&) { return Tensors{{}}; });
    h.backward();
    CHECK_FALSE(x.grad().defined());
  }
}

TEST_CASE("variable: threads record and run tapes of their own on a parameter in common") {
  const Variable w = leaf({3}, false);
  std::vector<double> found(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const Variable x = leaf({static_cast<double>(t)});
      for (int k = 0; k < 100; ++k) sum(product(product(x, w), x)).backward();
      found[t] = at(x.grad(), 0);
    });
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < 4; ++t) CHECK(found[t] == 600 * static_cast<double>(t));
}
