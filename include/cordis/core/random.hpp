// cordis/core/random.hpp: seekable random numbers (Philox), and numpy's permutation (MT19937)
#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <cordis/core/parallel.hpp>
#include <cordis/core/tensor.hpp>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <random>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four words that
// depend on key and counter alone, so that any device draws element i without drawing those before it.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                              std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// A stream of blocks of four words. Drawing a tensor takes numel blocks, element i from block i, so that the
// same stream comes out of any partition of the work.
class Generator {
 public:
  // The stream of a seed, from block `offset` on.
  explicit Generator(std::uint64_t seed = 0, std::uint64_t offset = 0) : seed_(seed), offset_(offset) {}

  std::uint64_t seed() const { return seed_; }           // that it was made with
  std::uint64_t offset() const { return offset_; }       // next block; with seed() the whole state
  void seek(std::uint64_t offset) { offset_ = offset; }  // on to this block, or back
  // Reserves `count` blocks and returns the first.
  std::uint64_t take(std::uint64_t count) { return std::exchange(offset_, offset_ + count); }

  // Block `index` of the stream: four words of 32 random bits.
  static constexpr std::array<std::uint32_t, 4> block(std::uint64_t seed, std::uint64_t index) {
    return philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0, 0},
                  {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  }

  // Uniform in [0, 1): the 53 high bits of words 0 and 1.
  static constexpr double uniform(std::uint64_t seed, std::uint64_t index) {
    const auto w = block(seed, index);
    return static_cast<double>(((std::uint64_t{w[0]} << 32) | w[1]) >> 11) * 0x1p-53;
  }
  // Standard normal by Box and Muller, from the block's two uniforms.
  static double normal(std::uint64_t seed, std::uint64_t index) {
    const auto w = block(seed, index);
    const double u =
        (static_cast<double>(((std::uint64_t{w[0]} << 32) | w[1]) >> 11) + 1) * 0x1p-53;  // (0, 1]
    const double v = static_cast<double>(((std::uint64_t{w[2]} << 32) | w[3]) >> 11) * 0x1p-53;
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

  double uniform() { return uniform(seed_, take(1)); }  // the next of [0, 1)
  double normal() { return normal(seed_, take(1)); }    // the next of N(0, 1)
  // An integer in [0, bound), without bias: values past the last whole multiple of bound are drawn again.
  std::uint64_t below(std::uint64_t bound) {
    CORDIS_CHECK(bound > 0, "[random] below(0)");
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    while (true) {
      const auto w = block(seed_, take(1));
      const std::uint64_t value = (std::uint64_t{w[0]} << 32) | w[1];
      if (value < limit) return value % bound;
    }
  }

 private:
  std::uint64_t seed_;
  std::uint64_t offset_;
};

// The generator that initialisation and dropout draw from where none is given; one for each thread.
inline Generator& default_generator() {
  thread_local Generator generator{0};
  return generator;
}
// Starts this thread's default generator anew.
inline void seed(std::uint64_t value) { default_generator() = Generator(value); }

// Another seed for each pair, far apart for near inputs.
inline std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t stream) {
  const auto w =
      philox({static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32), 0x5EED, 0},
             {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return (std::uint64_t{w[0]} << 32) | w[1];
}

namespace detail {
// Element i from draw(seed, first block + i), in parallel: the same elements for any number of threads.
template <class Draw>
Tensor& fill_drawn(Tensor& x, const char* op, Generator& generator, double scale, double shift, Draw draw) {
  constexpr std::int64_t kRun = 4096;
  if (x.device() != Device::cpu()) {  // drawn here, so that the same elements come out on every device
    Tensor drawn(x.shape(), x.dtype());
    x.copy_from(fill_drawn(drawn, op, generator, scale, shift, draw));
    return x;
  }
  const std::int64_t n = x.numel();
  const std::uint64_t seed = generator.seed(), first = generator.take(static_cast<std::uint64_t>(n));
  dispatch_float(x.dtype(), op, [&]<class T>() {
    T* values = x.data<T>();
    parallel_for((n + kRun - 1) / kRun, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin * kRun; i < std::min(n, end * kRun); ++i)
        values[i] = static_cast<T>(shift + scale * draw(seed, first + static_cast<std::uint64_t>(i)));
    });
  });
  return x;
}
}  // namespace detail

// Each element uniform in [low, high); f32 or f64, on any device the same elements. Returns x.
inline Tensor& fill_uniform(Tensor& x, double low, double high, Generator& generator = default_generator()) {
  return detail::fill_drawn(x, "fill_uniform", generator, high - low, low,
                            [](auto seed, auto index) { return Generator::uniform(seed, index); });
}

// Each element from N(mean, deviation²); f32 or f64, on any device the same elements. Returns x.
inline Tensor& fill_normal(Tensor& x, double mean, double deviation,
                           Generator& generator = default_generator()) {
  return detail::fill_drawn(x, "fill_normal", generator, deviation, mean,
                            [](auto seed, auto index) { return Generator::normal(seed, index); });
}

// Fisher-Yates from the last element down.
inline std::vector<std::int64_t> permutation(std::int64_t n, Generator& generator) {
  CORDIS_CHECK(n >= 0, "[permutation] n = ", n, " is negative");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[generator.below(i + 1)]);
  return order;
}

// numpy.random.RandomState(seed).permutation(n), element for element: MT19937 seeded with one word, and an
// index below i + 1 drawn by masking and rejection (numpy's legacy `random_interval`).
inline std::vector<std::int64_t> numpy_permutation(std::uint32_t seed, std::int64_t n) {
  CORDIS_CHECK(n >= 0 && n <= INT64_C(0xFFFFFFFF), "[numpy_permutation] n = ", n, " is not in 0 .. 2^32 - 1");
  std::mt19937 engine(seed);
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i-- > 1;) {
    const auto mask = static_cast<std::uint32_t>(std::bit_ceil(i + 1) - 1);
    std::uint32_t j = 0;
    do j = static_cast<std::uint32_t>(engine()) & mask;
    while (j > i);
    std::swap(order[i], order[j]);
  }
  return order;
}

}  // namespace cordis::inline CORDIS_ABI
