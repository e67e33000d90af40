// kernels/runtime.cpp: devices, streams, events and the choice of implementation
#include <cordis/cuda/runtime.hpp>
#include <map>
#include <memory>

#include "check.hpp"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI {

namespace {

struct ThreadState {
  int device = -1;                                  // as cudaSetDevice was last told; -1: never
  std::map<int, Stream*> current;                   // by device
  std::map<int, std::unique_ptr<Stream>> defaults;  // by device
  Backend backend = Backend::automatic;
};
ThreadState& state() {
  // Never destroyed: tensors with static storage duration outlive the thread's other objects.
  thread_local ThreadState& state = *new ThreadState;
  return state;
}
std::atomic<bool>& tf32_flag() {
  static std::atomic<bool> flag{false};
  return flag;
}

}  // namespace

int cuda_device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();  // no driver or no device: a count of 0, not an error of the next call
  return 0;
}

void use(Cuda device) {
  if (state().device == device.index) return;
  const int count = cuda_device_count();
  if (device.index < 0 || device.index >= count)
    throw CudaError(concat("[cuda] device ", device.index, " asked for, but this machine has ", count));
  check(cudaSetDevice(device.index), "cudaSetDevice");
  state().device = device.index;
}

CudaProperties properties(Cuda device) {
  use(device);
  cudaDeviceProp raw{};
  check(cudaGetDeviceProperties(&raw, device.index), "cudaGetDeviceProperties");
  return {raw.name, raw.major, raw.minor, raw.multiProcessorCount, raw.totalGlobalMem, raw.sharedMemPerBlock};
}

Stream::Stream(Cuda device) : device_(device) {
  use(device);
  check(cudaStreamCreateWithFlags(&native_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}
Stream::~Stream() {
  cudaStreamSynchronize(native_);  // its memory may go to another stream from now on
  cudaStreamDestroy(native_);
}
void Stream::wait(const Event& event) {
  use(device_);
  check(cudaStreamWaitEvent(native_, event.native(), 0), "cudaStreamWaitEvent");
}
void Stream::synchronize() {
  use(device_);
  check(cudaStreamSynchronize(native_), "cudaStreamSynchronize");
}

Stream& current_stream(Cuda device) {
  auto& current = state().current[device.index];
  if (!current) {
    auto& own = state().defaults[device.index];
    own = std::make_unique<Stream>(device);
    current = own.get();
  }
  return *current;
}

StreamGuard::StreamGuard(Stream& stream)
    : device_(stream.device().index), before_(&current_stream(stream.device())) {
  state().current[device_] = &stream;
}
StreamGuard::~StreamGuard() { state().current[device_] = before_; }

Event::Event(Cuda device, bool timing) : device_(device) {
  use(device);
  check(cudaEventCreateWithFlags(&native_, timing ? cudaEventDefault : cudaEventDisableTiming),
        "cudaEventCreateWithFlags");
}
Event::~Event() { cudaEventDestroy(native_); }
void Event::record(Stream& stream) {
  use(device_);
  check(cudaEventRecord(native_, stream.native()), "cudaEventRecord");
}
void Event::synchronize() const { check(cudaEventSynchronize(native_), "cudaEventSynchronize"); }
double Event::milliseconds_since(const Event& start) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, start.native_, native_), "cudaEventElapsedTime");
  return static_cast<double>(milliseconds);
}

void synchronize(Cuda device) { current_stream(device).synchronize(); }

Backend backend() { return state().backend; }
BackendGuard::BackendGuard(Backend backend) : before_(std::exchange(state().backend, backend)) {
  if (backend != Backend::cudnn || cudnn_available()) return;
  state().backend = before_;
  throw CudaError("[cuda] Backend::cudnn asked for, but this program was built without cuDNN");
}
BackendGuard::~BackendGuard() { state().backend = before_; }

std::string cuda_versions() {
  int runtime = 0, driver = 0;
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  const auto text = [](int version) { return concat(version / 1000, '.', version % 1000 / 10); };
  const std::string libraries = vendor::versions();
  return concat("CUDA ", text(runtime), ", driver ", text(driver), libraries.empty() ? "" : ", ", libraries);
}
bool cudnn_available() { return vendor::available(); }
void allow_tf32(bool on) { tf32_flag() = on; }
bool tf32_allowed() { return tf32_flag(); }

}  // namespace cordis::inline CORDIS_ABI
