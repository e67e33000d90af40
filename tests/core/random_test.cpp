// tests/core/random_test.cpp: Philox and numpy's numbers, streams under any partition, distributions
#include <doctest/doctest.h>

#include <algorithm>
#include <cordis/core/random.hpp>
#include <set>
#include <thread>

#include "fixture.hpp"
#include "refusal.hpp"

using namespace cordis;

namespace {

const Fixture& stored() {
  static const Fixture fixture("numpy_permutation");
  return fixture;
}

template <std::size_t N>
std::array<std::uint32_t, N> words(const Tensor& table, std::int64_t row) {
  std::array<std::uint32_t, N> result;
  const Tensor range = table.rows(row, row + 1);
  const auto values = range.values<std::int64_t>();
  std::transform(values.begin(), values.end(), result.begin(),
                 [](std::int64_t word) { return static_cast<std::uint32_t>(word); });
  return result;
}

std::vector<double> list(const Tensor& x) {
  const Tensor wide = x.to(DType::f64);
  const auto values = wide.values<double>();
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("random: Philox gives the paper's known answers") {
  const auto &counter = stored().at("philox.counter"), &key = stored().at("philox.key"),
             &result = stored().at("philox.words");
  REQUIRE(counter.size(0) == 11);
  for (std::int64_t row = 0; row < counter.size(0); ++row) {
    CAPTURE(row);
    CHECK(philox(words<4>(counter, row), words<2>(key, row)) == words<4>(result, row));
  }
}

TEST_CASE("random: a stream's blocks are Philox of seed and index, all 64 bits of both") {
  const auto &counter = stored().at("philox.counter"), &key = stored().at("philox.key"),
             &result = stored().at("philox.words");
  int streams = 0;
  for (std::int64_t row = 0; row < counter.size(0); ++row) {
    const auto c = words<4>(counter, row);
    const auto k = words<2>(key, row);
    if (c[2] || c[3]) continue;
    ++streams;
    const std::uint64_t index = (std::uint64_t{c[1]} << 32) | c[0], seed = (std::uint64_t{k[1]} << 32) | k[0];
    const auto w = words<4>(result, row);
    CHECK(Generator::block(seed, index) == w);
    CHECK(Generator::uniform(seed, index) ==
          std::ldexp(static_cast<double>((w[0] * (std::uint64_t{1} << 21)) + (w[1] >> 11)), -53));
    const double u = std::ldexp(static_cast<double>((w[0] * (std::uint64_t{1} << 21)) + (w[1] >> 11) + 1),
                                -53),
                 v = std::ldexp(static_cast<double>((w[2] * (std::uint64_t{1} << 21)) + (w[3] >> 11)), -53);
    CHECK(Generator::normal(seed, index) ==
          doctest::Approx(std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.14159265358979323846 * v))
              .epsilon(1e-12));
  }
  CHECK(streams == 7);
}

TEST_CASE("random: the standard library's Mersenne Twister is numpy's") {
  const auto keys = stored().keys("mt19937.seed");
  REQUIRE(keys.size() == 4);
  for (const auto& key : keys) {
    std::mt19937 engine(static_cast<std::uint32_t>(std::stoull(key.substr(12))));
    for (const auto word : stored().at(key).values<std::int64_t>())
      CHECK(static_cast<std::int64_t>(engine()) == word);
  }
}

TEST_CASE("random: numpy's permutation, element for element") {
  const auto keys = stored().keys("permutation.seed");
  REQUIRE(keys.size() == 28);
  for (const auto& key : keys) {
    CAPTURE(key);
    const auto seed = static_cast<std::uint32_t>(std::stoull(key.substr(16)));
    const auto wanted = stored().at(key).values<std::int64_t>();
    const auto n = std::stoll(key.substr(key.find(".n") + 2));
    REQUIRE(n == static_cast<std::int64_t>(wanted.size()));
    const auto order = numpy_permutation(seed, n);
    CHECK(std::equal(order.begin(), order.end(), wanted.begin(), wanted.end()));
  }
  CHECK(numpy_permutation(3, 0).empty());
  CHECK(numpy_permutation(3, 1) == std::vector<std::int64_t>{0});
  CHECK(says(refusal([] { numpy_permutation(0, -1); }), {"[numpy_permutation]", "n = -1", "2^32 - 1"}));
  CHECK(says(refusal([] { numpy_permutation(0, std::int64_t{1} << 32); }), {"n = 4294967296"}));
}

TEST_CASE("random: a generator's place can be read, kept and sought") {
  Generator generator(99);
  CHECK(generator.seed() == 99);
  CHECK(generator.offset() == 0);
  std::vector<double> drawn;
  for (int i = 0; i < 10; ++i) drawn.push_back(generator.uniform());
  CHECK(generator.offset() == 10);
  for (const std::uint64_t place : {7U, 0U, 9U, 3U}) {
    generator.seek(place);
    CHECK(generator.uniform() == drawn[place]);
    CHECK(generator.offset() == place + 1);
    Generator resumed(99, place);
    CHECK(resumed.uniform() == drawn[place]);
  }
  generator.seek(5);
  CHECK(generator.take(100) == 5);
  CHECK(generator.take(0) == 105);
  CHECK(generator.offset() == 105);
  CHECK(generator.normal() == Generator::normal(99, 105));
  CHECK(std::set<double>(drawn.begin(), drawn.end()).size() == 10);
  CHECK(Generator(98).uniform() != drawn[0]);
  CHECK(Generator(99 + (std::uint64_t{1} << 32)).uniform() != drawn[0]);
  CHECK(Generator(99, std::uint64_t{1} << 32).uniform() != drawn[0]);
}

TEST_CASE("random: filled tensors do not depend on how the work is cut") {
  for (const bool normal : {false, true})
    for (const auto dtype : {DType::f32, DType::f64}) {
      const auto fill = [&](Tensor x, Generator& generator) {
        if (normal)
          fill_normal(x, -1, 2, generator);
        else
          fill_uniform(x, -3, 5, generator);
      };
      Tensor whole({101, 3}, dtype), wide({101, 3}, DType::f64);
      Generator generator(7, 1000), other(7, 1000);
      fill(whole, generator);
      CHECK(generator.offset() == 1303);
      fill(wide, other);
      for (std::size_t i = 0; i < 303; ++i) {  // in f32 the same numbers, rounded
        const double value = list(wide)[i];
        REQUIRE(list(whole)[i] ==
                (dtype == DType::f64 ? value : static_cast<double>(static_cast<float>(value))));
        REQUIRE(value == (normal ? -1 + 2 * Generator::normal(7, 1000 + i)
                                 : -3 + 8 * Generator::uniform(7, 1000 + i)));
      }

      Tensor parts({101, 3}, dtype);
      std::int64_t begin = 101;
      for (const std::int64_t rows : {1, 40, 13, 0, 47}) {  // back to front
        begin -= rows;
        Generator part(7, 1000 + 3 * static_cast<std::uint64_t>(begin));
        fill(parts.rows(begin, begin + rows), part);
      }
      REQUIRE(begin == 0);
      CHECK(list(parts) == list(whole));
    }
  Tensor labels({3}, DType::i64), nothing({0});
  Generator generator(1);
  CHECK(says(refusal([&] { fill_uniform(labels, 0, 1, generator); }), {"[fill_uniform]", "i64"}));
  CHECK(says(refusal([&] { fill_normal(labels, 0, 1, generator); }), {"[fill_normal]", "i64"}));
  generator.seek(4);
  CHECK(&fill_uniform(nothing, 0, 1, generator) == &nothing);
  CHECK(generator.offset() == 4);
}

TEST_CASE("random: moments and range of uniform and normal numbers") {
  constexpr int n = 200000;
  Generator generator(2024);
  double sum[2] = {}, square[2] = {}, fourth[2] = {}, product = 0, before = 0, low = 1, high = 0;
  for (int i = 0; i < n; ++i) {
    const double u = generator.uniform(), z = generator.normal();
    low = std::min(low, u), high = std::max(high, u);
    product += (u - 0.5) * before;
    before = u - 0.5;
    for (const int k : {0, 1}) {
      const double x = k ? z : u - 0.5;
      sum[k] += x, square[k] += x * x, fourth[k] += x * x * x * x;
    }
  }
  CHECK(low >= 0);
  CHECK(low < 1e-4);
  CHECK(high < 1);
  CHECK(high > 1 - 1e-4);
  // Five standard errors of each mean.
  CHECK(std::abs(sum[0] / n) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(square[0] / n == doctest::Approx(1.0 / 12).epsilon(0.01));
  CHECK(fourth[0] / n == doctest::Approx(1.0 / 80).epsilon(0.02));
  CHECK(std::abs(product / n) < 5.0 / 12 / std::sqrt(n));
  CHECK(std::abs(sum[1] / n) < 5 / std::sqrt(n));
  CHECK(square[1] / n == doctest::Approx(1).epsilon(0.02));
  CHECK(fourth[1] / n == doctest::Approx(3).epsilon(0.05));
}

TEST_CASE("random: below is in range, even, and draws again past the last whole multiple") {
  Generator generator(5);
  for (int i = 0; i < 100; ++i) CHECK(generator.below(1) == 0);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts.at(generator.below(7));
  for (const int count : counts) CHECK(std::abs(count - 10000) < 500);

  // Of 2^64 values the first 2^63 + 1 are used, each once: about every second draw is thrown away.
  constexpr std::uint64_t bound = (std::uint64_t{1} << 63) + 1;
  generator.seek(0);
  std::uint64_t place = 0;
  for (int i = 0; i < 100; ++i) {
    std::uint64_t value = 0;
    do {
      const auto w = Generator::block(5, place++);
      value = (std::uint64_t{w[0]} << 32) | w[1];
    } while (value >= bound);
    CHECK(generator.below(bound) == value);
    CHECK(generator.offset() == place);
  }
  CHECK(place > 150);
  CHECK(generator.below(UINT64_MAX) < UINT64_MAX);
  CHECK(says(refusal([&] { generator.below(0); }), {"[random]", "below(0)"}));
}

TEST_CASE("random: permutation holds every index once, every order as often") {
  Generator generator(11);
  for (const std::int64_t n : {0, 1, 2, 3, 97, 1000}) {
    auto order = permutation(n, generator);
    CHECK(static_cast<std::int64_t>(order.size()) == n);
    if (n == 1000) CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
    std::sort(order.begin(), order.end());
    for (std::int64_t i = 0; i < n; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
  }
  std::map<std::vector<std::int64_t>, int> counts;
  for (int i = 0; i < 24000; ++i) ++counts[permutation(4, generator)];
  CHECK(counts.size() == 24);
  for (const auto& [order, count] : counts) CHECK(std::abs(count - 1000) < 160);

  Generator one(3), same(3), other(4);
  const auto order = permutation(50, one);
  CHECK(permutation(50, same) == order);
  CHECK(permutation(50, other) != order);
  CHECK(permutation(50, one) != order);
  CHECK(says(refusal([&] { permutation(-1, one); }), {"[permutation]", "-1"}));
}

TEST_CASE("random: every thread has a default generator of its own") {
  seed(77);
  const double first = default_generator().uniform();
  CHECK(first == Generator::uniform(77, 0));
  double elsewhere = 0;
  std::thread([&] { elsewhere = default_generator().uniform(); }).join();
  CHECK(elsewhere == Generator::uniform(0, 0));
  CHECK(default_generator().offset() == 1);
  Tensor x({4});
  fill_uniform(x, 0, 1);
  CHECK(default_generator().offset() == 5);
  CHECK(list(x)[0] == static_cast<double>(static_cast<float>(Generator::uniform(77, 1))));
  fill_normal(x, 0, 1);
  CHECK(list(x)[0] == static_cast<double>(static_cast<float>(Generator::normal(77, 5))));
  seed(77);
  CHECK(default_generator().uniform() == first);
  seed(0);
}

TEST_CASE("random: mixed seeds differ for every pair, and from the streams themselves") {
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    for (std::uint64_t stream = 0; stream < 40; ++stream) {
      seen.insert(mix_seed(seed, stream));
      const auto w = Generator::block(seed, stream);
      seen.insert((std::uint64_t{w[0]} << 32) | w[1]);
    }
  constexpr std::uint64_t high = std::uint64_t{1} << 32;
  for (const auto value : {mix_seed(high, 1), mix_seed(1, high), mix_seed(high, high)}) seen.insert(value);
  CHECK(seen.size() == 2 * 40 * 40 + 3);
  CHECK(mix_seed(3, 9) == mix_seed(3, 9));
}
