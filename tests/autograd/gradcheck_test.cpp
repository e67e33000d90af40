// tests/autograd/gradcheck_test.cpp: right gradients pass, and every kind of wrong one fails
#include <doctest/doctest.h>

#include <cordis/autograd/gradcheck.hpp>

#include "ops.hpp"
#include "refusal.hpp"

using namespace cordis;
using namespace ops;

namespace {

Tensor numbers(Shape shape, std::uint64_t seed = 1) {
  Tensor x(shape, DType::f64);
  Generator generator(seed);
  return fill_uniform(x, 0.5, 2, generator);
}

// y = x² with a backward of the test's making: dx = backward(dy, x).
template <class Backward>
GradcheckResult square(Backward gradient, Shape shape = {2, 3}, GradcheckOptions options = {}) {
  return gradcheck(
      [&](const Variables& x) {
        return record("square", each(x[0].shape(), [&](auto i) { return at(x[0], i) * at(x[0], i); }), {x[0]},
                      [&gradient, saved = x[0].value().clone()](const Tensor& dy) {
                        return Tensors{gradient(dy, saved)};
                      });
      },
      {numbers(shape)}, options);
}

Tensor right(const Tensor& dy, const Tensor& x) {
  return each(x.shape(), [&](auto i) { return at(dy, i) * 2 * at(x, i); });
}

}  // namespace

TEST_CASE("gradcheck: right gradients pass") {
  const auto result = square(right);
  CHECK(result);
  CHECK(result.ok);
  CHECK(result.message.empty());
  CHECK(result.worst < 1e-7);
  CHECK(square(right, {}));
  CHECK(square(right, {0}));
  CHECK(gradcheck([](const Variables& x) { return sum(product(x[0], plus(x[1], x[0]))); },
                  {numbers({5}), numbers({5}, 2)}));
  CHECK(gradcheck([](const Variables& x) { return powers(times(x[0], -3)); }, {numbers({4})}));
  CHECK(gradcheck(
      [](const Variables& x) {
        return Variables{x[0], times(x[0], 2), powers(x[0])[1]};
      },
      {numbers({4})}));
}

TEST_CASE("gradcheck: a sign error fails, and the message names input, element and both numbers") {
  const auto result = square([](const Tensor& dy, const Tensor& x) {
    Tensor dx = right(dy, x);
    dx.data<double>()[4] *= -1;
    return dx;
  });
  CHECK_FALSE(result);
  CHECK(result.worst > 1);
  CHECK(says(result.message,
             {"[gradcheck]", "input 0", "(2, 3)", "element 4", "tape gives", "differences give"}));
}

TEST_CASE("gradcheck: a wrong factor, a wrong element, a missing dy, a missing term fail") {
  CHECK_FALSE(square([](const Tensor& dy, const Tensor& x) {
    return each(x.shape(), [&](auto i) { return at(dy, i) * at(x, i); });
  }));
  CHECK_FALSE(square([](const Tensor& dy, const Tensor& x) {
    return each(x.shape(), [&](auto i) { return at(dy, i) * 2 * at(x, (i + 1) % x.numel()); });
  }));
  // Right for a plain sum of outputs, whose dy is 1 throughout.
  CHECK_FALSE(square(
      [](const Tensor&, const Tensor& x) { return each(x.shape(), [&](auto i) { return 2 * at(x, i); }); }));
  CHECK_FALSE(square([](const Tensor& dy, const Tensor& x) {  // dy of a neighbour
    return each(x.shape(), [&](auto i) { return at(dy, x.numel() - 1 - i) * 2 * at(x, i); });
  }));
  CHECK_FALSE(square([](const Tensor& dy, const Tensor& x) {  // one in 10^4 off
    return each(x.shape(), [&](auto i) { return at(dy, i) * 2.0002 * at(x, i); });
  }));
  // x · y, of which y's half is forgotten.
  const auto forgotten = gradcheck(
      [](const Variables& x) {
        return record("product", each(x[0].shape(), [&](auto i) { return at(x[0], i) * at(x[1], i); }),
                      {x[0], x[1]}, [y = x[1].value().clone()](const Tensor& dy) {
                        return Tensors{each(y.shape(), [&](auto i) { return at(dy, i) * at(y, i); }), {}};
                      });
      },
      {numbers({3}), numbers({3}, 2)});
  CHECK_FALSE(forgotten);
  CHECK(says(forgotten.message, {"input 1", "element 0", "tape gives 0"}));
  // x[0] + x[0]², whose second use is off the tape.
  CHECK_FALSE(
      gradcheck([](const Variables& x) { return plus(x[0], powers(x[0].detach())[0]); }, {numbers({3})}));
}

