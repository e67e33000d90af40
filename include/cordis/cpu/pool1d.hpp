// cordis/cpu/pool1d.hpp: kernels of op/pool1d.hpp
// A row of channels at a time: bound by memory, each output row is written once, from the rows of its window,
// which the cache still holds. A winner is one byte: its place in the window.
#pragma once

#include <cordis/contract/pool1d.hpp>
#include <cordis/cpu/accumulate.hpp>

namespace cordis::inline CORDIS_ABI {

namespace detail {
template <class T, class Place>
struct PlacesOf {
  typedef Place type __attribute__((vector_size(kLanes<T> * sizeof(Place))));
};
template <class T, class Place>
using Places = typename PlacesOf<T, Place>::type;
}  // namespace detail

// y: (N, L_out, C); winner: of each element of y the place in its window, winner_bytes(kernel) each, or empty
// where none is wanted; x: (N, L, C).
inline void max_pool1d_forward(Cpu, Tensor& y, const Storage& winner, const Tensor& x,
                               const MaxPool1dOptions& options) {
  dispatch_float(x.dtype(), "max_pool1d", [&]<class T>() {
    dispatch_winner(options.kernel, [&]<class Place>() {
      using Lane = std::remove_cvref_t<decltype(VecBits<T>{}[0])>;
      const std::int64_t L = x.size(1), C = x.size(2), L_out = y.size(1),
                         window = std::min(options.kernel, L);
      const T* in = x.data<T>();
      T* out = y.data<T>();
      auto* places = static_cast<Place*>(winner.data());
      RowChunks(x.size(0) * L_out, C * window).run([=](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t row = begin; row < end; ++row) {
          const T* record = in + row / L_out * L * C;
          const std::int64_t start = row % L_out * options.stride - options.padding;
          // Of those within the record.
          const std::int64_t dilation = options.dilation,
                             first = start < 0 ? (-start + dilation - 1) / dilation : 0;
          std::int64_t last = options.kernel - 1;
          if (start + last * dilation >= L) last = (L - 1 - start) / dilation;
          for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
            const auto sample = [=](std::int64_t k) {
              return load_first(record + (start + k * dilation) * C + c, lanes);
            };
            Vec<T> best = sample(first);
            VecBits<T> at = VecBits<T>{} + static_cast<Lane>(first);
            for (std::int64_t k = first + 1; k <= last; ++k) {
              const Vec<T> v = sample(k);
              const VecBits<T> better = (v > best) | (v != v);
              best = better ? v : best;
              at = better ? VecBits<T>{} + static_cast<Lane>(k) : at;
            }
            store_first(out + row * C + c, best, lanes);
            if (!places) return;
            const auto narrow = __builtin_convertvector(at, detail::Places<T, Place>);
            std::memcpy(places + row * C + c, &narrow, static_cast<std::size_t>(lanes) * sizeof(Place));
          });
        }
      });
    });
  });
}

// dx: (N, L, C); dy: (N, L_out, C); winner: as forward wrote it. Each sample sums over the windows it won,
// the first window first.
inline void max_pool1d_backward(Cpu, Tensor& dx, const Tensor& dy, const Storage& winner,
                                const MaxPool1dOptions& options) {
  dispatch_float(dx.dtype(), "max_pool1d", [&]<class T>() {
    dispatch_winner(options.kernel, [&]<class Place>() {
      using Lane = std::remove_cvref_t<decltype(VecBits<T>{}[0])>;
      const std::int64_t L = dx.size(1), C = dx.size(2), L_out = dy.size(1);
      T* out = dx.data<T>();
      const T* upstream = dy.data<T>();
      const auto* places = static_cast<const Place*>(winner.data());
      const std::int64_t kernel = options.kernel, stride = options.stride, dilation = options.dilation,
                         window = std::min(kernel, L);
      RowChunks(dx.size(0) * L, C * window).run([=](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int64_t record = row / L * L_out, l = row % L + options.padding;
          T* sum = out + row * C;
          bool written = false;
          const auto add = [&](std::int64_t k, std::int64_t o) {
            if (o < 0 || o >= L_out) return;
            const T* d = upstream + (record + o) * C;
            const Place* at = places + (record + o) * C;
            for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
              detail::Places<T, Place> narrow{};
              std::memcpy(&narrow, at + c, static_cast<std::size_t>(lanes) * sizeof(Place));
#if defined(__x86_64__) && !defined(__clang__)  // g++ would make the load and the widening one, lane by lane
              if constexpr (sizeof narrow == 16 || sizeof narrow == 8) asm("" : "+x"(narrow));
#endif
              const auto won = __builtin_convertvector(narrow, VecBits<T>) == static_cast<Lane>(k);
              const Vec<T> term = won ? load_first(d + c, lanes) : Vec<T>{};
              store_first(sum + c, written ? load_first(sum + c, lanes) + term : term, lanes);
            });
            written = true;
          };
          // Sample l is at place k of window o where l = o stride + k dilation: later places, earlier
          // windows.
          if (dilation == 1) {
            const std::int64_t o = l / stride, k = l % stride;
            for (std::int64_t j = (kernel - 1 - k + stride) / stride - 1; j >= 0; --j)
              add(k + j * stride, o - j);
          } else {
            for (std::int64_t k = kernel - 1; k >= 0; --k)
              if ((l - k * dilation) % stride == 0) add(k, (l - k * dilation) / stride);
          }
          if (!written) std::fill_n(sum, C, T{0});
        }
      });
    });
  });
}

// y: (N, C); x: (N, L, C).
inline void global_avg_pool1d_forward(Cpu, Tensor& y, const Tensor& x) {
  dispatch_float(x.dtype(), "global_avg_pool1d", [&]<class T>() {
    const std::int64_t L = x.size(1), C = x.size(2);
    const T *in = x.data<T>(), length = static_cast<T>(L);
    T* out = y.data<T>();
    RowChunks(x.size(0), L * C, 1).run([=](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t n = begin; n < end; ++n) {
        const T* record = in + n * L * C;
        for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
          Vec<T> sum{};
          for (std::int64_t l = 0; l < L; ++l) sum += load_first(record + l * C + c, lanes);
          store_first(out + n * C + c, sum / length, lanes);
        });
      }
    });
  });
}

// dx: (N, L, C); dy: (N, C).
inline void global_avg_pool1d_backward(Cpu, Tensor& dx, const Tensor& dy) {
  dispatch_float(dy.dtype(), "global_avg_pool1d", [&]<class T>() {
    const std::int64_t L = dx.size(1), C = dx.size(2);
    const T *upstream = dy.data<T>(), length = static_cast<T>(L);
    T* out = dx.data<T>();
    RowChunks(dx.size(0), L * C, 1).run([=](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t n = begin; n < end; ++n) {
        T* record = out + n * L * C;
        for_lanes<T>(0, C, [=](std::int64_t c, auto lanes) {
          const Vec<T> share = load_first(upstream + n * C + c, lanes) / length;
          for (std::int64_t l = 0; l < L; ++l) store_first(record + l * C + c, share, lanes);
        });
      }
    });
  });
}

}  // namespace cordis::inline CORDIS_ABI
