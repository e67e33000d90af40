// kernels/arithmetic.cuh: add, subtract, multiply with broadcasting, and its adjoint
#pragma once

#include <cordis/cuda/arithmetic.hpp>

#include "device.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

template <class Kind>
struct BinaryOf;
template <>
struct BinaryOf<Add> {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
template <>
struct BinaryOf<Subtract> {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a - b;
  }
};
template <>
struct BinaryOf<Multiply> {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a * b;
  }
};

// Extents and strides, last axis first.
struct Walk {
  std::int64_t extent[Shape::kMaxRank], stride[Shape::kMaxRank];
  int rank = 0;
  void append(std::int64_t e, std::int64_t s) { extent[rank] = e, stride[rank++] = s; }
  __device__ std::int64_t offset(std::int64_t i) const {
    std::int64_t sum = 0;
#pragma unroll
    for (int axis = 0; axis < Shape::kMaxRank; ++axis)
      if (axis < rank) {
        sum += i % extent[axis] * stride[axis];
        i /= extent[axis];
      }
    return sum;
  }
};

// The steps through `from` that broadcast it to `to`.
inline Walk broadcast_walk(const Shape& to, const Shape& from) {
  Walk walk;
  std::int64_t stride = 1;
  for (int axis = -1; axis >= -to.rank(); --axis) {
    const std::int64_t own = axis < -from.rank() ? 1 : from[axis];
    walk.append(to[axis], own == 1 ? 0 : stride);
    stride *= own;
  }
  return walk;
}

template <class T, class Op>
__global__ void __launch_bounds__(kBlock)
    broadcast_kernel(std::int64_t n, T* y, const T* a, const T* b, Walk wa, Walk wb, Op op) {
  for (std::int64_t i = first_element(); i < n; i += element_step())
    y[i] = op(a[wa.offset(i)], b[wb.offset(i)]);
}

// partial[split, o] = the sum, over the split's share of `repeats`, of x at kept(o) + gone(r). One block for
// each (o, split), or one thread where repeats are few.
template <class T>
__global__ void __launch_bounds__(kBlock)
    reduce_block_kernel(double* partial, const T* x, Walk kept, Walk gone, std::int64_t outputs,
                        std::int64_t repeats, std::int64_t share) {
  __shared__ double warps[32];
  for (std::int64_t o = blockIdx.x; o < outputs; o += gridDim.x) {
    const T* from = x + kept.offset(o);
    const std::int64_t begin = blockIdx.y * share, end = begin + share < repeats ? begin + share : repeats;
    double sum = 0;
    for (std::int64_t r = begin + threadIdx.x; r < end; r += kBlock)
      sum += static_cast<double>(from[gone.offset(r)]);
    sum = block_sum(warps, sum);
    if (threadIdx.x == 0) partial[blockIdx.y * outputs + o] = sum;
  }
}
template <class T>
__global__ void __launch_bounds__(kBlock) reduce_thread_kernel(T* sum, const T* x, Walk kept, Walk gone,
                                                               std::int64_t outputs, std::int64_t repeats) {
  for (std::int64_t o = first_element(); o < outputs; o += element_step()) {
    const T* from = x + kept.offset(o);
    double total = 0;
    for (std::int64_t r = 0; r < repeats; ++r) total += static_cast<double>(from[gone.offset(r)]);
    sum[o] = static_cast<T>(total);
  }
}

}  // namespace detail

template <class Kind>
void broadcast_binary(Cuda device, Tensor& y, const Tensor& a, const Tensor& b) {
  dispatch_float(y.dtype(), "arithmetic", [&]<class T>() {
    const T *left = a.data<T>(), *right = b.data<T>();
    using Op = detail::BinaryOf<Kind>;
    if (a.shape() == b.shape())
      return detail::map(device, "arithmetic", y.numel(), y.data<T>(), Op{}, left, right);
    if (y.numel() == 0) return;
    detail::run(device, "broadcast", detail::broadcast_kernel<T, Op>, detail::blocks_for(y.numel()),
                detail::kBlock, 0, y.numel(), y.data<T>(), left, right,
                detail::broadcast_walk(y.shape(), a.shape()), detail::broadcast_walk(y.shape(), b.shape()),
                Op{});
  });
}

void reduce_to(Cuda device, Tensor& sum, const Tensor& x) {
  const std::int64_t outputs = sum.numel();
  if (outputs == 0) return;
  if (x.numel() == 0) {
    sum.fill(0);
    return;
  }
  detail::Walk kept, gone;
  std::int64_t stride = 1, repeats = 1;
  for (int axis = -1; axis >= -x.rank(); --axis) {
    const std::int64_t extent = x.size(axis), own = axis < -sum.rank() ? 1 : sum.size(axis);
    if (own == extent)
      kept.append(extent, stride);
    else
      gone.append(extent, stride), repeats *= extent;
    stride *= extent;
  }
  dispatch_float(x.dtype(), "arithmetic", [&]<class T>() {
    const T* from = x.data<T>();
    if (repeats < 64) {
      detail::run(device, "reduce", detail::reduce_thread_kernel<T>, detail::blocks_for(outputs),
                  detail::kBlock, 0, sum.data<T>(), from, kept, gone, outputs, repeats);
      return;
    }
    const std::int64_t wish = std::max<std::int64_t>(1, 512 / outputs), most = (repeats + 4095) / 4096,
                       count = std::min(wish, most), share = (repeats + count - 1) / count;
    const int splits = static_cast<int>((repeats + share - 1) / share);
    const Tensor partial({splits, outputs}, DType::f64, x.device());
    detail::run(device, "reduce", detail::reduce_block_kernel<T>,
                dim3(static_cast<unsigned>(detail::blocks_for(outputs, 1)), static_cast<unsigned>(splits)),
                detail::kBlock, 0, partial.data<double>(), from, kept, gone, outputs, repeats, share);
    detail::run(device, "add_splits", detail::add_splits_kernel<T>, detail::blocks_for(outputs),
                detail::kBlock, 0, sum.data<T>(), partial.data<double>(), outputs, splits);
  });
}

template void broadcast_binary<Add>(Cuda, Tensor&, const Tensor&, const Tensor&);
template void broadcast_binary<Subtract>(Cuda, Tensor&, const Tensor&, const Tensor&);
template void broadcast_binary<Multiply>(Cuda, Tensor&, const Tensor&, const Tensor&);

}  // namespace cordis::inline CORDIS_ABI
