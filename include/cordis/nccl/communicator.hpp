// cordis/nccl/communicator.hpp: collectives of tensors on GPUs over NCCL, each with a deadline
// Compiled and linked by us, never run: we had no GPU.
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cordis/cuda/runtime.hpp>
#include <cordis/mpi/communicator.hpp>
#include <cstring>
#include <memory>

namespace cordis::inline CORDIS_ABI {

// A call of NCCL that failed: which, and NCCL's own text.
struct NcclError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A collective on GPUs that did not end in time.
struct NcclTimeout : NcclError {
  using NcclError::NcclError;
};

namespace detail {

struct NcclGroup {
  ncclComm_t comm = nullptr;
  int rank = 0, size = 1;
  Cuda device;
  std::chrono::milliseconds deadline{};
  std::unique_ptr<Stream> stream;  // of the sums that run beside this thread's own work

  NcclGroup() = default;
  NcclGroup(const NcclGroup&) = delete;
  NcclGroup& operator=(const NcclGroup&) = delete;
  ~NcclGroup() {
    if (!comm) return;
    if (unwinding < std::uncaught_exceptions()) {
      abandon();
      return;
    }
    ncclResult_t state = ncclCommFinalize(comm);
    for (const auto end = MpiClock::now() + deadline; state == ncclInProgress && MpiClock::now() < end;)
      if (ncclCommGetAsyncError(comm, &state) != ncclSuccess) break;
    if (state == ncclSuccess)
      ncclCommDestroy(comm);
    else
      abandon();
  }
  // What is under way ends as it may; nothing else can be begun.
  void abandon() {
    if (comm) ncclCommAbort(std::exchange(comm, nullptr));
    mpi_broken() = true;
  }
  void check(ncclResult_t result, const char* call, const std::string& what) {
    const auto end = MpiClock::now() + deadline;
    while (result == ncclInProgress) {  // the communicator does not block
      if (MpiClock::now() >= end) late(call, what);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      ncclResult_t state = ncclSuccess;
      const ncclResult_t asked = ncclCommGetAsyncError(comm, &state);
      result = asked == ncclSuccess ? state : asked;
    }
    if (result == ncclSuccess) return;
    const std::string text = concat("[", call, "] ", what, " on rank ", rank, " of ", size, ": ",
                                    ncclGetErrorString(result), " (", ncclGetLastError(comm), ")");
    abandon();
    throw NcclError(text);
  }
  [[noreturn]] void late(const char* call, const std::string& what) {
    abandon();
    throw NcclTimeout(concat("[", call, "] ", what, " did not end within ",
                             static_cast<double>(deadline.count()) / 1000, " s on rank ", rank, " of ", size,
                             ": another rank has ended, hangs, or is in another collective"));
  }
  // Returns when the device has passed the event.
  void wait(const Event& event, const char* call, const std::string& what) {
    const auto end = MpiClock::now() + deadline;
    while (true) {
      const cudaError_t state = cudaEventQuery(event.native());
      if (state == cudaSuccess) return;
      if (state != cudaErrorNotReady)
        throw CudaError(concat("[", call, "] ", what, ": ", cudaGetErrorString(state)));
      ncclResult_t asynchronous = ncclSuccess;
      const ncclResult_t asked = ncclCommGetAsyncError(comm, &asynchronous);
      check(asked == ncclSuccess ? asynchronous : asked, call, what);
      if (MpiClock::now() >= end) late(call, what);
      std::this_thread::yield();
    }
  }

  const int unwinding = std::uncaught_exceptions();
};

inline ncclDataType_t nccl_type(DType dtype) {
  if (dtype == DType::f32) return ncclFloat32;
  if (dtype == DType::f64) return ncclFloat64;
  return ncclInt64;
}

}  // namespace detail

// A collective under way in the communicator's own stream. Holds its tensor, which nobody else may touch
// before wait().
class NcclPending {
 public:
  NcclPending() = default;
  NcclPending(NcclPending&&) = default;  // takes over
  // Takes over; what it held before is given up.
  NcclPending& operator=(NcclPending&& other) {
    abandon();
    work_ = std::move(other.work_);
    return *this;
  }
  ~NcclPending() { abandon(); }

  // whether it is through
  bool done() const { return !work_ || cudaEventQuery(work_->end.native()) == cudaSuccess; }
  // Returns when it is through on the device; throws NcclTimeout where that takes longer than the deadline.
  void wait() {
    if (!work_) return;
    work_->group->wait(work_->end, work_->call, work_->what);
    work_.reset();
  }

