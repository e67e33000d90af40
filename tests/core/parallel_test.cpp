// tests/core/parallel_test.cpp: fixed partitions, nesting, exceptions, and threads that cannot be had
#include <doctest/doctest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cordis/core/parallel.hpp>
#include <limits>
#include <numeric>
#include <set>

#include "refusal.hpp"

using namespace cordis;

namespace {

class Threads {
 public:
  explicit Threads(int threads) : before_(num_threads()) { set_num_threads(threads); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

struct Range {
  std::int64_t begin = -1, end = -1;
  friend bool operator==(const Range&, const Range&) = default;
};

// Ranges by part; a part that never comes stays (-1, -1).
std::vector<Range> partition(std::int64_t n) {
  std::vector<Range> ranges(static_cast<std::size_t>(parallel_parts(n)));
  parallel_for(n, [&](std::int64_t begin, std::int64_t end, int part) {
    ranges.at(static_cast<std::size_t>(part)) = {begin, end};
  });
  return ranges;
}

}  // namespace

TEST_CASE("parallel: parts cover the range in order, evenly, the same ones each time") {
  for (int threads = 1; threads <= 5; ++threads) {
    const Threads guard(threads);
    CHECK(num_threads() == threads);
    for (const std::int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 97, 1000003}) {
      CAPTURE(threads);
      CAPTURE(n);
      const auto ranges = partition(n);
      CHECK(static_cast<std::int64_t>(ranges.size()) == std::min<std::int64_t>(n, threads));
      std::int64_t at = 0, least = n, most = 0;
      for (const auto& [begin, end] : ranges) {
        CHECK(begin == at);
        at = end;
        least = std::min(least, end - begin);
        most = std::max(most, end - begin);
      }
      CHECK(at == n);
      CHECK(least >= 1);
      CHECK(most - least <= 1);
      for (int again = 0; again < 3; ++again) CHECK(partition(n) == ranges);
    }
  }
}

TEST_CASE("parallel: nothing to do calls nothing") {
  const Threads guard(4);
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
    CHECK(parallel_parts(n) == 1);
    parallel_for(n, [](std::int64_t, std::int64_t, int) { FAIL("called"); });
  }
}

TEST_CASE("parallel: ranges too long to multiply do not wrap") {
  for (const int threads : {3, 5, 16}) {
    const Threads guard(threads);
    const auto ranges = partition(INT64_MAX);
    CHECK(ranges.front().begin == 0);
    CHECK(ranges.back().end == INT64_MAX);
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      CHECK(ranges[i].begin == ranges[i - 1].end);
      CHECK(ranges[i].end > ranges[i].begin);
    }
  }
}

