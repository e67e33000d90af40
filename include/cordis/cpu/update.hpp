// cordis/cpu/update.hpp: optimizer steps, one fused pass over all tensors of a step
// Bound by memory: each element is read and written once, in vectors. The tensors count as one long array
// that is cut evenly among threads, so that the many small ones cost no thread of their own.
#pragma once

#include <cmath>
#include <cordis/contract/update.hpp>
#include <cordis/cpu/accumulate.hpp>
#include <span>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cordis::inline CORDIS_ABI {

namespace detail {

// Lane by lane; std::sqrt, which has to set errno, is not made a vector instruction.
template <class T>
[[gnu::always_inline]] inline Vec<T> square_root(Vec<T> x) {
  constexpr bool kFloat = std::is_same_v<T, float>;
#if defined(__AVX512F__)
  if constexpr (kFloat)
    return Vec<T>(_mm512_sqrt_ps(__m512(x)));
  else
    return Vec<T>(_mm512_sqrt_pd(__m512d(x)));
#elif defined(__AVX__)
  if constexpr (kFloat)
    return Vec<T>(_mm256_sqrt_ps(__m256(x)));
  else
    return Vec<T>(_mm256_sqrt_pd(__m256d(x)));
#elif defined(__x86_64__)
  if constexpr (kFloat)
    return Vec<T>(_mm_sqrt_ps(__m128(x)));
  else
    return Vec<T>(_mm_sqrt_pd(__m128d(x)));
#else
  for (int i = 0; i < kLanes<T>; ++i) x[i] = std::sqrt(x[i]);
  return x;
#endif
}

// Calls f(update, begin, end) for ranges of elements that cover each update's p.
template <class Update, class F>
void for_updates(std::span<const Update> updates, F&& f) {
  constexpr std::int64_t kGrain = 4096;
  std::int64_t total = 0;
  for (const auto& each : updates) total += each.p.numel();
  const std::int64_t chunks = (total + kGrain - 1) / kGrain;
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    std::int64_t from = 0;  // where the update starts in the long array
    for (const auto& each : updates) {
      const std::int64_t n = each.p.numel(), first = std::max(begin, from), last = std::min(end, from + n);
      if (first < last) f(each, first - from, last - from);
      from += n;
    }
  };
  if (total < kPointwiseGrain) return range(0, total);
  parallel_for(chunks, [&](std::int64_t begin, std::int64_t end, int) {
    range(begin * kGrain, std::min(total, end * kGrain));
  });
}

}  // namespace detail

inline void sgd_update(Cpu, std::span<const SgdUpdate> updates) {
  detail::for_updates(updates, [](const SgdUpdate& u, std::int64_t begin, std::int64_t end) {
    dispatch_float(u.p.dtype(), "sgd", [&]<class T>() {
      T *value = u.p.data<T>(), *velocity = u.v.defined() ? u.v.data<T>() : nullptr;
      const T* gradient = u.g.data<T>();
      const T lr = static_cast<T>(u.lr), momentum = static_cast<T>(u.momentum),
              decay = static_cast<T>(u.weight_decay), fresh = static_cast<T>(1 - u.dampening);
      const bool first = u.first, nesterov = u.nesterov;
      for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
        const Vec<T> before = load_first(value + i, lanes);
        Vec<T> d = load_first(gradient + i, lanes) + decay * before;
        if (velocity) {
          const Vec<T> v = first ? d : momentum * load_first(velocity + i, lanes) + fresh * d;
          store_first(velocity + i, v, lanes);
          d = nesterov ? d + momentum * v : v;
        }
        store_first(value + i, before - lr * d, lanes);
      });
    });
  });
}

inline void adam_update(Cpu, std::span<const AdamUpdate> updates) {
  detail::for_updates(updates, [](const AdamUpdate& u, std::int64_t begin, std::int64_t end) {
    dispatch_float(u.p.dtype(), "adam", [&]<class T>() {
      T *value = u.p.data<T>(), *mean = u.m.data<T>(), *square = u.v.data<T>();
      const T* gradient = u.g.data<T>();
      const double t = static_cast<double>(u.step);
      const T size = static_cast<T>(u.lr / (1 - std::pow(u.beta1, t)));
      const T correction = static_cast<T>(std::sqrt(1 - std::pow(u.beta2, t)));
      const T keep = u.decoupled ? static_cast<T>(1 - u.lr * u.weight_decay) : T{1};
      const T decay = u.decoupled ? T{0} : static_cast<T>(u.weight_decay);
      const T one_minus_beta1 = static_cast<T>(1 - u.beta1), beta2 = static_cast<T>(u.beta2);
      const T one_minus_beta2 = static_cast<T>(1 - u.beta2), eps = static_cast<T>(u.eps);
      for_lanes<T>(begin, end, [=](std::int64_t i, auto lanes) {
        const Vec<T> before = load_first(value + i, lanes) * keep;
        const Vec<T> d = load_first(gradient + i, lanes) + decay * before;
        Vec<T> m = load_first(mean + i, lanes), v = load_first(square + i, lanes);
        m += one_minus_beta1 * (d - m);
        v = beta2 * v + one_minus_beta2 * d * d;
        store_first(mean + i, m, lanes);
        store_first(square + i, v, lanes);
        store_first(value + i, before - size * (m / (detail::square_root<T>(v) / correction + eps)), lanes);
      });
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
