// cordis/data/loader.hpp: a dataset in batches, shuffled from (seed, epoch), read ahead in a thread
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cordis/core/random.hpp>
#include <cordis/cuda/upload.hpp>
#include <cordis/data/dataset.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace cordis::inline CORDIS_ABI {

// size() and gather(indices) are const; gather may throw, and runs in the loader's thread.
template <class D>
concept Dataset = std::movable<D> && requires(const D& dataset, std::span<const std::int64_t> indices) {
  { dataset.size() } -> std::convertible_to<std::int64_t>;
  { dataset.gather(indices) } -> std::convertible_to<Batch>;
};

// Part `index` of `of`: of n rows those from n index / of to n (index + 1) / of.
struct Shard {
  std::int64_t index = 0, of = 1;

  // first row of part `at`
  std::int64_t bound(std::int64_t n, std::int64_t at) const { return n / of * at + n % of * at / of; }
  std::int64_t begin(std::int64_t n) const { return bound(n, index); }    // first row of this part
  std::int64_t end(std::int64_t n) const { return bound(n, index + 1); }  // the row behind its last
};

// Of a Loader.
struct LoaderOptions {
  std::int64_t batch = 256;
  std::int64_t epochs = 1;     // passes over the dataset, one after the other
  bool shuffle = false;        // else in the dataset's order
  std::uint64_t seed = 0;      // of shuffle
  std::int64_t epoch = 0;      // number of the first pass: the order depends on (seed, number) alone
  bool drop_last = false;      // leave out a last batch that is not full
  std::int64_t min_batch = 1;  // leave out a last batch smaller than this; batch norm needs 2 values
  std::int64_t prefetch = 2;   // batches kept ready by a thread; 0: made when asked for, without one
  Shard shard = {};            // of each batch only these rows: what the others get are the rest of them
  Device device = {};          // where the batches are given; they are made on the CPU
};

namespace detail {

// Calls make() for one batch after the other until it gives none, `ahead` of the consumer in a thread. What
// make() throws is thrown by next() in its place, after the batches before it.
class BatchQueue {
 public:
  using Make = std::function<std::optional<Batch>()>;

  BatchQueue(Make make, std::size_t ahead) : make_(std::move(make)), ahead_(ahead) {
    try {
      if (ahead_ > 0) thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {  // there are no more threads: the same batches, made when asked for
      ahead_ = 0;
    }
  }
  ~BatchQueue() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_one();
    thread_.join();
  }
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  std::optional<Batch> next() {
    if (ahead_ == 0) return make_();
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !batches_.empty() || ended_; });
    if (batches_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::nullopt;
    }
    std::optional<Batch> batch(std::move(batches_.front()));
    batches_.pop_front();
    lock.unlock();
    room_.notify_one();
    return batch;
  }

 private:
  void work() {
    while (true) {
      std::optional<Batch> batch;
      std::exception_ptr error;
      try {
        batch = make_();
      } catch (...) {
        error = std::current_exception();
      }
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return stop_ || batches_.size() < ahead_; });
      if (stop_) return;
      try {
        if (batch) batches_.push_back(std::move(*batch));
      } catch (...) {
        batch.reset();
        error = std::current_exception();
      }
      ended_ = !batch;
      error_ = std::move(error);
      ready_.notify_one();
      if (ended_) return;
    }
  }

  Make make_;
  std::size_t ahead_;
  std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::deque<Batch> batches_;
  std::exception_ptr error_;
  bool stop_ = false, ended_ = false;
  std::thread thread_;  // last: it uses the members above
};

}  // namespace detail

// for (auto [x, y] : Loader(dataset, {.batch = 64, .shuffle = true, .seed = 1, .epoch = 7})) ...
// Each begin() is a new run over the same batches, whatever the timing; leaving the loop early is fine.
template <Dataset D>
class Loader {
 public:
  // Takes the dataset; throws std::invalid_argument for options that make no sense with it.
  explicit Loader(D dataset, const LoaderOptions& options = {})
      : dataset_(std::make_shared<const D>(std::move(dataset))), n_(dataset_->size()), options_(options) {
    const auto& o = options_;
    CORDIS_CHECK(o.batch >= 1, "[Loader] batch ", o.batch, " is not at least 1");
    CORDIS_CHECK(o.epochs >= 0 && o.epoch >= 0 && o.epochs <= INT64_MAX - o.epoch, "[Loader] epochs ",
                 o.epochs, " from epoch ", o.epoch,
                 ": neither they nor their sum may be below 0 or overflow");
    CORDIS_CHECK(o.min_batch >= 1 && o.min_batch <= o.batch, "[Loader] min_batch ", o.min_batch,
                 " is not in 1 .. batch = ", o.batch);
    CORDIS_CHECK(o.prefetch >= 0, "[Loader] prefetch ", o.prefetch, " is negative");
    CORDIS_CHECK(0 <= o.shard.index && o.shard.index < o.shard.of, "[Loader] there is no shard ",
                 o.shard.index, " of ", o.shard.of);
    const std::int64_t rest = n_ % o.batch, least = n_ == 0 || !keeps(rest) ? o.batch : rest;
    CORDIS_CHECK(least >= o.shard.of, "[Loader] ", n_, " records in batches of ", o.batch, " make one of ",
                 least, ": not a row for each of ", o.shard.of,
                 " shards; give a batch or a min_batch of at least ", o.shard.of);
  }

