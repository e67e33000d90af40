// kernels/upload.cpp: batches on their way to the device while the one before is computed with
#include <cordis/cuda/upload.hpp>
#include <cstring>
#include <memory>
#include <utility>

#include "check.hpp"

namespace cordis::inline CORDIS_ABI {

namespace {

// Memory of the host that the device copies from by itself.
class Pinned {
 public:
  Pinned() = default;
  ~Pinned() { cudaFreeHost(data_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  void* with_room_for(std::size_t bytes) {
    if (bytes <= bytes_) return data_;
    cudaFreeHost(std::exchange(data_, nullptr));
    bytes_ = 0;
    check(cudaMallocHost(&data_, bytes), "cudaMallocHost");
    bytes_ = bytes;
    return data_;
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

class Uploader {
 public:
  Uploader(Cuda device, TensorSource next)
      : device_(device), next_(std::move(next)), copies_(device), room_(device), arrived_(device) {
    send();
  }
  ~Uploader() {
    if (sending_) cudaStreamSynchronize(copies_.native());  // the pinned memory goes
  }

  Tensors operator()() {
    Tensors ready = std::exchange(on_their_way_, {});
    if (ready.empty()) return ready;
    current_stream(device_).wait(arrived_);
    send();
    return ready;
  }

 private:
  void send() {
    Tensors from = next_();
    if (from.empty()) return;
    if (sending_) arrived_.synchronize();  // the pinned memory is free again
    std::size_t bytes = 0;
    for (const auto& each : from) bytes += padded(each.bytes());
    use(device_);
    auto* staged = static_cast<std::byte*>(pinned_.with_room_for(bytes));
    for (const auto& each : from)
      on_their_way_.emplace_back(each.shape(), each.dtype(), Device::cuda(device_.index));
    // Their memory is the current stream's, which may still be using it for what was there before.
    room_.record(current_stream(device_));
    copies_.wait(room_);
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].bytes() == 0) continue;
      std::memcpy(staged, from[i].raw(), from[i].bytes());
      check(cudaMemcpyAsync(on_their_way_[i].raw(), staged, from[i].bytes(), cudaMemcpyHostToDevice,
                            copies_.native()),
            "cudaMemcpyAsync of a batch");
      staged += padded(from[i].bytes());
    }
    arrived_.record(copies_);
    sending_ = true;
  }
  static std::size_t padded(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

  Cuda device_;
  TensorSource next_;
  Stream copies_;
  Event room_, arrived_;
  Pinned pinned_;
  Tensors on_their_way_;
  bool sending_ = false;
};

}  // namespace

TensorSource uploaded(Cuda device, TensorSource next) {
  return [uploader = std::make_shared<Uploader>(device, std::move(next))] { return (*uploader)(); };
}

}  // namespace cordis::inline CORDIS_ABI
