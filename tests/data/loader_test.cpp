// tests/data/loader_test.cpp: order, batches and epochs; reading ahead changes nothing, not even errors
#include <doctest/doctest.h>

#include <cordis/data/loader.hpp>

#include "refusal.hpp"
#include "rows.hpp"

using namespace cordis;

namespace {

constexpr std::int64_t kAhead[] = {0, 1, 2, 5};

// n records that are their own numbers. Gathering `bad` throws.
struct Numbers {
  std::int64_t n = 0;
  std::int64_t bad = -1;
  std::shared_ptr<std::atomic<int>> gathered = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<std::atomic<std::thread::id>> reader = std::make_shared<std::atomic<std::thread::id>>();

  std::int64_t size() const { return n; }
  Batch gather(std::span<const std::int64_t> indices) const {
    ++*gathered;
    *reader = std::this_thread::get_id();
    if (std::ranges::count(indices, bad)) throw std::out_of_range(concat("record ", bad, " is unreadable"));
    const Tensor x = Tensor::of(Shape{std::ssize(indices)}, Rows(indices.begin(), indices.end()));
    return {x, x.to(DType::f64)};
  }
};

// What the loader gives, batch by batch.
std::vector<Rows> run(const Loader<Numbers>& loader) {
  std::vector<Rows> batches;
  for (const auto& [x, y] : loader) {
    batches.emplace_back(x.values<std::int64_t>().begin(), x.values<std::int64_t>().end());
    REQUIRE(y.shape() == x.shape());
    for (std::int64_t i = 0; i < x.numel(); ++i)
      CHECK(y.data<double>()[i] == static_cast<double>(x.data<std::int64_t>()[i]));
  }
  return batches;
}

}  // namespace

TEST_CASE("loader: each record once, in the announced order and number of batches") {
  for (const std::int64_t n : {0, 1, 2, 7, 8, 9, 64, 97})
    for (const std::int64_t batch : {1, 2, 3, 8, 97, 1000})
      for (const bool shuffle : {false, true}) {
        CAPTURE(n);
        CAPTURE(batch);
        const Loader loader(Numbers{n}, {.batch = batch, .shuffle = shuffle, .seed = 3, .prefetch = n % 3});
        const auto batches = run(loader);
        CHECK(std::ssize(batches) == loader.batches_per_epoch());
        CHECK(std::ssize(batches) == loader.batches());
        for (std::size_t i = 0; i + 1 < batches.size(); ++i) CHECK(std::ssize(batches[i]) == batch);
        Rows seen = joined(batches);
        CHECK(seen == loader.order());
        if (!shuffle) CHECK(seen == counting(n));
        std::ranges::sort(seen);
        CHECK(seen == counting(n));
      }
}

TEST_CASE("loader: the last batch is kept, dropped, or dropped below min_batch") {
  const auto sizes_of = [](std::int64_t n, bool drop_last, std::int64_t min_batch) {
    const Loader loader(Numbers{n}, {.batch = 4, .drop_last = drop_last, .min_batch = min_batch});
    const auto found = sizes(run(loader));
    CHECK(std::ssize(found) == loader.batches_per_epoch());
    return found;
  };
  CHECK(sizes_of(10, false, 1) == Rows{4, 4, 2});
  CHECK(sizes_of(10, true, 1) == Rows{4, 4});
  CHECK(sizes_of(10, false, 2) == Rows{4, 4, 2});
  CHECK(sizes_of(10, false, 3) == Rows{4, 4});
  CHECK(sizes_of(9, false, 2) == Rows{4, 4});
  CHECK(sizes_of(8, true, 4) == Rows{4, 4});
  CHECK(sizes_of(8, false, 4) == Rows{4, 4});
  CHECK(sizes_of(3, false, 1) == Rows{3});
  CHECK(sizes_of(3, false, 4) == Rows{});
  CHECK(sizes_of(3, true, 1) == Rows{});
  CHECK(sizes_of(0, false, 1) == Rows{});
}

