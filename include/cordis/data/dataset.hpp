// cordis/data/dataset.hpp: records and their labels in memory
#pragma once

#include <cordis/core/tensor.hpp>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// Rows of x: those of `indices`, in that order, copied; an index may come twice.
inline Tensor gather_rows(const Tensor& x, std::span<const std::int64_t> indices) {
  CORDIS_CHECK(x.defined() && x.rank() > 0, "[gather_rows] x has shape ", x.shape(), ", rows are needed");
  Shape shape{std::ssize(indices)};
  for (int axis = 1; axis < x.rank(); ++axis) shape.append(x.size(axis));
  Tensor rows(shape, x.dtype(), x.device());
  const std::size_t row = x.size(0) ? x.bytes() / static_cast<std::size_t>(x.size(0)) : 0;
  const auto* from = static_cast<const std::byte*>(x.raw());
  auto* to = static_cast<std::byte*>(rows.raw());
  for (const std::int64_t index : indices) {
    CORDIS_CHECK(index >= 0 && index < x.size(0), "[gather_rows] row ", index, " of shape ", x.shape());
    if (row) std::memcpy(to, from + row * static_cast<std::size_t>(index), row);
    to += row;
  }
  return rows;
}

// Records x (N, ...) and their labels y (N, ...).
struct Batch {
  Tensor x, y;
};

// Records x (n, ...) and labels y (n, ...), of any element type; for ECGs (n, L, C) and (n, K). Made with
// neither, it is empty. A handle: copies share the elements.
struct TensorDataset {
  Tensor x, y;

  // Records; throws where x and y have not as many rows.
  std::int64_t size() const {
    if (!x.defined() && !y.defined()) return 0;
    CORDIS_CHECK(x.defined() && y.defined() && x.rank() > 0 && y.rank() > 0 && x.size(0) == y.size(0),
                 "[dataset] x has shape ", x.shape(), ", y ", y.shape(), ": not as many labels as records");
    return x.size(0);
  }

  // Of records that may come in any order, and more than once.
  Batch gather(std::span<const std::int64_t> indices) const {
    for (const std::int64_t index : indices)
      CORDIS_CHECK(index >= 0 && index < size(), "[dataset] record ", index, " of ", size());
    if (size() == 0) return {x, y};
    return {gather_rows(x, indices), gather_rows(y, indices)};
  }
  // gather, as a dataset of its own.
  TensorDataset subset(const std::vector<std::int64_t>& indices) const {
    auto [rows, labels] = gather(indices);
    return {std::move(rows), std::move(labels)};
  }
};

// Records of a, then of b. An empty dataset made of nothing joins with any.
inline TensorDataset concatenate(const TensorDataset& a, const TensorDataset& b) {
  const std::int64_t n = a.size() + b.size();
  if (!a.x.defined()) return b;
  if (!b.x.defined()) return a;
  const auto join = [n](const char* what, const Tensor& first, const Tensor& second) {
    Shape shape{n}, other{n};
    for (int axis = 1; axis < first.rank(); ++axis) shape.append(first.size(axis));
    for (int axis = 1; axis < second.rank(); ++axis) other.append(second.size(axis));
    CORDIS_CHECK(shape == other && first.dtype() == second.dtype(), "[concatenate] ", what, " is ",
                 first.dtype(), ' ', first.shape(), " in one and ", second.dtype(), ' ', second.shape(),
                 " in the other");
    Tensor all(shape, first.dtype(), first.device());
    auto* to = static_cast<std::byte*>(all.raw());
    if (first.bytes()) std::memcpy(to, first.raw(), first.bytes());
    if (second.bytes()) std::memcpy(to + first.bytes(), second.raw(), second.bytes());
    return all;
  };
  return {join("x", a.x, b.x), join("y", a.y, b.y)};
}

}  // namespace cordis::inline CORDIS_ABI