TEST_CASE(
    "gradcheck: gradients and outputs not written in full fail, though old memory held the right ones") {
  const auto unwritten = square([](const Tensor& dy, const Tensor& x) {
    { const Tensor leftover = right(dy, x); }  // its block comes back
    Tensor dx(x.shape(), DType::f64);
    for (std::int64_t i = 0; i + 1 < dx.numel(); ++i) dx.data<double>()[i] = at(dy, i) * 2 * at(x, i);
    return dx;
  });
  CHECK_FALSE(unwritten);
  CHECK(says(unwritten.message, {"element 5", "nan"}));
  CHECK(std::isnan(unwritten.worst));

  const auto added = square([](const Tensor& dy, const Tensor& x) {  // += into a buffer taken for nil
    Tensor dx(x.shape(), DType::f64);
    for (std::int64_t i = 0; i < dx.numel(); ++i) dx.data<double>()[i] += at(dy, i) * 2 * at(x, i);
    return dx;
  });
  CHECK_FALSE(added);

  CHECK_FALSE(gradcheck(
      [](const Variables& x) {
        Tensor y(x[0].shape(), DType::f64);
        for (std::int64_t i = 1; i < y.numel(); ++i) y.data<double>()[i] = 2 * at(x[0], i);
        return record("partial", y, {x[0]}, [](const Tensor& dy) {
          return Tensors{each(dy.shape(), [&](auto i) { return i ? 2 * at(dy, i) : 0; })};
        });
      },
      {numbers({3})}));
}

TEST_CASE("gradcheck: of several outputs each one's share counts") {
  const auto wrong_in = [](int k) {
    return gradcheck(
        [k](const Variables& x) {
          auto y = powers(x[0]);
          y[static_cast<std::size_t>(k)] = y[static_cast<std::size_t>(k)].detach();
          y.push_back(times(x[0], 1));
          return Variables{times(plus(y[0], y[2]), 1), times(plus(y[1], y[2]), 1)};
        },
        {numbers({3})});
  };
  CHECK_FALSE(wrong_in(0));
  CHECK_FALSE(wrong_in(1));
}

TEST_CASE("gradcheck: labels pass through untouched; f32 is refused") {
  const Tensor labels = Tensor::of<std::int64_t>({3}, {2, 0, 1});
  CHECK(gradcheck(
      [](const Variables& x) {
        const auto* index = x[1].value().data<std::int64_t>();
        std::vector<std::int64_t> order(index, index + 3);
        return record("gather",
                      each({3}, [&](auto i) { return at(x[0], order[static_cast<std::size_t>(i)]); }),
                      {x[0], x[1]}, [order](const Tensor& dy) {
                        Tensor dx({3}, DType::f64);
                        for (std::size_t i = 0; i < 3; ++i)
                          dx.data<double>()[order[i]] = at(dy, static_cast<std::int64_t>(i));
                        return Tensors{dx, {}};
                      });
      },
      {numbers({3}), labels}));
  CHECK(says(refusal([] { gradcheck([](const Variables& x) { return x[0]; }, {Tensor({2})}); }),
             {"[gradcheck]", "f64", "f32"}));
}

TEST_CASE("gradcheck: options: step and tolerances count, the caller's inputs stay") {
  const auto slightly = [](const Tensor& dy, const Tensor& x) {
    return each(x.shape(), [&](auto i) { return at(dy, i) * (2 * at(x, i) + 1e-3); });
  };
  CHECK_FALSE(square(slightly));
  CHECK(square(slightly, {5}, {.atol = 1e-2}));
  CHECK(square(slightly, {5}, {.rtol = 1e-2}));
  CHECK(square(right, {5}, {.eps = 1e-3, .atol = 0, .rtol = 1e-9}));  // exact for a square at any step
  CHECK_FALSE(square(right, {5}, {.atol = 0, .rtol = 0}));
  const double worst = square(slightly).worst;
  CHECK(square(slightly, {2, 3}, {.seed = 8}).worst != worst);
  CHECK(square(slightly, {2, 3}, {.seed = 0}).worst == worst);

  const Tensor x = numbers({4}), before = x.clone();
  CHECK(gradcheck([](const Variables& in) { return powers(in[0]); }, {x}));
  CHECK(list(x) == list(before));
  CHECK(grad_enabled());
}

TEST_CASE("gradcheck: what the function throws comes through") {
  CHECK_THROWS_AS(gradcheck([](const Variables&) -> Variable { throw 7; }, {numbers({2})}), int);
  CHECK(grad_enabled());
  const Tensor after({4}, DType::f64);  // poison ends with the call
  Tensor filled = full({4}, 5, DType::f64);
  CHECK(list(filled) == std::vector<double>(4, 5));
  CHECK(says(refusal([] { gradcheck([](const Variables& x) { return x[0].detach(); }, {numbers({2})}); }),
             {"[backward]", "output 0"}));
}
