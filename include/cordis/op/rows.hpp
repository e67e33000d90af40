// cordis/op/rows.hpp: a range of the first axis, and ranges put one after the other
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cpu/rows.hpp>
#include <cordis/cuda/rows.hpp>

namespace cordis::inline CORDIS_ABI {

// x[begin:end] along the first axis; the value shares x's memory.
inline Variable rows(const Variable& x, std::int64_t begin, std::int64_t end) {
  return record("rows", x.value().rows(begin, end), {x}, [shape = x.shape(), begin](const Tensor& dy) {
    Tensor dx(shape, dy.dtype(), dy.device());
    on(dy.device(), [&](auto device) { rows_backward(device, dx, dy, begin); });
    return Tensors{dx};
  });
}

// All of them along the first axis; the other extents are equal.
inline Variable concatenate_rows(const Variables& parts) {
  CORDIS_CHECK(!parts.empty() && parts[0].value().rank() >= 1, "[concatenate_rows] nothing to put together");
  if (parts.size() == 1) return parts[0];
  std::int64_t total = 0;
  Tensors values;
  std::vector<std::int64_t> ends;
  for (const auto& part : parts) {
    CORDIS_CHECK(part.value().rank() == parts[0].value().rank() && part.dtype() == parts[0].dtype(),
                 "[concatenate_rows] ", part.dtype(), ' ', part.shape(), " beside ", parts[0].dtype(), ' ',
                 parts[0].shape());
    for (int axis = 1; axis < part.value().rank(); ++axis)
      CORDIS_CHECK(part.size(axis) == parts[0].size(axis), "[concatenate_rows] ", part.shape(), " beside ",
                   parts[0].shape());
    check_device("concatenate_rows", parts[0], part);
    values.push_back(part.value());
    total = Shape{total + part.size(0)}.numel();  // refused before it wraps
    ends.push_back(total);
  }
  Shape shape{total};
  for (int axis = 1; axis < parts[0].value().rank(); ++axis) shape.append(parts[0].size(axis));
  Tensor y(shape, parts[0].dtype(), parts[0].device());
  on(y.device(), [&](auto device) { concatenate_rows_forward(device, y, values); });
  return record("concatenate_rows", y, parts, [ends](const Tensor& dy) {
    Tensors dx;
    for (std::size_t i = 0; i < ends.size(); ++i) dx.push_back(dy.rows(i ? ends[i - 1] : 0, ends[i]));
    return dx;
  });
}

}  // namespace cordis::inline CORDIS_ABI