TEST_CASE("parallel: every item once, more threads than items and more items than threads") {
  for (const int threads : {1, 2, 3, 5, 8}) {
    const Threads guard(threads);
    for (const std::int64_t n : {1, 3, 7, 1009}) {
      std::vector<int> visits(static_cast<std::size_t>(n));
      for (int round = 0; round < 20; ++round)
        parallel_for(n, [&](std::int64_t begin, std::int64_t end, int) {
          for (auto i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
      CHECK(visits == std::vector<int>(static_cast<std::size_t>(n), 20));
    }
  }
}

TEST_CASE("parallel: parts run on threads of their own, the first on the caller's") {
  const Threads guard(5);
  std::array<std::thread::id, 5> first, second;
  for (auto* ids : {&first, &second})
    parallel_for(5, [&](std::int64_t i, std::int64_t, int) {
      ids->at(static_cast<std::size_t>(i)) = std::this_thread::get_id();
    });
  CHECK(std::set<std::thread::id>(first.begin(), first.end()).size() == 5);
  CHECK(first[0] == std::this_thread::get_id());
  CHECK(first == second);
}

TEST_CASE("parallel: sums of partial sums repeat bit for bit") {
  std::vector<float> values(10007);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1 / static_cast<float>(i * 37 % 1001 + 1);
  const auto total = [&] {
    const auto n = static_cast<std::int64_t>(values.size());
    std::vector<float> partial(static_cast<std::size_t>(parallel_parts(n)));
    parallel_for(n, [&](std::int64_t begin, std::int64_t end, int part) {
      partial[static_cast<std::size_t>(part)] =
          std::accumulate(values.begin() + begin, values.begin() + end, 0.0F);
    });
    return std::accumulate(partial.begin(), partial.end(), 0.0F);
  };
  for (int threads = 1; threads <= 5; ++threads) {
    const Threads guard(threads);
    const float once = total();
    for (int round = 0; round < 50; ++round) REQUIRE(total() == once);
    // A part that is itself cut does it alone, in the same parts.
    std::array<float, 3> nested{};
    parallel_for(3, [&](std::int64_t begin, std::int64_t end, int) {
      for (auto i = begin; i < end; ++i) nested.at(static_cast<std::size_t>(i)) = total();
    });
    CHECK(nested == std::array<float, 3>{once, once, once});
  }
}

TEST_CASE("parallel: three levels deep, every level on its caller's thread") {
  const Threads guard(3);
  std::array<int, 27> visits{};
  std::atomic<int> elsewhere{0};
  parallel_for(3, [&](std::int64_t a, std::int64_t, int) {
    const auto outer = std::this_thread::get_id();
    parallel_for(3, [&](std::int64_t b, std::int64_t, int) {
      parallel_for(3, [&](std::int64_t c, std::int64_t, int) {
        ++visits.at(static_cast<std::size_t>(a * 9 + b * 3 + c));
        elsewhere += std::this_thread::get_id() != outer;
      });
    });
  });
  for (const int visit : visits) CHECK(visit == 1);
  CHECK(elsewhere == 0);
}

TEST_CASE("parallel: what a part throws reaches the caller, after every part is done") {
  const Threads guard(4);
  for (int thrower = 0; thrower < 4; ++thrower) {
    std::array<int, 4> done{};
    const auto text = refusal<std::runtime_error>([&] {
      parallel_for(4, [&](std::int64_t i, std::int64_t, int part) {
        if (part == thrower) throw std::runtime_error(concat("part ", part));
        ++done.at(static_cast<std::size_t>(i));
      });
    });
    CHECK(text == concat("part ", thrower));
    for (int i = 0; i < 4; ++i) CHECK(done.at(static_cast<std::size_t>(i)) == (i == thrower ? 0 : 1));
    CHECK(partition(4) == std::vector<Range>{{0, 1}, {1, 2}, {2, 3}, {3, 4}});  // the pool lives on
  }
  CHECK_THROWS_AS(parallel_for(4, [](std::int64_t, std::int64_t, int) { throw 7; }), int);
  CHECK_THROWS_AS(parallel_for(1, [](std::int64_t, std::int64_t, int) { throw 7; }), int);
  // From within, and the level above still goes parallel afterwards.
  CHECK_THROWS_AS(parallel_for(4,
                               [](std::int64_t, std::int64_t, int part) {
                                 parallel_for(4, [&](std::int64_t i, std::int64_t, int) {
                                   if (part == 2 && i == 3) throw 7;
                                 });
                               }),
                  int);
  std::set<std::thread::id> ids;
  std::mutex mutex;
  parallel_for(4, [&](std::int64_t, std::int64_t, int) {
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  CHECK(ids.size() == 4);
}

TEST_CASE("parallel: rounds close to each other and far apart, spinning or asleep, lose nothing") {
  for (const int threads : {2, 3}) {
    const Threads guard(threads);
    std::int64_t total = 0;
    int rounds = 0;
    for (int burst = 0; burst < 40; ++burst) {
      for (int round = 0; round < 50; ++round, ++rounds) {
        std::array<std::int64_t, 3> partial{};
        const int slow = round % 10 == 9 ? burst % threads : -1;  // one part that the others wait for
        parallel_for(threads, [&](std::int64_t i, std::int64_t, int part) {
          if (part == slow) std::this_thread::sleep_for(std::chrono::microseconds(burst * 4));
          partial.at(static_cast<std::size_t>(part)) = i + 1;
        });
        total += partial[0] + partial[1] + partial[2];
      }
      std::this_thread::sleep_for(std::chrono::microseconds(burst * 5));
    }
    CHECK(total == rounds * threads * (threads + 1) / 2);
  }
}

TEST_CASE("parallel: callers on several threads at once all get their work done") {
  const Threads guard(3);
  std::array<std::int64_t, 4> sums{};
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < 4; ++caller)
    callers.emplace_back([&sums, caller] {
      for (int round = 0; round < 200; ++round) {
        std::array<std::int64_t, 3> partial{};
        parallel_for(100, [&](std::int64_t begin, std::int64_t end, int part) {
          for (auto i = begin; i < end; ++i) partial.at(static_cast<std::size_t>(part)) += i;
        });
        sums.at(caller) += partial[0] + partial[1] + partial[2];
      }
    });
  for (auto& caller : callers) caller.join();
  for (const auto sum : sums) CHECK(sum == 200 * 4950);
}

TEST_CASE("parallel: where the system gives no more threads the same parts run on the caller's") {
  pthread_attr_t before, greedy;
  REQUIRE(pthread_getattr_default_np(&before) == 0);
  REQUIRE(pthread_attr_init(&greedy) == 0);
  REQUIRE(pthread_attr_setstacksize(&greedy, std::size_t{1} << 47) == 0);  // more than there are addresses
  const Threads guard(40);
  const auto count_threads = [] {
    std::set<std::thread::id> ids;
    std::mutex mutex;
    std::vector<Range> ranges(40);
    parallel_for(80, [&](std::int64_t begin, std::int64_t end, int part) {
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
      ranges.at(static_cast<std::size_t>(part)) = {begin, end};
    });
    for (int part = 0; part < 40; ++part)
      CHECK(ranges[static_cast<std::size_t>(part)] == Range{2 * part, 2 * part + 2});
    return ids.size();
  };
  REQUIRE(pthread_setattr_default_np(&greedy) == 0);
  const auto starved = count_threads();
  const auto again = count_threads();
  REQUIRE(pthread_setattr_default_np(&before) == 0);
  CHECK(starved == 1);
  CHECK(again == 1);
  CHECK(count_threads() == 40);
  pthread_attr_destroy(&greedy);
  pthread_attr_destroy(&before);
}

TEST_CASE("parallel: thread counts outside 1 to 1024 are refused") {
  const int before = num_threads();
  for (const int threads : {0, -1, 1025, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()})
    CHECK(says(refusal([&] { set_num_threads(threads); }),
               {"[set_num_threads]", std::to_string(threads), "1 .. 1024"}));
  CHECK(num_threads() == before);
  const Threads guard(1024);
  CHECK(parallel_parts(5000) == 1024);
  CHECK(parallel_parts(7) == 7);
}

// The pool reads the environment once in a process: the next case starts this one in others.
TEST_CASE("parallel: (child) number of threads as exit status" * doctest::skip()) {
  int status = 99;
  try {
    status = num_threads();
  } catch (const std::invalid_argument& error) {
    status = says(error.what(),
                  {"[parallel]", "CORDIS_NUM_THREADS", std::getenv("CORDIS_NUM_THREADS"), "1 to 1024"})
                 ? 77
                 : 98;
  }
  std::_Exit(status);
}

TEST_CASE("parallel: CORDIS_NUM_THREADS gives the number of threads, or is refused with what it was") {
  const auto in_child = [](const char* value) {
    const pid_t child = fork();
    if (child == 0) {
      setenv("CORDIS_NUM_THREADS", value, 1);
      execl("/proc/self/exe", "tests", "--no-skip", "--test-case=parallel: (child)*", nullptr);
      std::_Exit(97);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
  };
  CHECK(in_child("1") == 1);
  CHECK(in_child("3") == 3);
  for (const auto* wrong : {"0", "-2", "1025", "many", "3x", "", "99999999999999999999"})
    CHECK(in_child(wrong) == 77);
}
