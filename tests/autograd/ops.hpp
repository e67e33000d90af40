// tests/autograd/ops.hpp: a few ops in f64, written out, so that the tape is tested without the engine's own
#pragma once

#include <cordis/autograd/variable.hpp>
#include <vector>

namespace ops {

using namespace cordis;

// f(i) for every element.
template <class F>
Tensor each(const Shape& shape, F f) {
  Tensor y(shape, DType::f64);
  for (std::int64_t i = 0; i < y.numel(); ++i) y.data<double>()[i] = f(i);
  return y;
}

inline double at(const Tensor& x, std::int64_t i) { return x.data<double>()[i]; }
inline double at(const Variable& x, std::int64_t i) { return at(x.value(), i); }

inline std::vector<double> list(const Tensor& x) { return {x.data<double>(), x.data<double>() + x.numel()}; }

// Shares memory: value with x, gradient with dy, as a reshape does.
inline Variable same(const Variable& x) {
  return record("same", x.value(), {x}, [](const Tensor& dy) { return Tensors{dy}; });
}
inline Variable times(const Variable& x, double factor) {
  return record("times", each(x.shape(), [&](auto i) { return at(x, i) * factor; }), {x},
                [factor](const Tensor& dy) {
                  return Tensors{each(dy.shape(), [&](auto i) { return at(dy, i) * factor; })};
                });
}
// Hands the same memory to both inputs.
inline Variable plus(const Variable& a, const Variable& b) {
  return record("plus", each(a.shape(), [&](auto i) { return at(a, i) + at(b, i); }), {a, b},
                [](const Tensor& dy) {
                  return Tensors{dy, dy};
                });
}
inline Variable product(const Variable& a, const Variable& b) {
  return record("product", each(a.shape(), [&](auto i) { return at(a, i) * at(b, i); }), {a, b},
                [a = a.value(), b = b.value()](const Tensor& dy, const Needs& needs) {
                  const auto of = [&](const Tensor& x) {
                    return each(dy.shape(), [&](auto i) { return at(dy, i) * at(x, i); });
                  };
                  return Tensors{needs[0] ? of(b) : Tensor{}, needs[1] ? of(a) : Tensor{}};
                });
}
inline Variable sum(const Variable& x) {
  double total = 0;
  for (const double value : list(x.value())) total += value;
  return record("sum", Tensor::scalar(total), {x}, [shape = x.shape()](const Tensor& dy) {
    return Tensors{full(shape, dy.item(), DType::f64)};
  });
}
// x² and x³, one node.
inline Variables powers(const Variable& x) {
  return record_outputs("powers",
                        {each(x.shape(), [&](auto i) { return at(x, i) * at(x, i); }),
                         each(x.shape(), [&](auto i) { return at(x, i) * at(x, i) * at(x, i); })},
                        {x}, [x = x.value()](const Tensors& dy, const Needs&) {
                          return Tensors{each(x.shape(), [&](auto i) {
                            return (dy[0].defined() ? at(dy[0], i) * 2 * at(x, i) : 0) +
                                   (dy[1].defined() ? at(dy[1], i) * 3 * at(x, i) * at(x, i) : 0);
                          })};
                        });
}

}  // namespace ops
