// cordis/core/shape.hpp: up to four extents by value
#pragma once

#include <algorithm>
#include <array>
#include <cordis/config.hpp>
#include <cstdint>
#include <initializer_list>
#include <ostream>

namespace cordis::inline CORDIS_ABI {

// Extents of a contiguous, row-major array. The empty shape () is a scalar: one element.
class Shape {
 public:
  static constexpr int kMaxRank = 4;  // the most extents

  Shape() = default;
  // Shape{2, 1000, 12}; throws for more than kMaxRank extents, negative ones, and more elements than fit in
  // 63 bits.
  Shape(std::initializer_list<std::int64_t> extents) {
    CORDIS_CHECK(extents.size() <= kMaxRank, "[shape] ", extents.size(), " extents, at most ", kMaxRank,
                 " are supported");
    for (auto extent : extents) append(extent);
  }

  int rank() const { return rank_; }  // how many extents

  // Negative axes count from the end, as in PyTorch.
  std::int64_t operator[](int axis) const {
    const int i = axis < 0 ? axis + rank_ : axis;
    CORDIS_CHECK(i >= 0 && i < rank_, "[shape] axis ", axis, " of ", *this);
    return extents_[static_cast<std::size_t>(i)];
  }
  std::int64_t numel() const { return numel_; }  // their product, 1 for a scalar

  // One more extent behind the others; throws as the constructor does.
  Shape& append(std::int64_t extent) {
    CORDIS_CHECK(rank_ < kMaxRank, "[shape] ", *this, " has ", kMaxRank, " extents already");
    CORDIS_CHECK(extent >= 0, "[shape] negative extent ", extent);
    // The largest array whose byte count fits 63 bits for eight-byte elements. Axes of no elements do not
    // make room for others: the product of some of the extents has to fit as well.
    constexpr std::int64_t limit = INT64_MAX / 8;
    std::int64_t product = 1;
    for (int axis = 0; axis < rank_; ++axis)
      product *= std::max<std::int64_t>(1, extents_[static_cast<std::size_t>(axis)]);
    CORDIS_CHECK(
        !__builtin_mul_overflow(product, std::max<std::int64_t>(1, extent), &product) && product <= limit,
        "[shape] ", *this, " times ", extent, " elements overflow 64 bits");
    extents_[static_cast<std::size_t>(rank_++)] = extent;
    numel_ *= extent;
    return *this;
  }

  // the same extents
  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

  // "(2, 1000, 12)"
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    out << '(';
    for (int i = 0; i < shape.rank_; ++i)
      out << (i ? ", " : "") << shape.extents_[static_cast<std::size_t>(i)];
    return out << (shape.rank_ == 1 ? ",)" : ")");
  }

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  std::int64_t numel_ = 1;
  int rank_ = 0;
};

}  // namespace cordis::inline CORDIS_ABI
