// cordis/mpi/communicator.hpp: collectives of tensors over MPI, each with a deadline
#pragma once

#include <cordis/core/tensor.hpp>
#include <cordis/mpi/session.hpp>
#include <memory>
#include <string>
#include <utility>

namespace cordis::inline CORDIS_ABI {

namespace detail {

struct MpiGroup {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0, size = 1;
  std::chrono::milliseconds deadline{};

  MpiGroup() = default;
  MpiGroup(const MpiGroup&) = delete;
  MpiGroup& operator=(const MpiGroup&) = delete;
  ~MpiGroup() {
    int ended = 0;
    if (comm == MPI_COMM_NULL || mpi_broken() || MPI_Finalized(&ended) != MPI_SUCCESS || ended) return;
    MPI_Comm_free(&comm);
  }
};

inline MPI_Datatype mpi_type(DType dtype) {
  if (dtype == DType::f32) return MPI_FLOAT;
  if (dtype == DType::f64) return MPI_DOUBLE;
  return MPI_INT64_T;
}

}  // namespace detail

// A collective under way. Holds the tensors it reads and writes, which nobody else may touch before wait().
class Pending {
 public:
  Pending() = default;
  Pending(Pending&&) = default;  // takes over
  // Takes over; what it held before is given up.
  Pending& operator=(Pending&& other) {
    abandon();
    work_ = std::move(other.work_);
    return *this;
  }
  ~Pending() { abandon(); }

  // Whether it is through; also what makes it go on while this rank computes.
  bool done() {
    if (!work_) return true;
    int through = 0;
    detail::mpi_check(MPI_Test(&work_->request, &through, MPI_STATUS_IGNORE), work_->call, work_->what);
    if (through) work_.reset();
    return through != 0;
  }
  // Returns when it is through; throws CollectiveTimeout where that takes longer than the communicator's
  // deadline.
  void wait() {
    if (!work_) return;
    const auto& group = *work_->group;
    if (!detail::mpi_wait_until(work_->request, detail::MpiClock::now() + group.deadline, work_->call,
                                work_->what)) {
      const std::string text =
          concat("[", work_->call, "] ", work_->what, " did not end within ",
                 static_cast<double>(group.deadline.count()) / 1000, " s on rank ", group.rank, " of ",
                 group.size, ": another rank has ended, hangs, or is in another collective");
      abandon();
      throw CollectiveTimeout(text);
    }
    work_.reset();
  }

