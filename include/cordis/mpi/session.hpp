// cordis/mpi/session.hpp: MPI from its start to its end, and its errors as exceptions
#pragma once

#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cordis/config.hpp>
#include <exception>
#include <iostream>
#include <thread>

namespace cordis::inline CORDIS_ABI {

// A call of MPI that failed: which, and MPI's own text.
struct MpiError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A collective that did not end in time: a rank has ended, hangs, or calls something else. Names the
// collective.
struct CollectiveTimeout : MpiError {
  using MpiError::MpiError;
};

namespace detail {

// Set once a collective was given up: some ranks wait for it for ever, so MPI cannot be ended in an orderly
// way.
inline std::atomic<bool>& mpi_broken() {
  static std::atomic<bool> broken{false};
  return broken;
}

inline void mpi_check(int code, const char* call, const std::string& what = {}) {
  if (code == MPI_SUCCESS) return;
  mpi_broken() = true;
  char text[MPI_MAX_ERROR_STRING] = "?";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw MpiError(concat("[", call, "] ", what, what.empty() ? "" : ": ", text));
}

using MpiClock = std::chrono::steady_clock;

// True once the request is through, false at `deadline`. Spins, then lets others run, then naps: ranks may
// have to share processors.
inline bool mpi_wait_until(MPI_Request& request, MpiClock::time_point deadline, const char* call,
                           const std::string& what) {
  const auto start = MpiClock::now();
  for (int turn = 0;; ++turn) {
    int done = 0;
    mpi_check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call, what);
    if (done) return true;
    if (turn < 64) continue;
    const auto now = MpiClock::now();
    if (now >= deadline) return false;
    const auto waited = now - start;
    if (waited < std::chrono::milliseconds(20))
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::min<MpiClock::duration>(waited / 100, std::chrono::milliseconds(1)));
  }
}

}  // namespace detail

// Begins MPI where nobody has, and then also ends it. One per program, made first, by the only thread that
// calls Cordis's collectives:
//   int main() { cordis::MpiSession mpi; cordis::Communicator world(mpi); ... }
// Where an exception leaves its scope, or a collective was given up, MPI is not ended, for that waits for the
// other ranks: this one exits without, upon which mpirun ends the job.
class MpiSession {
 public:
  // Longest wait for the other ranks at the end.
  explicit MpiSession(std::chrono::milliseconds deadline = std::chrono::minutes(10)) : deadline_(deadline) {
    int begun = 0, ended = 0;
    detail::mpi_check(MPI_Finalized(&ended), "MPI_Finalized");
    CORDIS_CHECK(!ended, "[MpiSession] MPI was ended in this process, and cannot begin again");
    detail::mpi_check(MPI_Initialized(&begun), "MPI_Initialized");
    if (!begun) {
      int level = MPI_THREAD_SINGLE;
      detail::mpi_check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "MPI_Init_thread");
      ours_ = true;
      if (level < MPI_THREAD_FUNNELED)
        throw MpiError(
            "[MPI_Init_thread] this MPI cannot run in a program with threads (MPI_THREAD_FUNNELED)");
    }
    for (const MPI_Comm comm : {MPI_COMM_WORLD, MPI_COMM_SELF})
      detail::mpi_check(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  }
  ~MpiSession() {
    if (!ours_ || detail::mpi_broken() || std::uncaught_exceptions() > unwinding_) return;
    MPI_Request request = MPI_REQUEST_NULL;
    try {
      detail::mpi_check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier");
      if (detail::mpi_wait_until(request, detail::MpiClock::now() + deadline_, "MPI_Ibarrier", "the end"))
        MPI_Finalize();
      else
        std::cerr << concat("[MpiSession] not all ranks came to the end within ",
                            static_cast<double>(deadline_.count()) / 1000, " s\n");
    } catch (const MpiError& error) {
      std::cerr << concat(error.what(), '\n');  // in one piece: ranks share the stream
    }
  }
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

 private:
  const int unwinding_ = std::uncaught_exceptions();
  std::chrono::milliseconds deadline_;
  bool ours_ = false;
};

}  // namespace cordis::inline CORDIS_ABI