  const D& dataset() const { return *dataset_; }             // that the batches are of
  const LoaderOptions& options() const { return options_; }  // as given

  // Batches of one pass, those left out not counted.
  std::int64_t batches_per_epoch() const {
    const std::int64_t rest = n_ % options_.batch;
    return n_ / options_.batch + (keeps(rest) ? 1 : 0);
  }
  // Of all epochs.
  std::int64_t batches() const {
    std::int64_t all = 0;
    return __builtin_mul_overflow(batches_per_epoch(), options_.epochs, &all) ? INT64_MAX : all;
  }

  // All n records of pass number `epoch` in their order; batch i holds `batch` of them from i * batch on.
  std::vector<std::int64_t> order(std::int64_t epoch) const {
    if (options_.shuffle) {
      Generator generator(mix_seed(options_.seed, static_cast<std::uint64_t>(epoch)));
      return permutation(n_, generator);
    }
    std::vector<std::int64_t> order(static_cast<std::size_t>(n_));
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  std::vector<std::int64_t> order() const { return order(options_.epoch); }  // of the first pass

  // Goes over the batches once; for range-for.
  class Iterator {
   public:
    using value_type = Batch;                // what it gives
    using difference_type = std::ptrdiff_t;  // for the standard library

    const Batch& operator*() const { return *batch_; }    // x and y, on the device asked for
    const Batch* operator->() const { return &*batch_; }  // the same
    // Makes the next batch; throws what the dataset's gather threw.
    Iterator& operator++() {
      batch_.reset();  // its memory serves the next one
      take();
      return *this;
    }
    void operator++(int) { ++*this; }  // the same
    // whether all were given
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return !it.batch_; }

   private:
    friend Loader;
    Iterator(detail::BatchQueue::Make make, std::size_t ahead, const Device& device)
        : queue_(std::make_unique<detail::BatchQueue>(std::move(make), ahead)) {
      const auto next = [queue = queue_.get()]() -> Tensors {
        auto batch = queue->next();
        if (!batch) return {};
        return {std::move(batch->x), std::move(batch->y)};
      };
      source_ = on(device, [&](auto kind) { return uploaded(kind, next); });
      take();
    }
    void take() {
      Tensors batch = source_();
      if (!batch.empty()) batch_ = Batch{std::move(batch[0]), std::move(batch[1])};
    }
    std::unique_ptr<detail::BatchQueue> queue_;
    TensorSource source_;
    std::optional<Batch> batch_;
  };

  // Starts a run; with prefetch, and its thread.
  Iterator begin() const {
    return Iterator([loader = *this, pass = std::int64_t{0}, at = std::int64_t{0},
                     order = std::vector<std::int64_t>()]() mutable { return loader.make(pass, at, order); },
                    static_cast<std::size_t>(options_.prefetch), options_.device);
  }
  std::default_sentinel_t end() const { return {}; }  // behind the last batch

 private:
  bool keeps(std::int64_t rest) const {
    return rest > 0 && !options_.drop_last && rest >= options_.min_batch;
  }

  // This shard of batch `at` of pass `pass`, of which `order` is kept; both move on.
  std::optional<Batch> make(std::int64_t& pass, std::int64_t& at, std::vector<std::int64_t>& order) const {
    if (at == batches_per_epoch()) ++pass, at = 0;
    if (batches_per_epoch() == 0 || pass >= options_.epochs) return std::nullopt;
    if (at == 0) order = this->order(options_.epoch + pass);
    const std::int64_t first = at++ * options_.batch, rows = std::min(options_.batch, n_ - first);
    const auto begin = static_cast<std::size_t>(first + options_.shard.begin(rows));
    const auto end = static_cast<std::size_t>(first + options_.shard.end(rows));
    return dataset_->gather(std::span<const std::int64_t>(order).subspan(begin, end - begin));
  }

  std::shared_ptr<const D> dataset_;
  std::int64_t n_;
  LoaderOptions options_;
};

}  // namespace cordis::inline CORDIS_ABI
