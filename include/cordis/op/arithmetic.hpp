// cordis/op/arithmetic.hpp: add, sub, mul with PyTorch's broadcasting; sum, mean
// Kernels: cordis/cpu/arithmetic.hpp, cordis/cpu/accumulate.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/arithmetic.hpp>
#include <cordis/cuda/arithmetic.hpp>

namespace cordis::inline CORDIS_ABI {

// Shapes are aligned at their last axes; an extent of 1, or an absent one, repeats.
inline Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  Shape out;
  const int rank = std::max(a.rank(), b.rank());
  for (int axis = -rank; axis < 0; ++axis) {
    const std::int64_t left = axis + a.rank() < 0 ? 1 : a[axis], right = axis + b.rank() < 0 ? 1 : b[axis];
    CORDIS_CHECK(left == right || left == 1 || right == 1, "[", op, "] shapes ", a, " and ", b,
                 " do not broadcast");
    out.append(left == 1 ? right : left);
  }
  return out;
}

namespace detail {
inline Tensor reduced_to(const Shape& shape, const Tensor& x) {
  if (x.shape() == shape) return x;
  Tensor sum(shape, x.dtype(), x.device());
  on(x.device(), [&](auto device) { reduce_to(device, sum, x); });
  return sum;
}
inline Tensor product(const Tensor& a, const Tensor& b) {
  Tensor y(broadcast_shape("mul", a.shape(), b.shape()), a.dtype(), a.device());
  on(y.device(), [&](auto device) { broadcast_binary<Multiply>(device, y, a, b); });
  return y;
}
inline Tensor expanded_to(const Shape& shape, const Tensor& x) {
  return product(ones(shape, x.dtype(), x.device()), x);
}
inline Tensor scaled(const Tensor& x, double factor) {
  Tensor y = empty_like(x);
  on(x.device(), [&](auto device) { scale(device, y, x, factor); });
  return y;
}
template <class Kind>
Tensor binary(const char* op, const Variable& a, const Variable& b) {
  CORDIS_CHECK(a.dtype() == b.dtype(), "[", op, "] operands are ", a.dtype(), " and ", b.dtype());
  check_device(op, a, b);
  Tensor y(broadcast_shape(op, a.shape(), b.shape()), a.dtype(), a.device());
  on(y.device(), [&](auto device) { broadcast_binary<Kind>(device, y, a.value(), b.value()); });
  return y;
}
}  // namespace detail

// a + b, broadcast; both of one element type and on one device.
inline Variable add(const Variable& a, const Variable& b) {
  return record("add", detail::binary<Add>("add", a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Tensor& dy, const Needs& needs) {
                  return Tensors{needs[0] ? detail::reduced_to(sa, dy) : Tensor{},
                                 needs[1] ? detail::reduced_to(sb, dy) : Tensor{}};
                });
}
// a - b, broadcast.
inline Variable sub(const Variable& a, const Variable& b) {
  return record("sub", detail::binary<Subtract>("sub", a, b), {a, b},
                [sa = a.shape(), sb = b.shape()](const Tensor& dy, const Needs& needs) {
                  return Tensors{needs[0] ? detail::reduced_to(sa, dy) : Tensor{},
                                 needs[1] ? detail::scaled(detail::reduced_to(sb, dy), -1) : Tensor{}};
                });
}
// a b, element by element, broadcast.
inline Variable mul(const Variable& a, const Variable& b) {
  return record("mul", detail::binary<Multiply>("mul", a, b), {a, b},
                [a = a.value(), b = b.value()](const Tensor& dy, const Needs& needs) {
                  return Tensors{needs[0] ? detail::reduced_to(a.shape(), detail::product(dy, b)) : Tensor{},
                                 needs[1] ? detail::reduced_to(b.shape(), detail::product(dy, a)) : Tensor{}};
                });
}
// x times a number.
inline Variable mul(const Variable& x, double factor) {
  return record("scale", detail::scaled(x.value(), factor), {x},
                [factor](const Tensor& dy) { return Tensors{detail::scaled(dy, factor)}; });
}
namespace detail {
inline Variable shifted(const Variable& x, double number) {
  Tensor constant({}, x.dtype(), x.device());
  return add(x, constant.fill(number));
}
}  // namespace detail

inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }   // add
inline Variable operator-(const Variable& a, const Variable& b) { return sub(a, b); }   // sub
inline Variable operator*(const Variable& a, const Variable& b) { return mul(a, b); }   // mul
inline Variable operator*(double factor, const Variable& x) { return mul(x, factor); }  // mul
inline Variable operator*(const Variable& x, double factor) { return mul(x, factor); }  // mul
inline Variable operator-(const Variable& x) { return mul(x, -1); }                     // mul by -1
// mul by 1 / divisor
inline Variable operator/(const Variable& x, double divisor) { return mul(x, 1 / divisor); }
// With a number, which is rounded to x's element type.
inline Variable operator+(const Variable& x, double number) { return detail::shifted(x, number); }
inline Variable operator+(double number, const Variable& x) { return x + number; }   // the same
inline Variable operator-(const Variable& x, double number) { return x + -number; }  // x less a number
inline Variable operator-(double number, const Variable& x) { return -x + number; }  // a number less x

// Of all elements, as a single one ().
inline Variable sum(const Variable& x) {
  return record("sum", detail::reduced_to({}, x.value()), {x},
                [like = x.shape()](const Tensor& dy) { return Tensors{detail::expanded_to(like, dy)}; });
}
// Of all elements, as a single one ().
inline Variable mean(const Variable& x) { return mul(sum(x), 1 / static_cast<double>(x.value().numel())); }

}  // namespace cordis::inline CORDIS_ABI
