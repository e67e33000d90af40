// cordis/cpu/arithmetic.hpp: kernels of op/arithmetic.hpp
#pragma once

#include <array>
#include <cordis/cpu/accumulate.hpp>

namespace cordis::inline CORDIS_ABI {

struct Add {
  template <class T>
  static T of(T a, T b) {
    return a + b;
  }
};
struct Subtract {
  template <class T>
  static T of(T a, T b) {
    return a - b;
  }
};
struct Multiply {
  template <class T>
  static T of(T a, T b) {
    return a * b;
  }
};

// Walks a shape in row-major order and yields the matching element of an array that broadcasts to it.
class BroadcastIndex {
 public:
  BroadcastIndex(const Shape& to, const Shape& from) : to_(to) {
    std::int64_t stride = 1;
    for (int axis = -1; axis >= -from.rank(); --axis) {
      strides_[slot(axis)] = from[axis] == 1 ? 0 : stride;
      stride *= from[axis];
    }
  }
  std::int64_t operator()(std::int64_t i) const {
    std::int64_t offset = 0;
    for (int axis = -1; axis >= -to_.rank(); --axis) {
      offset += i % to_[axis] * strides_[slot(axis)];
      i /= to_[axis];
    }
    return offset;
  }

 private:
  static std::size_t slot(int axis) { return static_cast<std::size_t>(axis + Shape::kMaxRank); }
  Shape to_;
  std::array<std::int64_t, Shape::kMaxRank> strides_{};
};

// y: the broadcast shape of a and b. y may alias an operand of its own shape.
template <class Kind>
void broadcast_binary(Cpu, Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_float(y.dtype(), "arithmetic", [&]<class T>() {
    T* out = y.data<T>();
    const T *left = a.data<T>(), *right = b.data<T>();
    if (a.shape() == b.shape()) {
      parallel_elements(y.numel(), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) out[i] = Kind::of(left[i], right[i]);
      });
      return;
    }
    const BroadcastIndex ia(y.shape(), a.shape()), ib(y.shape(), b.shape());
    parallel_elements(y.numel(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = Kind::of(left[ia(i)], right[ib(i)]);
    });
  });
}

// The adjoint of broadcasting: sums x over the axes that `sum` repeats along, in double, in order.
inline void reduce_to(Cpu, Tensor& sum, const Tensor& x) {
  dispatch_float(x.dtype(), "arithmetic", [&]<class T>() {
    std::vector<double> total(static_cast<std::size_t>(sum.numel()), 0.0);
    const BroadcastIndex index(x.shape(), sum.shape());
    const T* term = x.data<T>();
    for (std::int64_t i = 0; i < x.numel(); ++i)
      total[static_cast<std::size_t>(index(i))] += static_cast<double>(term[i]);
    std::transform(total.begin(), total.end(), sum.data<T>(),
                   [](double value) { return static_cast<T>(value); });
  });
}

}  // namespace cordis::inline CORDIS_ABI