 private:
  friend class NcclCommunicator;
  struct Work {
    std::shared_ptr<detail::NcclGroup> group;
    Tensor buffer;
    Event end;
    const char* call;
    std::string what;
  };
  // The device may still write to the tensor: it is never freed.
  void abandon() { static_cast<void>(work_.release()); }
  std::unique_ptr<Work> work_;
};

// The ranks of an MPI communicator with a GPU each. As Communicator, for tensors that live on `device`. What
// is not started by start_... runs in this thread's current stream, as kernels do, and returns before it is
// through.
class NcclCommunicator {
 public:
  // Collective. No two ranks have the same GPU.
  NcclCommunicator(const Communicator& ranks, Cuda device, const CommunicatorOptions& options = {})
      : group_(std::make_shared<detail::NcclGroup>()) {
    auto& group = *group_;
    group.rank = ranks.rank(), group.size = ranks.size();
    group.device = device, group.deadline = options.deadline;
    ncclUniqueId id{};
    if (ranks.rank() == 0) group.check(ncclGetUniqueId(&id), "ncclGetUniqueId", "a new communicator");
    static_assert(sizeof id % sizeof(std::int64_t) == 0);
    const Tensor words({static_cast<std::int64_t>(sizeof id / sizeof(std::int64_t))}, DType::i64);
    std::memcpy(words.raw(), &id, sizeof id);
    ranks.broadcast(words, 0, "NCCL's id");
    std::memcpy(&id, words.raw(), sizeof id);
    group.stream = std::make_unique<Stream>(device);  // also makes the device this thread's
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    group.check(ncclCommInitRankConfig(&group.comm, group.size, id, group.rank, &config),
                "ncclCommInitRankConfig", "a new communicator");
  }

  int rank() const { return group_->rank; }       // this one, from 0
  int size() const { return group_->size; }       // how many there are
  Cuda device() const { return group_->device; }  // this rank's

  // x becomes the sum of all ranks' x, beside what this thread goes on to compute.
  NcclPending start_all_reduce_sum(const Tensor& x, const std::string& what = "all_reduce_sum") const {
    NcclPending pending;
    const std::string text = concat(what, " of ", x.dtype(), ' ', x.shape());
    pending.work_.reset(new NcclPending::Work{group_, x, Event(device()), "ncclAllReduce", text});
    Event begin(device());
    begin.record(current_stream(device()));
    group_->stream->wait(begin);
    all_reduce_sum_in(*group_->stream, x, what);
    pending.work_->end.record(*group_->stream);
    return pending;
  }
  // x becomes the sum of all ranks' x, in this thread's current stream.
  void all_reduce_sum(const Tensor& x, const std::string& what = "all_reduce_sum") const {
    all_reduce_sum_in(current_stream(device()), x, what);
  }
  // x becomes root's x.
  void broadcast(const Tensor& x, int root = 0, const std::string& what = "broadcast") const {
    CORDIS_CHECK(0 <= root && root < size(), "[NcclCommunicator] broadcast from rank ", root, " of ", size());
    const auto n = checked(x, what);
    group_->check(ncclBroadcast(x.raw(), x.raw(), n, detail::nccl_type(x.dtype()), root, group_->comm,
                                current_stream(device()).native()),
                  "ncclBroadcast", what);
  }
  // All ranks' x, one after the other: (size, x.shape...).
  Tensor all_gather(const Tensor& x, const std::string& what = "all_gather") const {
    const auto n = checked(x, what);
    Shape shape{size()};
    for (int axis = 0; axis < x.rank(); ++axis) shape.append(x.size(axis));
    Tensor all(shape, x.dtype(), x.device());
    group_->check(ncclAllGather(x.raw(), all.raw(), n, detail::nccl_type(x.dtype()), group_->comm,
                                current_stream(device()).native()),
                  "ncclAllGather", what);
    return all;
  }
  // Returns when all in this thread's current stream is through, as every rank's is once its own returns.
  void barrier(const std::string& what = "barrier") const {
    all_reduce_sum(zeros({1}, DType::f32, Device::cuda(device().index)), what);
    Event end(device());
    end.record(current_stream(device()));
    group_->wait(end, "ncclAllReduce", what);
  }

 private:
  void all_reduce_sum_in(Stream& stream, const Tensor& x, const std::string& what) const {
    const auto n = checked(x, what);
    group_->check(ncclAllReduce(x.raw(), x.raw(), n, detail::nccl_type(x.dtype()), ncclSum, group_->comm,
                                stream.native()),
                  "ncclAllReduce", what);
  }
  std::size_t checked(const Tensor& x, const std::string& what) const {
    CORDIS_CHECK(x.defined(), "[NcclCommunicator] ", what, ": the tensor is undefined");
    CORDIS_CHECK(x.device() == Device::cuda(device().index), "[NcclCommunicator] ", what, ": x ", x.shape(),
                 " lives on ", x.device(), ", this rank's GPU is ", Device::cuda(device().index));
    CORDIS_CHECK(group_->comm, "[NcclCommunicator] ", what, ": this communicator was given up");
    return static_cast<std::size_t>(x.numel());
  }

  std::shared_ptr<detail::NcclGroup> group_;
};

}  // namespace cordis::inline CORDIS_ABI