TEST_CASE("loader: the order depends on seed and epoch alone") {
  const auto order = [](std::int64_t n, const LoaderOptions& options, std::int64_t epoch) {
    return Loader(Numbers{n}, options).order(epoch);
  };
  const LoaderOptions options{.batch = 3, .shuffle = true, .seed = 7};
  const Rows first = order(50, options, 4);
  seed(99);
  const auto offset = default_generator().offset();
  CHECK(order(50, {.batch = 50, .epochs = 9, .shuffle = true, .seed = 7, .epoch = 4, .prefetch = 0}, 4) ==
        first);
  CHECK(default_generator().offset() == offset);
  // With chances of 1 / 50! each to agree.
  CHECK(order(50, options, 5) != first);
  CHECK(order(50, {.shuffle = true, .seed = 8}, 4) != first);
  CHECK(order(50, {.shuffle = true, .seed = 4}, 7) != first);
  CHECK(first != counting(50));
  CHECK(order(50, {.seed = 7}, 4) == counting(50));
  CHECK(Loader(Numbers{50}, {.shuffle = true, .seed = 7, .epoch = 4}).order() == first);

  // Every record comes first sometimes.
  std::vector<int> leads(5);
  for (std::int64_t epoch = 0; epoch < 500; ++epoch)
    ++leads[static_cast<std::size_t>(order(5, options, epoch)[0])];
  for (const int count : leads) CHECK((count > 60 && count < 140));  // 100 wanted, 9 is the deviation
}

TEST_CASE("loader: several epochs are single ones in a row") {
  for (const std::int64_t ahead : kAhead)
    for (const bool drop_last : {false, true}) {
      LoaderOptions options{
          .batch = 4, .shuffle = true, .seed = 11, .drop_last = drop_last, .prefetch = ahead};
      std::vector<Rows> wanted;
      for (options.epoch = 6; options.epoch < 9; ++options.epoch)
        for (auto& batch : run(Loader(Numbers{11}, options))) wanted.push_back(std::move(batch));
      options.epoch = 6, options.epochs = 3;
      const Loader loader(Numbers{11}, options);
      CHECK(run(loader) == wanted);
      CHECK(loader.batches() == std::ssize(wanted));
      CHECK(loader.batches() == (drop_last ? 6 : 9));
      options.epochs = 0;
      CHECK(run(Loader(Numbers{11}, options)).empty());
      CHECK(run(Loader(Numbers{0}, {.epochs = 5, .prefetch = ahead})).empty());
    }
  CHECK(Loader(Numbers{1000}, {.batch = 1, .epochs = INT64_MAX}).batches() == INT64_MAX);
}

TEST_CASE("loader: batches are the same however far it reads ahead, and at each run") {
  const auto with = [](std::int64_t ahead) {
    return Loader(Numbers{31}, {.batch = 4, .epochs = 2, .shuffle = true, .seed = 5, .prefetch = ahead});
  };
  const auto wanted = run(with(0));
  CHECK(wanted.size() == 16);
  for (const std::int64_t ahead : {1, 2, 5, 100}) {
    const auto loader = with(ahead);
    CHECK(run(loader) == wanted);
    CHECK(run(loader) == wanted);
    CHECK(*loader.dataset().gathered == 32);
  }
}

TEST_CASE("loader: two runs at once do not disturb each other") {
  const Loader loader(Numbers{6}, {.batch = 2, .shuffle = true});
  auto a = loader.begin();
  ++a;
  const auto batches = run(loader);
  CHECK(Rows(a->x.values<std::int64_t>().begin(), a->x.values<std::int64_t>().end()) == batches[1]);
  ++a, ++a;
  CHECK(a == loader.end());
}

TEST_CASE("loader: it gathers in a thread of its own, and no further ahead than asked") {
  for (const std::int64_t ahead : kAhead) {
    const Loader loader(Numbers{40}, {.batch = 1, .prefetch = ahead});
    std::int64_t taken = 0;
    for (const auto& batch : loader) {
      (void)batch;
      ++taken;
      CHECK(*loader.dataset().gathered <= taken + (ahead ? ahead + 1 : 0));  // one more in the thread's hand
    }
    CHECK(taken == 40);
    CHECK((*loader.dataset().reader == std::this_thread::get_id()) == (ahead == 0));
  }
}

TEST_CASE("loader: what gather throws comes after the batches before it") {
  for (const std::int64_t ahead : kAhead)
    for (const std::int64_t bad : {0, 1, 2, 11, 12}) {
      CAPTURE(ahead);
      CAPTURE(bad);
      const Loader loader(Numbers{13, bad}, {.batch = 2, .prefetch = ahead});
      std::int64_t batches = 0;
      const auto text = refusal<std::out_of_range>([&] {
        for (const auto& [x, y] : loader) {
          CHECK(x.data<std::int64_t>()[0] == 2 * batches);
          ++batches;
        }
      });
      CHECK(text == concat("record ", bad, " is unreadable"));
      CHECK(batches == bad / 2);
    }
}

TEST_CASE("loader: after an error the run is over") {
  for (const std::int64_t ahead : {1, 2, 5}) {
    const Loader loader(Numbers{8, 2}, {.batch = 2, .prefetch = ahead});
    auto it = loader.begin();
    CHECK_THROWS_AS(++it, std::out_of_range);
    CHECK(it == loader.end());
    ++it;
    CHECK(it == loader.end());
  }
}

