// kernels/update.cuh: optimizer steps, all tensors of a step in a few launches
#pragma once

#include <cmath>
#include <cordis/cuda/graph.hpp>
#include <cordis/cuda/update.hpp>

#include "tensors.cuh"

namespace cordis::inline CORDIS_ABI {

namespace detail {

template <class T>
struct SgdItem {
  T *p, *v;
  const T* g;
  T lr, momentum, fresh, decay;
  bool nesterov, first;

  static SgdItem of(const SgdUpdate& u) {
    return {u.p.data<T>(),
            u.v.defined() ? u.v.data<T>() : nullptr,
            u.g.data<T>(),
            static_cast<T>(u.lr),
            static_cast<T>(u.momentum),
            static_cast<T>(1 - u.dampening),
            static_cast<T>(u.weight_decay),
            u.nesterov,
            u.first};
  }
  __device__ void step(std::int64_t i) const {
    const T before = p[i];
    T d = g[i] + decay * before;
    if (v) {
      const T velocity = first ? d : momentum * v[i] + fresh * d;
      v[i] = velocity;
      d = nesterov ? d + momentum * velocity : velocity;
    }
    p[i] = before - lr * d;
  }
};

template <class T>
struct AdamItem {
  T *p, *m, *v;
  const T* g;
  T size, correction, keep, decay, one_minus_beta1, beta2, one_minus_beta2, eps;

  static AdamItem of(const AdamUpdate& u) {
    const double t = static_cast<double>(u.step);
    return {u.p.data<T>(),
            u.m.data<T>(),
            u.v.data<T>(),
            u.g.data<T>(),
            static_cast<T>(u.lr / (1 - std::pow(u.beta1, t))),
            static_cast<T>(std::sqrt(1 - std::pow(u.beta2, t))),
            u.decoupled ? static_cast<T>(1 - u.lr * u.weight_decay) : T{1},
            u.decoupled ? T{0} : static_cast<T>(u.weight_decay),
            static_cast<T>(1 - u.beta1),
            static_cast<T>(u.beta2),
            static_cast<T>(1 - u.beta2),
            static_cast<T>(u.eps)};
  }
  __device__ void step(std::int64_t i) const {
    const T before = p[i] * keep, d = g[i] + decay * before;
    T mean = m[i], square = v[i];
    mean += one_minus_beta1 * (d - mean);
    square = beta2 * square + one_minus_beta2 * d * d;
    m[i] = mean;
    v[i] = square;
    p[i] = before - size * (mean / (std::sqrt(square) / correction + eps));
  }
};

template <class Item>
__global__ void __launch_bounds__(kBlock) update_kernel(TensorList<Item> list) {
  list.for_elements([](const Item& item, std::int64_t i) { item.step(i); });
}

template <template <class> class Item, class Update>
void update_all(Cuda device, const char* name, std::span<const Update> updates) {
  CORDIS_CHECK(!recording(), "[", name, "] in a recorded graph each launch would be the same step");
  for (const DType dtype : {DType::f32, DType::f64})
    dispatch_float(dtype, name, [&]<class T>() {
      for_tensor_lists<Item<T>>(
          updates, [](const Update& u) { return Item<T>::of(u); },
          [&](const Update& u) { return u.p.dtype() == dtype ? u.p.numel() : 0; },
          [&](const TensorList<Item<T>>& list, int blocks) {
            run(device, name, update_kernel<Item<T>>, blocks, kBlock, 0, list);
          });
    });
}

}  // namespace detail

void sgd_update(Cuda device, std::span<const SgdUpdate> updates) {
  detail::update_all<detail::SgdItem>(device, "sgd", updates);
}

void adam_update(Cuda device, std::span<const AdamUpdate> updates) {
  detail::update_all<detail::AdamItem>(device, "adam", updates);
}

}  // namespace cordis::inline CORDIS_ABI
