// cordis/mpi/gradient_buckets.hpp: gradients summed over the ranks while backward still runs
#pragma once

#include <cordis/autograd/leaf_done.hpp>
#include <cordis/mpi/digest.hpp>
#include <deque>
#include <unordered_map>

namespace cordis::inline CORDIS_ABI::detail {

// One backward's gradients in buckets of about so many bytes, last parameter first, which is about the order
// in which they are ready. A bucket's sum is started once all its gradients are complete and all earlier
// buckets were started, so that every rank starts them in the same order. A parameter without a gradient
// counts as zeros; where no rank has one it is left without. Sums: a Communicator, or what else has its
// start_all_reduce_sum.
template <class Sums>
class GradientBuckets {
 public:
  GradientBuckets(const std::vector<NamedParameter>& parameters, const Sums& sums, std::int64_t bucket_bytes)
      : sums_(sums) {
    for (std::size_t i = parameters.size(); i-- > 0;) {
      const auto& [name, variable] = parameters[i];
      if (!variable.requires_grad()) continue;
      const auto bytes = static_cast<std::int64_t>(variable.value().bytes());
      if (buckets_.empty() || buckets_.back().dtype != variable.dtype() ||
          buckets_.back().members[0].variable.device() != variable.device() ||
          buckets_.back().bytes + bytes > bucket_bytes)
        buckets_.push_back({.dtype = variable.dtype()});
      auto& bucket = buckets_.back();
      CORDIS_CHECK(bucket_of_.emplace(variable.id(), buckets_.size() - 1).second, "[DataParallel] \"", name,
                   "\" is a parameter that the net names twice");
      bucket.bytes += bytes;
      bucket.numel += variable.value().numel();
      bucket.members.push_back({name, variable, {}});
      ++bucket.left;
      layout_ = digest(concat(name, variable.dtype(), variable.shape(), buckets_.size()), layout_);
    }
  }

  // The same on two ranks only where they sum the same gradients.
  std::uint64_t layout() const { return layout_; }

  std::size_t started() const { return started_; }  // sums, so far

  // Takes away the gradients of earlier backwards, which are added back at the end.
  void open() {
    for (auto& bucket : buckets_)
      for (auto& member : bucket.members) member.before = std::exchange(member.variable.grad(), {});
  }
  void leaf_done(const Variable& leaf) {
    const auto found = bucket_of_.find(leaf.id());
    if (found == bucket_of_.end()) return;
    --buckets_[found->second].left;
    while (started_ < buckets_.size() && buckets_[started_].left == 0) start(buckets_[started_++]);
    for (std::size_t i = finished_; i < started_; ++i)  // MPI goes on with its work in its own calls alone
      if (buckets_[i].sum.done() && i == finished_) ++finished_;
  }
  // Waits for the sums, and makes them the parameters' gradients.
  void close() {
    while (started_ < buckets_.size()) start(buckets_[started_++]);
    for (auto& bucket : buckets_) {
      bucket.sum.wait();
      const auto members = std::ssize(bucket.members);
      const Tensor flags =
          bucket.flat.rows(bucket.numel, bucket.numel + members).to(Device::cpu()).to(DType::f64);
      std::int64_t at = 0, member = 0;
      for (auto& [name, variable, before] : bucket.members) {
        const std::int64_t n = variable.value().numel();
        const bool any = flags.data<double>()[member++] > 0;
        if (any) variable.grad() = bucket.flat.rows(at, at + n).reshaped(variable.shape());
        if (before.defined()) add_gradient(variable.grad(), std::exchange(before, {}));
        at += n;
      }
      bucket.flat = {};
    }
  }

 private:
  struct Member {
    std::string name;
    Variable variable;
    Tensor before;
  };
  struct Bucket {
    DType dtype = DType::f32;
    std::int64_t bytes = 0, numel = 0;
    std::size_t left = 0;  // members whose gradients are not complete
    std::vector<Member> members = {};
    Tensor flat = {};  // (numel + members,): the gradients, then 1 for each member that has one
    decltype(std::declval<const Sums&>().start_all_reduce_sum(Tensor())) sum = {};
  };

  void start(Bucket& bucket) {
    const auto members = std::ssize(bucket.members);
    bucket.flat = Tensor({bucket.numel + members}, bucket.dtype, bucket.members[0].variable.device());
    const Tensor flags({members}, DType::f64);
    std::int64_t at = 0, member = 0;
    for (auto& [name, variable, before] : bucket.members) {
      const std::int64_t n = variable.value().numel();
      Tensor place = bucket.flat.rows(at, at + n).reshaped(variable.shape());
      const Tensor gradient = std::exchange(variable.grad(), {});
      if (gradient.defined())
        place.copy_from(gradient);
      else
        place.fill(0);
      flags.data<double>()[member++] = gradient.defined() ? 1 : 0;
      at += n;
    }
    bucket.flat.rows(bucket.numel, bucket.numel + members).copy_from(flags.to(bucket.dtype));
    bucket.sum = sums_.start_all_reduce_sum(
        bucket.flat, concat("gradients of \"", bucket.members.back().name, "\" to \"",
                            bucket.members.front().name, "\", bucket ", started_, " of ", buckets_.size()));
  }

  Sums sums_;
  std::deque<Bucket> buckets_;
  std::unordered_map<const void*, std::size_t> bucket_of_;
  std::size_t started_ = 0, finished_ = 0;
  std::uint64_t layout_ = 0;
};

}  // namespace cordis::inline CORDIS_ABI::detail
