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

// Yields the element of an array that broadcasts to a shape, for an element of that shape in row-major order.
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
      parallel_elements(y.numel(), [=](std::int64_t begin, std::int64_t end) {
        for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
          store_first(out + i, Kind::of(load_first(left + i, lanes), load_first(right + i, lanes)), lanes);
        });
      });
      return;
    }
    // Row by row of the last axis: an operand runs along it, or stands still.
    const BroadcastIndex ia(y.shape(), a.shape()), ib(y.shape(), b.shape());
    const std::int64_t n = y.size(-1), rows = n ? y.numel() / n : 0;
    const bool runs = a.rank() > 0 && a.size(-1) == n, other_runs = b.rank() > 0 && b.size(-1) == n;
    RowChunks(rows, n).run([&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t row = begin; row < end; ++row) {
        const T *l = left + ia(row * n), *r = right + ib(row * n);
        for_lanes<T>(0, n, [&](std::int64_t i, auto lanes) {
          const Vec<T> u = runs ? load_first(l + i, lanes) : splat(*l);
          const Vec<T> v = other_runs ? load_first(r + i, lanes) : splat(*r);
          store_first(out + row * n + i, Kind::of(u, v), lanes);
        });
      }
    });
  });
}

// The adjoint of broadcasting: sums x over the axes that `sum` repeats along, in double, in order.
inline void reduce_to(Cpu, Tensor& sum, const Tensor& x) {
  dispatch_float(x.dtype(), "arithmetic", [&]<class T>() {
    std::vector<double> total(static_cast<std::size_t>(sum.numel()), 0.0);
    const BroadcastIndex index(x.shape(), sum.shape());
    const T* term = x.data<T>();
    const std::int64_t n = x.rank() ? x.size(-1) : 1, rows = n ? x.numel() / n : 0;
    const std::int64_t step = sum.rank() > 0 && sum.size(-1) == n ? 1 : 0;
    for (std::int64_t row = 0; row < rows; ++row) {
      double* into = total.data() + index(row * n);
      for (std::int64_t i = 0; i < n; ++i) into[i * step] += static_cast<double>(term[row * n + i]);
    }
    std::transform(total.begin(), total.end(), sum.data<T>(),
                   [](double value) { return static_cast<T>(value); });
  });
}

}  // namespace cordis::inline CORDIS_ABI
