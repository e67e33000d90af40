// tests/op/support.hpp: what is proved of every op, and the stored cases of ops.safetensors
#pragma once

#include <cordis/autograd/gradcheck.hpp>
#include <cordis/core/parallel.hpp>
#include <cstring>
#include <fixture.hpp>
#include <functional>
#include <refusal.hpp>
#include <string>
#include <vector>

using cordis::DType;
using cordis::Shape;
using cordis::Tensor;
using cordis::Tensors;
using cordis::Variable;
using cordis::Variables;

// Uniform, and exact in f32, so that both types start from the same numbers.
inline Tensor random_tensor(const Shape& shape, std::uint64_t seed, double low = -1, double high = 1) {
  cordis::Generator generator(seed, 1000);
  Tensor x(shape, DType::f32);
  return cordis::fill_uniform(x, low, high, generator).to(DType::f64);
}

// x in another type; finite values stay finite and do not vanish.
inline Tensor narrowed(const Tensor& x, DType dtype) {
  if (dtype != DType::f32 || x.dtype() != DType::f64) return x;
  Tensor y = x.clone();
  for (double& value : y.values<double>()) {
    const double size = std::abs(value);
    if (std::isfinite(value) && size > 1e38) value = std::copysign(1e38, value);
    if (size > 0 && size < 1e-37) value = std::copysign(1e-37, value);
  }
  return y.to(DType::f32);
}

inline bool identical(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}
inline bool identical(const Tensors& a, const Tensors& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) same = identical(a[i], b[i]);
  return same;
}

class ThreadGuard {
 public:
  explicit ThreadGuard(int threads) : before_(cordis::num_threads()) { cordis::set_num_threads(threads); }
  ~ThreadGuard() { cordis::set_num_threads(before_); }
  ThreadGuard(const ThreadGuard&) = delete;
  ThreadGuard& operator=(const ThreadGuard&) = delete;

 private:
  int before_;
};

using Op = std::function<Variables(const Variables&)>;

struct Outcome {
  Tensors y, dx;  // outputs; gradients of the inputs, undefined where none came
};

// f and its backward from fixed random gradients of the outputs, in buffers born as NaN. Only the inputs
// `wanted` require a gradient (by default all that can).
inline Outcome outcome(const Op& f, const Tensors& inputs, const std::vector<bool>& wanted = {}) {
  const cordis::PoisonGuard poison;
  Variables leaves;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    leaves.emplace_back(inputs[i].clone(), inputs[i].dtype() != DType::i64 && (wanted.empty() || wanted[i]));
  const Variables y = f(leaves);
  Outcome result;
  Tensors dy;
  for (std::size_t i = 0; i < y.size(); ++i) {
    result.y.push_back(y[i].value().clone());
    dy.push_back(random_tensor(y[i].shape(), 77 + i, 0.5, 1.5).to(y[i].dtype()));
  }
  cordis::backward(y, dy);
  for (const auto& leaf : leaves) result.dx.push_back(leaf.grad());
  return result;
}

inline void check_near(const Tensors& a, const Tensors& b, double bound, const std::string& what) {
  REQUIRE_MESSAGE(a.size() == b.size(), what);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double found = deviation(a[i], b[i]);
    CHECK_MESSAGE(found <= bound, what, " ", i, ": deviation ", found, ", allowed ", bound);
  }
}

// Repeats bit for bit at 1, 2 and 3 threads, and moves by rounding alone between them.
inline void prove_threads(const std::string& name, const Op& f, const Tensors& inputs, double bound = 1e-12) {
  Outcome alone;
  for (const int threads : {1, 2, 3}) {
    const ThreadGuard guard(threads);
    const Outcome first = outcome(f, inputs), second = outcome(f, inputs);
    CHECK_MESSAGE((identical(first.y, second.y) && identical(first.dx, second.dx)), name, ": ", threads,
                  " threads do not repeat themselves");
    if (threads == 1) alone = first;
    check_near(first.y, alone.y, bound, cordis::concat(name, ", ", threads, " threads, output"));
    check_near(first.dx, alone.dx, bound, cordis::concat(name, ", ", threads, " threads, gradient"));
  }
}

