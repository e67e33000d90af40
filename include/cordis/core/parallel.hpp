// cordis/core/parallel.hpp: one pool of threads, work cut into fixed parts
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cordis/config.hpp>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace cordis::inline CORDIS_ABI {

namespace detail {

// Runs part(0 .. parts - 1), part 0 on the caller. One run at a time; a caller that finds the pool busy, that
// is itself a part, or that the system gives no thread does all parts alone and in order: same parts, hence
// the same bits.
class Pool {
 public:
  static Pool& instance() {
    static Pool& pool = *new Pool;  // never destroyed: its threads end with the process
    return pool;
  }

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  void set_threads(int threads) { threads_.store(threads, std::memory_order_relaxed); }

  void run(int parts, const std::function<void(int)>& part) {
    std::unique_lock busy(busy_, std::defer_lock);
    if (parts <= 1 || inside() || !busy.try_lock() || !hire(parts - 1)) {
      if (busy.owns_lock()) busy.unlock();
      for (int i = 0; i < parts; ++i) part(i);
      return;
    }
    std::unique_lock lock(mutex_);
    part_ = &part;
    parts_ = parts;
    left_ = parts - 1;
    error_ = nullptr;
    ++round_;
    lock.unlock();
    start_.notify_all();
    std::exception_ptr own;
    try {
      const Inside guard;
      part(0);
    } catch (...) {
      own = std::current_exception();
    }
    lock.lock();
    done_.wait(lock, [&] { return left_ == 0; });
    const auto error = own ? own : error_;
    lock.unlock();
    if (error) std::rethrow_exception(error);
  }

 private:
  // False where the system has no more threads.
  bool hire(int workers) {
    const std::lock_guard lock(mutex_);
    try {
      for (; workers_ < workers; ++workers_)
        std::thread([this, index = workers_ + 1, seen = round_] { work(index, seen); }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

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

  void work(int index, std::uint64_t seen) {
    const Inside guard;
    std::unique_lock lock(mutex_);
    while (true) {
      start_.wait(lock, [&] { return round_ != seen; });
      seen = round_;
      if (index >= parts_) continue;
      const auto* part = part_;
      lock.unlock();
      std::exception_ptr error;
      try {
        (*part)(index);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error && !error_) error_ = error;
      if (--left_ == 0) done_.notify_one();
    }
  }

  std::atomic<int> threads_{1};
  std::mutex busy_;
  std::mutex mutex_;
  std::condition_variable start_, done_;
  const std::function<void(int)>* part_ = nullptr;
  int parts_ = 0, left_ = 0, workers_ = 0;
  std::uint64_t round_ = 0;
  std::exception_ptr error_;
};

}  // namespace detail

// Threads that parallel_for uses; at first CORDIS_NUM_THREADS, else the number of cores.
inline int num_threads() { return detail::Pool::instance().threads(); }
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
  detail::Pool::instance().run(parts, [&](int part) { f(bound(part), bound(part + 1), part); });
}

}  // namespace cordis::inline CORDIS_ABI