TEST_CASE("loader: leaving early neither hangs nor keeps anything") {
  for (const std::int64_t ahead : kAhead)
    for (const int leave : {0, 1, 5}) {
      Numbers numbers{100};
      const std::weak_ptr<std::atomic<int>> alive = numbers.gathered;
      const auto before = memory_stats().in_use;
      {
        const Loader loader(std::move(numbers), {.batch = 3, .epochs = 4, .prefetch = ahead});
        numbers = {};
        int taken = 0;
        if (leave == 0) (void)loader.begin();
        for (const auto& batch : loader) {
          (void)batch;
          if (++taken >= leave) break;
        }
        CHECK(!alive.expired());
      }
      CHECK(alive.expired());  // the thread, which had a handle too, is gone
      CHECK(memory_stats().in_use == before);
    }
}

TEST_CASE("loader: a run outlives its loader") {
  for (const std::int64_t ahead : kAhead) {
    auto it = Loader(Numbers{5}, {.batch = 2, .prefetch = ahead}).begin();
    Rows seen;
    for (; it != std::default_sentinel; ++it) seen.push_back(it->x.data<std::int64_t>()[0]);
    CHECK(seen == Rows{0, 2, 4});
  }
}

TEST_CASE("loader: tensors, as user code reads") {
  const TensorDataset data{Tensor::of({3, 2}, std::vector<float>{0, 1, 2, 3, 4, 5}),
                           Tensor::of({3, 1}, std::vector<float>{0, 10, 20})};
  std::vector<float> seen;
  for (auto [x, y] : Loader(data, {.batch = 2})) {
    CHECK(x.size(1) == 2);
    seen.insert(seen.end(), x.values<float>().begin(), x.values<float>().end());
    seen.insert(seen.end(), y.values<float>().begin(), y.values<float>().end());
  }
  CHECK(seen == std::vector<float>{0, 1, 2, 3, 0, 10, 4, 5, 20});
  for (const auto& batch : Loader(TensorDataset{}, {.epochs = 3})) CHECK(!batch.x.defined());
}

TEST_CASE("loader: shards of a batch are its rows in order, each with one shard") {
  for (const std::int64_t n : {12, 13, 23, 97})
    for (const std::int64_t of : {1, 2, 3, 5}) {
      CAPTURE(n);
      CAPTURE(of);
      LoaderOptions options{.batch = 9, .epochs = 2, .shuffle = true, .seed = 5, .min_batch = of};
      const auto whole = run(Loader(Numbers{n}, options));
      std::vector<Rows> pieced(whole.size());
      for (std::int64_t index = 0; index < of; ++index) {
        options.shard = {.index = index, .of = of};
        const auto mine = run(Loader(Numbers{n}, options));
        REQUIRE(mine.size() == whole.size());
        for (std::size_t i = 0; i < mine.size(); ++i) {
          CHECK(!mine[i].empty());
          pieced[i].insert(pieced[i].end(), mine[i].begin(), mine[i].end());
        }
      }
      CHECK(pieced == whole);
    }
}

TEST_CASE("loader: misuse is refused") {
  const auto made = [](const LoaderOptions& options) {
    return refusal([&] { const Loader loader(Numbers{4}, options); });
  };
  CHECK(says(made({.batch = 0}), {"[Loader] batch 0", "at least 1"}));
  CHECK(says(made({.epochs = -1}), {"[Loader] epochs -1"}));
  CHECK(says(made({.epoch = -2}), {"[Loader] epochs 1 from epoch -2"}));
  CHECK(says(made({.epochs = INT64_MAX, .epoch = 1}), {"[Loader]", "overflow"}));
  CHECK(says(made({.batch = 4, .min_batch = 5}), {"[Loader] min_batch 5", "batch = 4"}));
  CHECK(says(made({.min_batch = 0}), {"[Loader] min_batch 0"}));
  CHECK(says(made({.prefetch = -1}), {"[Loader] prefetch -1"}));
  CHECK(says(made({.shard = {.index = 2, .of = 2}}), {"[Loader] there is no shard 2 of 2"}));
  CHECK(says(
      made({.batch = 3, .shard = {.index = 0, .of = 2}}),
      {"[Loader] 4 records in batches of 3 make one of 1", "each of 2 shards", "min_batch of at least 2"}));
  CHECK(made({.batch = 3, .min_batch = 2, .shard = {.index = 0, .of = 2}}).empty());
  CHECK(made({.batch = 4, .epochs = 0, .min_batch = 4, .prefetch = 0}).empty());
  CHECK(says(refusal([] { const Loader loader(TensorDataset{Tensor({3}), Tensor({2})}); }), {"[dataset]"}));
}
