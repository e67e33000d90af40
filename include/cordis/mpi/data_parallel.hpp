// cordis/mpi/data_parallel.hpp: one net trained by several ranks, each on its rows of every batch
#pragma once

#include <bit>
#include <cmath>
#include <cordis/data/loader.hpp>
#include <cordis/mpi/gradient_buckets.hpp>

namespace cordis::inline CORDIS_ABI {

// Of a DataParallel.
struct DataParallelOptions {
  std::int64_t bucket_bytes = 4 << 20;  // of gradients that are summed at once
  bool broadcast_buffers = true;        // each backward gives all ranks rank 0's floating buffers
  std::int64_t check_every = 100;       // backwards between comparisons of the nets (check()); 0: none
};

// Makes each rank's step the one that a single rank would do on the batch that all their rows make, as
// PyTorch's DistributedDataParallel; but shards may be of different sizes.
//   DataParallel parallel(net, world);  // after `to` and `load`
//   for (auto [x, y] : Loader(data, {.batch = 256, .shard = parallel.shard()})) {
//     parallel.backward(bce_with_logits(net(x), y), x.size(0));
//     optimizer.step();
//   }
// Gradients are summed by `sums`: the ranks' own communicator, which needs them on the CPU, or an
// NcclCommunicator. Batch norm without synchronise_batch_norm normalises each shard by itself, and the
// running statistics are rank 0's.
template <Walkable Net, class Sums = Communicator>
class DataParallel {
 public:
  // Collective: all ranks get rank 0's parameters and buffers.
  DataParallel(Net& net, const Communicator& ranks, const DataParallelOptions& options = {})
      : DataParallel(net, ranks, ranks.duplicate(), options) {}
  // With gradients summed by `sums`, over the same ranks.
  DataParallel(Net& net, const Communicator& ranks, const Sums& sums, const DataParallelOptions& options = {})
      : net_(&net), ranks_(ranks.duplicate()), sums_(sums), options_(options) {
    CORDIS_CHECK(options.bucket_bytes > 0 && options.check_every >= 0, "[DataParallel] bucket_bytes ",
                 options.bucket_bytes, ", check_every ", options.check_every);
    CORDIS_CHECK(sums.rank() == ranks.rank() && sums.size() == ranks.size(), "[DataParallel] rank ",
                 ranks.rank(), " of ", ranks.size(), " sums as rank ", sums.rank(), " of ", sums.size());
    const StateDict state = state_dict(net);
    detail::check_same_layout(state, ranks_);
    for (const auto& [name, tensor] : state) {
      const Tensor host = tensor.to(Device::cpu());
      ranks_.broadcast(host, 0, concat("\"", name, '"'));
      if (tensor.device() != Device::cpu()) tensor.copy_from(host);
    }
  }

  Net& net() const { return *net_; }                    // as given
  const Communicator& ranks() const { return ranks_; }  // of messages of its own
  int rank() const { return ranks_.rank(); }            // this one, from 0
  // The rows of each batch that are this rank's.
  Shard shard() const { return {.index = ranks_.rank(), .of = ranks_.size()}; }

  // Backward, and the sum of the gradients over the ranks.
  // loss: the mean over this rank's `records`. Afterwards every parameter's gradient is, on all ranks, that
  // of the mean over all ranks' records, added to what was there before. Returns that mean loss. Where the
  // sum of the losses is not finite nothing is changed, and every rank gets to see the same NaN or infinity.
  // Collective.
  double backward(const Variable& loss, std::int64_t records) {
    CORDIS_CHECK(loss.value().numel() == 1, "[DataParallel] the loss has shape ", loss.shape(),
                 ", a single element is needed");
    CORDIS_CHECK(records > 0, "[DataParallel] a loss over ", records, " records");
    if (options_.check_every > 0 && steps_ > 0 && steps_ % options_.check_every == 0) check();
    detail::GradientBuckets buckets(named_parameters(*net_), sums_, options_.bucket_bytes);
    const auto [all, mean] = agree(loss.value().item(), records, buckets.layout());
    if (!std::isfinite(mean)) return mean;
    Buffers buffers = start_buffers();
    const double share = static_cast<double>(records) / static_cast<double>(all);
    buckets.open();
    backward_telling({loss}, {full(loss.shape(), share, loss.dtype(), loss.device())},
                     [&](const Variable& leaf) { buckets.leaf_done(leaf); });
    buckets.close();
    finish(buffers);
    ++steps_;
    return mean;
  }

  // Throws RanksDiffer where the parameters and buffers are not the same, bit by bit, on all ranks.
  // Collective.
  void check() const { check_same(state_dict(*net_), ranks_, concat("after ", steps_, " backwards")); }

 private:
  struct Agreement {
    std::int64_t records;
    double mean;
  };
  Agreement agree(double loss, std::int64_t records, std::uint64_t layout) const {
    const auto code = std::bit_cast<std::int64_t>(layout);
    const Tensor own = Tensor::of<std::int64_t>({3}, {records, std::bit_cast<std::int64_t>(loss), code});
    const Tensor of = ranks_.all_gather(own, concat("loss and records of backward ", steps_ + 1));
    Agreement sum{0, 0};
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      const std::int64_t* said = of.data<std::int64_t>() + 3 * rank;
      if (said[2] != of.data<std::int64_t>()[2])
        throw RanksDiffer(concat("[DataParallel] rank ", rank,
                                 " wants gradients of other parameters than rank 0: "
                                 "the nets or what is frozen in them differ"));
      sum.records += said[0];
      sum.mean += static_cast<double>(said[0]) * std::bit_cast<double>(said[1]);
    }
    sum.mean /= static_cast<double>(sum.records);
    return sum;
  }

  // Rank 0's floating buffers on their way, one after the other in `flat`.
  struct Buffers {
    Tensors tensors;
    Tensor flat;
    Pending pending;
  };
  Buffers start_buffers() const {
    Buffers buffers;
    if (!options_.broadcast_buffers || ranks_.size() == 1) return buffers;
    std::int64_t numel = 0;
    walk(*net_, [&](const std::string&, auto& leaf) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Tensor>)
        if (leaf.dtype() != DType::i64) buffers.tensors.push_back(leaf), numel += leaf.numel();
    });
    if (numel == 0) return buffers;
    buffers.flat = Tensor({numel}, DType::f64);
    each_place(buffers,
               [](const Tensor& buffer, const Tensor& place) { place.copy_from(buffer.to(DType::f64)); });
    buffers.pending = ranks_.start_broadcast(buffers.flat, 0, "buffers");
    return buffers;
  }
  static void finish(Buffers& buffers) {
    buffers.pending.wait();
    each_place(buffers,
               [](const Tensor& buffer, const Tensor& place) { buffer.copy_from(place.to(buffer.dtype())); });
  }
  template <class F>
  static void each_place(const Buffers& buffers, F&& f) {
    std::int64_t at = 0;
    for (const auto& buffer : buffers.tensors) {
      f(buffer, buffers.flat.rows(at, at + buffer.numel()).reshaped(buffer.shape()));
      at += buffer.numel();
    }
  }

  Net* net_;
  Communicator ranks_;
  Sums sums_;
  DataParallelOptions options_;
  std::int64_t steps_ = 0;
};

}  // namespace cordis::inline CORDIS_ABI
