// cordis/cuda/runtime.hpp: devices, streams, events and pinned memory
// Plain C++ that any compiler reads; defined in the library cordis::cuda. Each thread has one current stream
// per device, at first one of Cordis's own; all kernels go into it.
#pragma once

#include <cordis/core/device.hpp>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

struct CUstream_st;  // cudaStream_t is a pointer to it
struct CUevent_st;   // cudaEvent_t is

namespace cordis::inline CORDIS_ABI {

// A call of CUDA, cuDNN or cuBLAS that failed: what was called, where, and the library's own text.
struct CudaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What CUDA says of a GPU.
struct CudaProperties {
  std::string name;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  std::size_t memory = 0;            // bytes
  std::size_t shared_per_block = 0;  // bytes that a launch may ask for
};
CudaProperties properties(Cuda device);  // throws CudaError where there is none of that number

class Event;

// A queue of work on one device. Moves, never copies; destroyed after its work.
class Stream {
 public:
  explicit Stream(Cuda device);  // an empty one
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Cuda device() const { return device_; }          // that its work runs on
  CUstream_st* native() const { return native_; }  // for calls of CUDA's own
  void wait(const Event& event);                   // what is put in from now on runs after the event
  void synchronize();                              // returns when all is done

 private:
  Cuda device_;
  CUstream_st* native_ = nullptr;
};

// This thread's stream on the device.
Stream& current_stream(Cuda device);

// While alive, `stream` is this thread's current one on its device.
class StreamGuard {
 public:
  // Makes `stream` this thread's current one on its device.
  explicit StreamGuard(Stream& stream);
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

 private:
  int device_;
  Stream* before_;
};

// A point in a stream.
class Event {
 public:
  // With timing, it can be measured from.
  explicit Event(Cuda device, bool timing = false);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  CUevent_st* native() const { return native_; }        // for calls of CUDA's own
  void record(Stream& stream);                          // reached once what the stream has now is done
  void synchronize() const;                             // returns when the point is reached
  double milliseconds_since(const Event& start) const;  // both made with timing, both reached

 private:
  Cuda device_;
  CUevent_st* native_ = nullptr;
};

// Waits for this thread's current stream, and throws what went wrong in it.
void synchronize(Cuda device);

// Which implementation computes convolutions, matrix products and recurrent layers.
enum class Backend {
  automatic,  // cuDNN and cuBLAS where they serve (f32), else our own kernels
  own,        // the kernels of kernels/*.cuh
  cudnn,      // cuDNN, and cuBLAS for products; an error where they cannot
};
Backend backend();  // what this thread's ops use
// While alive, this thread's ops use `backend`.
class BackendGuard {
 public:
  // Takes it for this thread; the one before comes back at the end.
  explicit BackendGuard(Backend backend);
  ~BackendGuard();
  BackendGuard(const BackendGuard&) = delete;
  BackendGuard& operator=(const BackendGuard&) = delete;

 private:
  Backend before_;
};
bool cudnn_available();       // in this program, on this machine
std::string cuda_versions();  // "CUDA 13.0, driver 13.0, cuDNN 9.19.0, cuBLAS 13.0.2"
// Products and convolutions of f32 in TF32 (10 bits of mantissa) where the device has it. Off at first.
void allow_tf32(bool on);
bool tf32_allowed();  // whether it is on

}  // namespace cordis::inline CORDIS_ABI
