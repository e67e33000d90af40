// cordis/core/parallel.hpp: one pool of threads, work cut into fixed parts
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cordis/config.hpp>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI {

namespace detail {

// Tells the processor that this thread only waits.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// Which part of a loop this thread is in; 0 outside of loops, and in part 0.
inline int& current_part() {
  thread_local int part = 0;
  return part;
}

// What a round does, f(part). The caller waits for the round, so f is not copied as std::function would.
class PartCall {
 public:
  template <class F>
  explicit PartCall(const F& f)
      : f_(&f), call_([](const void* self, int part) { (*static_cast<const F*>(self))(part); }) {}
  void operator()(int part) const { call_(f_, part); }

 private:
  const void* f_;
  void (*call_)(const void*, int);
};

// Runs part(0 .. parts - 1), part 0 on the caller. One run at a time; a caller that finds the pool busy, that
// is itself a part, or that the system gives no thread does all parts alone and in order: same parts, hence
// the same bits.
//
// Runs follow each other within microseconds, and waking a sleeping thread costs tens of them: workers, and
// the caller at the end, look for kSpin at a counter before they sleep. Both sides of each wait are
// sequentially consistent: who goes to sleep says so and then looks again, who has news gives it and then
// looks for sleepers.
class Pool {
 public:
  static Pool& instance() {
    static Pool& pool = *new Pool;  // never destroyed: its threads end with the process
    return pool;
  }

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  void set_threads(int threads) { threads_.store(threads, std::memory_order_relaxed); }

  void run(int parts, PartCall part) {
    std::unique_lock busy(busy_, std::defer_lock);
    if (parts <= 1 || inside() || !busy.try_lock() || !hire(parts - 1)) {
      if (busy.owns_lock()) busy.unlock();
      const PartGuard guard;
      for (int i = 0; i < parts; ++i) {
        if (!inside()) current_part() = i;  // a loop within a part belongs to that part
        part(i);
      }
      return;
    }
    part_ = &part;
    error_ = nullptr;
    left_.store(parts - 1);
    const auto round = ticket_.load(std::memory_order_relaxed) / kParts + 1;
    ticket_.store(round * kParts + static_cast<std::uint64_t>(parts));
    if (sleepers_.load() > 0) {
      { const std::lock_guard lock(mutex_); }  // none is between its last look and its sleep
      start_.notify_all();
    }
    std::exception_ptr own;
    try {
      const Inside guard;
      part(0);
    } catch (...) {
      own = std::current_exception();
    }
    const auto finished = [&] { return left_.load() == 0; };
    if (!spin(finished, patience_, parts)) {
      std::unique_lock lock(mutex_);
      waiting_.store(true);
      done_.wait(lock, finished);
      waiting_.store(false);
    }
    const auto error = own ? own : std::exchange(error_, nullptr);
    if (error) std::rethrow_exception(error);
  }

 private:
  static constexpr std::uint64_t kParts = 2048;  // more than there can be
  static constexpr std::chrono::microseconds kSpin{50};

  // Of one who waits: after kTries vain spins in a row the next kSkip waits are slept through. On a processor
  // that other programs keep busy, spinning would only keep off the thread that is waited for.
  static constexpr int kTries = 3, kSkip = 64;
  struct Patience {
    int vain = 0, skip = 0;
  };

  // Waits for kSpin at most; false where `ready` has not come true. Not where the `parts` of a round have to
  // share processors.
  template <class F>
  bool spin(F&& ready, Patience& patience, int parts) const {
    if (ready()) return true;
    if (parts > processors_) return false;
    if (patience.skip > 0) return --patience.skip, false;
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 16; ++i) {
        if (ready()) return patience.vain = 0, true;
        relax();
      }
    } while (std::chrono::steady_clock::now() < end);
    if (++patience.vain >= kTries) patience = {kTries - 1, kSkip};
    return false;
  }

  // False where the system has no more threads. Called by the one that runs.
  bool hire(int workers) {
    try {
      for (; workers_ < workers; ++workers_)
        std::thread([this, index = static_cast<std::uint64_t>(workers_) + 1,
                     seen = ticket_.load(std::memory_order_relaxed)] {
          work(index, seen);
        }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  struct PartGuard {
    const int before = current_part();
    PartGuard() = default;
    PartGuard(const PartGuard&) = delete;
    ~PartGuard() { current_part() = before; }
  };
  struct Inside {
    Inside() { inside() = true; }
    ~Inside() { inside() = false; }
  };
  static bool& inside() {
    thread_local bool flag = false;
    return flag;
  }

  Pool() {
    int threads = static_cast<int>(std::thread::hardware_concurrency());
    if (const char* text = std::getenv("CORDIS_NUM_THREADS")) {
      char* end = nullptr;
      const long value = std::strtol(text, &end, 10);
      CORDIS_CHECK(end != text && *end == '\0' && value >= 1 && value <= 1024,
                   "[parallel] CORDIS_NUM_THREADS is \"", text, "\", a number from 1 to 1024 is needed");
      threads = static_cast<int>(value);
    }
    threads_ = std::max(1, threads);
  }

  void work(std::uint64_t index, std::uint64_t seen) {
    const Inside guard;
    current_part() = static_cast<int>(index);
    Patience patience;
    while (true) {
      const auto called = [&] { return ticket_.load() != seen; };
      const auto parts = seen % kParts;  // of the round before; who had none of it sleeps at once
      if (index >= parts || !spin(called, patience, static_cast<int>(parts))) {
        std::unique_lock lock(mutex_);
        sleepers_.fetch_add(1);
        start_.wait(lock, called);
        sleepers_.fetch_sub(1);
      }
      seen = ticket_.load();
      if (index >= seen % kParts) continue;  // of this round no more may be read: it can be over
      try {
        (*part_)(static_cast<int>(index));
      } catch (...) {  // kept nowhere else: the caller lets go of it last
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
      if (left_.fetch_sub(1) == 1 && waiting_.load()) {
        { const std::lock_guard lock(mutex_); }
        done_.notify_one();
      }
    }
  }

  const int processors_ = static_cast<int>(std::thread::hardware_concurrency());
  std::atomic<int> threads_{1};
  std::mutex busy_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const PartCall* part_ = nullptr;
  std::exception_ptr error_;
  Patience patience_;  // the caller's
  int workers_ = 0;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};  // number of the round times kParts, plus its parts
  std::atomic<int> sleepers_{0};
  alignas(64) std::atomic<int> left_{0};
  std::atomic<bool> waiting_{false};
};

}  // namespace detail

// Threads that parallel_for uses; at first CORDIS_NUM_THREADS, else the number of cores.
inline int num_threads() { return detail::Pool::instance().threads(); }
// Changes it, 1 to 1024, for the loops that begin from now on. Results depend on it in their last bits.
inline void set_num_threads(int threads) {
  CORDIS_CHECK(threads >= 1 && threads <= 1024, "[set_num_threads] ", threads, " is not in 1 .. 1024");
  detail::Pool::instance().set_threads(threads);
}

// Parts that n items are cut into: never more than there are items.
inline int parallel_parts(std::int64_t n) {
  return static_cast<int>(std::clamp<std::int64_t>(n, 1, num_threads()));
}

// Calls f(begin, end, part) for each of parallel_parts(n) ranges of [0, n). The ranges depend on n and
// num_threads() alone, so results repeat bit for bit at a given thread count.
template <class F>
void parallel_for(std::int64_t n, F&& f) {
  const int parts = parallel_parts(n);
  if (n <= 0) return;
  if (parts == 1) return f(std::int64_t{0}, n, 0);
  // n * part / parts, without the overflow
  const auto bound = [&](int part) { return n / parts * part + n % parts * part / parts; };
  const auto call = [&](int part) { f(bound(part), bound(part + 1), part); };
  detail::Pool::instance().run(parts, detail::PartCall(call));
}

}  // namespace cordis::inline CORDIS_ABI