 private:
  friend class Communicator;
  struct Work {
    MPI_Request request = MPI_REQUEST_NULL;
    Tensors buffers;
    std::shared_ptr<const detail::MpiGroup> group;
    const char* call;
    std::string what;
  };
  Pending(std::shared_ptr<const detail::MpiGroup> group, Tensors buffers, const char* call, std::string what)
      : work_(new Work{MPI_REQUEST_NULL, std::move(buffers), std::move(group), call, std::move(what)}) {}
  // MPI may still write what an unfinished request names: it is never freed.
  void abandon() {
    if (!work_) return;
    detail::mpi_broken() = true;
    static_cast<void>(work_.release());
  }
  std::unique_ptr<Work> work_;
};

// Of a Communicator.
struct CommunicatorOptions {
  // Longest wait for any collective, and so the longest time that a rank may be on its own, to evaluate or to
  // save.
  std::chrono::milliseconds deadline = std::chrono::minutes(10);
};

// Ranks that compute together. A handle: copies are the same group. Collectives are called by every rank, in
// the same order, with tensors of the same shape and element type, on the CPU; `what` names them in errors.
class Communicator {
 public:
  // Of all ranks; collective.
  explicit Communicator(const MpiSession&, const CommunicatorOptions& options = {})
      : Communicator(MPI_COMM_WORLD, options) {}
  // Of those of `comm`; collective. Messages of one never meet those of the other.
  explicit Communicator(MPI_Comm comm, const CommunicatorOptions& options = {}) {
    CORDIS_CHECK(options.deadline.count() > 0, "[Communicator] a deadline of ", options.deadline.count(),
                 " ms is not positive");
    const auto group = std::make_shared<detail::MpiGroup>();
    group->deadline = options.deadline;
    detail::mpi_check(MPI_Comm_rank(comm, &group->rank), "MPI_Comm_rank");
    detail::mpi_check(MPI_Comm_size(comm, &group->size), "MPI_Comm_size");
    Pending pending(group, {}, "MPI_Comm_idup", "a new communicator");
    check(MPI_Comm_idup(comm, &group->comm, &pending.work_->request), pending);
    pending.wait();
    detail::mpi_check(MPI_Comm_set_errhandler(group->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    group_ = group;
  }
  // The same ranks with messages of their own; collective.
  Communicator duplicate() const { return Communicator(group_->comm, {.deadline = group_->deadline}); }

  int rank() const { return group_->rank; }  // this one, from 0
  int size() const { return group_->size; }  // how many there are
  // For calls of MPI's own.
  MPI_Comm native() const { return group_->comm; }

  // x becomes the sum of all ranks' x, the same bits on each.
  Pending start_all_reduce_sum(const Tensor& x, const std::string& what = "all_reduce_sum") const {
    Pending pending = begin("MPI_Iallreduce", what, x);
    check(MPI_Iallreduce(MPI_IN_PLACE, x.raw(), count(x), detail::mpi_type(x.dtype()), MPI_SUM, group_->comm,
                         &pending.work_->request),
          pending);
    return pending;
  }
  // start_all_reduce_sum, waited for.
  void all_reduce_sum(const Tensor& x, const std::string& what = "all_reduce_sum") const {
    start_all_reduce_sum(x, what).wait();
  }

  // x becomes root's x.
  Pending start_broadcast(const Tensor& x, int root = 0, const std::string& what = "broadcast") const {
    CORDIS_CHECK(0 <= root && root < size(), "[Communicator] broadcast from rank ", root, " of ", size());
    Pending pending = begin("MPI_Ibcast", what, x);
    check(MPI_Ibcast(x.raw(), count(x), detail::mpi_type(x.dtype()), root, group_->comm,
                     &pending.work_->request),
          pending);
    return pending;
  }
  // start_broadcast, waited for.
  void broadcast(const Tensor& x, int root = 0, const std::string& what = "broadcast") const {
    start_broadcast(x, root, what).wait();
  }

  // All ranks' x, one after the other: (size, x.shape...).
  Tensor all_gather(const Tensor& x, const std::string& what = "all_gather") const {
    Pending pending = begin("MPI_Iallgather", what, x);
    Shape shape{size()};
    for (int axis = 0; axis < x.rank(); ++axis) shape.append(x.size(axis));
    const Tensor all(shape, x.dtype());
    pending.work_->buffers.push_back(all);
    check(MPI_Iallgather(x.raw(), count(x), detail::mpi_type(x.dtype()), all.raw(), count(x),
                         detail::mpi_type(x.dtype()), group_->comm, &pending.work_->request),
          pending);
    pending.wait();
    return all;
  }

  // Returns when every rank has called it.
  void barrier(const std::string& what = "barrier") const {
    Pending pending(group_, {}, "MPI_Ibarrier", what);
    check(MPI_Ibarrier(group_->comm, &pending.work_->request), pending);
    pending.wait();
  }

 private:
  Pending begin(const char* call, const std::string& what, const Tensor& x) const {
    CORDIS_CHECK(x.defined(), "[Communicator] ", what, ": the tensor is undefined");
    CORDIS_CHECK(x.device() == Device::cpu(), "[Communicator] ", what, ": x ", x.shape(), " lives on ",
                 x.device(), "; MPI moves what lives on the CPU");
    CORDIS_CHECK(x.numel() <= INT32_MAX, "[Communicator] ", what, ": x ", x.shape(), " has more than ",
                 INT32_MAX, " elements");
    return Pending(group_, {x}, call, concat(what, " of ", x.dtype(), ' ', x.shape()));
  }
  static int count(const Tensor& x) { return static_cast<int>(x.numel()); }
  // Of a call that begins `pending`, which does not run where that failed.
  static void check(int code, Pending& pending) {
    if (code == MPI_SUCCESS) return;
    const auto work = std::move(pending.work_);
    detail::mpi_check(code, work->call, work->what);
  }

  std::shared_ptr<const detail::MpiGroup> group_;
};

}  // namespace cordis::inline CORDIS_ABI