// A frozen input gets no gradient, and the others the one they get anyway.
inline void prove_frozen(const std::string& name, const Op& f, const Tensors& inputs) {
  const Outcome all = outcome(f, inputs);
  const std::size_t n = inputs.size();
  for (std::size_t i = 0; i < n; ++i)
    for (const bool alone : {true, false}) {
      std::vector<bool> wanted(n, !alone);
      wanted[i] = alone;
      bool any = false;
      for (std::size_t k = 0; k < n; ++k) any = any || (wanted[k] && inputs[k].dtype() != DType::i64);
      if (!any) continue;
      const Outcome part = outcome(f, inputs, wanted);
      CHECK_MESSAGE(identical(part.y, all.y), name);
      for (std::size_t k = 0; k < n; ++k)
        CHECK_MESSAGE(identical(part.dx[k], wanted[k] ? all.dx[k] : Tensor{}), name, ": input ", k,
                      wanted[k] ? " of those that" : " does not", " require a gradient; ",
                      alone ? "only " : "all but ", i, " do");
    }
}

// f64 inputs, exact in f32: gradients against differences, frozen inputs, threads, no tape, and f32.
inline void prove(const std::string& name, const Op& f, const Tensors& inputs, double f32_bound = 1e-5) {
  const auto gradients = cordis::gradcheck(f, inputs);
  CHECK_MESSAGE(gradients.ok, name, ": ", gradients.message);
  prove_frozen(name, f, inputs);
  prove_threads(name, f, inputs);

  const Outcome wide = outcome(f, inputs);
  Tensors narrow;
  Variables constants;
  for (const auto& input : inputs) {
    narrow.push_back(input.dtype() == DType::f64 ? input.to(DType::f32) : input);
    constants.emplace_back(input);
  }
  const Outcome single = outcome(f, narrow);
  for (const auto& y : single.y) CHECK_MESSAGE(y.dtype() == DType::f32, name);
  check_near(single.y, wide.y, f32_bound, name + ", f32, output");
  check_near(single.dx, wide.dx, f32_bound, name + ", f32, gradient");

  const auto untaped = f(constants);
  for (std::size_t i = 0; i < untaped.size(); ++i) {
    CHECK_MESSAGE(untaped[i].is_leaf(), name);
    CHECK_MESSAGE(identical(untaped[i].value(), wide.y[i]), name);
  }
}

// One stored case of an op, in one type.
struct StoredCase {
  const Fixture& fixture;
  std::string name;
  DType dtype;
  double bound;

  Tensor tensor(const std::string& what) const { return narrowed(fixture.find(name + '.' + what), dtype); }
  // A variable that requires a gradient; undefined where the case has none.
  Variable leaf(const std::string& what) const {
    const Tensor value = tensor(what);
    return value.defined() ? Variable(value.clone(), true) : Variable{};
  }
  void compare(const std::string& what, const Tensor& value) const {
    const Tensor stored = tensor(what);
    REQUIRE_MESSAGE(stored.defined(), name, " has no ", what);
    REQUIRE_MESSAGE(value.dtype() == dtype, name, " ", what);
    const double found = deviation(value, stored);
    CHECK_MESSAGE(found <= bound, name, " ", dtype, " ", what, ": deviation ", found, ", allowed ", bound);
  }
  // The gradient of a leaf that may be absent.
  void compare_gradient(const std::string& what, const Variable& leaf) const {
    CHECK_MESSAGE(leaf.defined() == fixture.has(name + '.' + what), name, " ", what);
    if (leaf.defined()) compare(what, leaf.grad());
  }
};

// Runs `test` on every stored case whose name starts with prefix, in f64 and f32; there are `count` of them.
inline void stored_cases(const std::string& prefix, std::size_t count,
                         const std::function<void(const StoredCase&)>& test, double f32_bound = 1e-5) {
  static const Fixture fixture("ops");
  const auto names = fixture.cases(prefix);
  CHECK_MESSAGE(names.size() == count, prefix, ": ", names.size(), " cases");
  for (const auto& name : names) {
    test({fixture, name, DType::f64, 1e-12});
    test({fixture, name, DType::f32, f32_bound});
  }
}
