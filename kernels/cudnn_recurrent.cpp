// kernels/cudnn_recurrent.cpp: LSTM and GRU layers by cuDNN
// cuDNN keeps all weights in one block whose layout only cudnnGetRNNWeightParams knows; ours are copied into
// it and their gradients out of it. Its gates are in PyTorch's order and a GRU's formula is PyTorch's.
#include <array>
#include <stdexcept>

#include "cudnn.hpp"
#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI::vendor {

namespace {

// A descriptor that is not the graph API's.
template <class Native, cudnnStatus_t (*create)(Native*), cudnnStatus_t (*destroy)(Native)>
class Owned {
 public:
  Owned() { check(create(&native_), "cudnnCreate...Descriptor"); }
  ~Owned() { destroy(native_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  operator Native() const { return native_; }

 private:
  Native native_ = nullptr;
};
using RnnDescriptor = Owned<cudnnRNNDescriptor_t, cudnnCreateRNNDescriptor, cudnnDestroyRNNDescriptor>;
using DropoutDescriptor =
    Owned<cudnnDropoutDescriptor_t, cudnnCreateDropoutDescriptor, cudnnDestroyDropoutDescriptor>;
using SequenceDescriptor =
    Owned<cudnnRNNDataDescriptor_t, cudnnCreateRNNDataDescriptor, cudnnDestroyRNNDataDescriptor>;
using TensorDescriptor =
    Owned<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;

// Bytes of ours that lie in one piece in cuDNN's block of weights as well.
struct Piece {
  char* ours;
  char* block;
  std::size_t bytes;
};

// The layer as cuDNN is told of it, anew for each call: that takes microseconds and no memory of the device.
class Layer {
 public:
  Layer(Cuda device, const RecurrentShape& shape, bool training)
      : device_(device),
        shape_(shape),
        mode_(training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE),
        handle_(cudnn_handle(device)),
        stream_(current_stream(device).native()) {
    const int L = narrow(shape.L, "steps"), N = narrow(shape.N, "samples"), I = narrow(shape.I, "inputs"),
              H = narrow(shape.H, "units"), D = narrow(shape.directions, "directions");
    const cudnnDataType_t type = cudnn_type(shape.dtype);
    const cudnnMathType_t math =
        shape.dtype == DType::f32 && !tf32_allowed() ? CUDNN_FMA_MATH : CUDNN_DEFAULT_MATH;
    check(cudnnSetDropoutDescriptor(dropout_, handle_, 0, nullptr, 0, 0), "cudnnSetDropoutDescriptor");
    check(cudnnSetRNNDescriptor_v8(rnn_, CUDNN_RNN_ALGO_STANDARD, shape.lstm ? CUDNN_LSTM : CUDNN_GRU,
                                   shape.bias ? CUDNN_RNN_DOUBLE_BIAS : CUDNN_RNN_NO_BIAS,
                                   D == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT,
                                   type, type, math, I, H, H, 1, dropout_, CUDNN_RNN_PADDED_IO_ENABLED),
          "cudnnSetRNNDescriptor_v8");
    const std::vector<int> lengths(static_cast<std::size_t>(N), L);
    const auto sequence = [&](const SequenceDescriptor& descriptor, int width) {
      check(cudnnSetRNNDataDescriptor(descriptor, type, CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED, L, N,
                                      width, lengths.data(), nullptr),
            "cudnnSetRNNDataDescriptor");
    };
    sequence(x_, I);
    sequence(y_, D * H);
    const int sizes[] = {D, N, H}, strides[] = {N * H, H, 1};
    check(cudnnSetTensorNdDescriptor(state_, type, 3, sizes, strides), "cudnnSetTensorNdDescriptor");
    check(cudnnGetRNNWeightSpaceSize(handle_, rnn_, &weight_bytes_), "cudnnGetRNNWeightSpaceSize");
    check(cudnnGetRNNTempSpaceSizes(handle_, rnn_, mode_, x_, &work_bytes_, &reserve_bytes_),
          "cudnnGetRNNTempSpaceSizes");
    if (!training) reserve_bytes_ = 0;
  }

  void forward(RecurrentReserve& saved, const void* x, const void* h0, const void* c0,
               const RecurrentPointers* weights, void* y, void* h_n, void* c_n) {
    const Storage block = zeros();
    for (const Piece& piece : pieces(block.data(), weights)) copy(piece.block, piece.ours, piece.bytes);
    const bool keep = mode_ == CUDNN_FWD_MODE_TRAINING;
    const Storage workspace = storage(work_bytes_), reserve = keep ? storage(reserve_bytes_) : Storage{};
    check(cudnnRNNForward(handle_, rnn_, mode_, nullptr, x_, x, y_, y, state_, h0, h_n, cell(), c0, c_n,
                          weight_bytes_, block.data(), work_bytes_, workspace.data(), reserve_bytes_,
                          reserve.data()),
          "cudnnRNNForward");
    if (keep) saved = {block, reserve};
  }

  void backward(const RecurrentReserve& saved, void* dx, void* dh0, void* dc0, const RecurrentPointers* dw,
                const void* dy, const void* dh_n, const void* dc_n, const void* x, const void* y,
                const void* h0, const void* c0) {
    const Storage workspace = storage(work_bytes_);
    Storage no_dx, no_dy;  // cuDNN wants both
    const auto count = [&](std::int64_t width) {
      return static_cast<std::size_t>(shape_.N * shape_.L * width) * size_of(shape_.dtype);
    };
    if (!dx) dx = (no_dx = storage(count(shape_.I))).data();
    if (!dy) {
      const std::size_t bytes = count(shape_.directions * shape_.H);
      no_dy = storage(bytes);
      check(cudaMemsetAsync(no_dy.data(), 0, bytes, stream_), "cudaMemsetAsync");
      dy = no_dy.data();
    }
    check(cudnnRNNBackwardData_v8(handle_, rnn_, nullptr, y_, y, dy, x_, dx, state_, h0, dh_n, dh0, cell(),
                                  c0, dc_n, dc0, weight_bytes_, saved.weights.data(), work_bytes_,
                                  workspace.data(), reserve_bytes_, saved.reserve.data()),
          "cudnnRNNBackwardData_v8");
    const Storage gradients = zeros();
    const std::vector<Piece> wanted = pieces(gradients.data(), dw);
    if (wanted.empty()) return;
    check(cudnnRNNBackwardWeights_v8(handle_, rnn_, CUDNN_WGRAD_MODE_ADD, nullptr, x_, x, state_, h0, y_, y,
                                     weight_bytes_, gradients.data(), work_bytes_, workspace.data(),
                                     reserve_bytes_, saved.reserve.data()),
          "cudnnRNNBackwardWeights_v8");
    for (const Piece& piece : wanted) copy(piece.ours, piece.block, piece.bytes);
  }

  Storage copy_of_reserve(const RecurrentReserve& saved) {
    Storage aside = storage(reserve_bytes_);
    copy(aside.data(), saved.reserve.data(), reserve_bytes_);
    return aside;
  }
  void restore_reserve(const RecurrentReserve& saved, const Storage& aside) {
    copy(saved.reserve.data(), aside.data(), reserve_bytes_);
  }

 private:
  Storage storage(std::size_t bytes) const { return Storage(bytes, Device::cuda(device_.index)); }
  // A block of weights of zeros: its gaps are nobody's, and gradients are added.
  Storage zeros() const {
    Storage block = storage(weight_bytes_);
    check(cudaMemsetAsync(block.data(), 0, weight_bytes_, stream_), "cudaMemsetAsync");
    return block;
  }
  void copy(void* to, const void* from, std::size_t bytes) const {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync");
  }
  cudnnTensorDescriptor_t cell() const { return shape_.lstm ? cudnnTensorDescriptor_t{state_} : nullptr; }

  // Where the parameters that are not null lie in the block, neighbours of both in one piece.
  std::vector<Piece> pieces(const void* block, const RecurrentPointers* parameters) const {
    std::vector<Piece> all;
    const auto add = [&](void* ours, std::int64_t offset, void* inside, std::int64_t count) {
      const std::size_t element = size_of(shape_.dtype), bytes = static_cast<std::size_t>(count) * element;
      const Piece piece{static_cast<char*>(ours) + static_cast<std::size_t>(offset) * element,
                        static_cast<char*>(inside), bytes};
      Piece* const last = all.empty() ? nullptr : &all.back();
      if (last && last->ours + last->bytes == piece.ours && last->block + last->bytes == piece.block)
        last->bytes += bytes;
      else
        all.push_back(piece);
    };
    const int gates = shape_.lstm ? 4 : 3;
    for (int d = 0; d < static_cast<int>(shape_.directions); ++d) {
      const RecurrentPointers& ours = parameters[d];
      for (const bool biases : {false, true}) {
        for (int id = 0; id < 2 * gates; ++id) {  // gates of the input, then of the state
          const bool of_state = id >= gates;
          void* matrix = nullptr;
          void* bias = nullptr;
          check(cudnnGetRNNWeightParams(handle_, rnn_, d, weight_bytes_, block, id, matrix_, &matrix, bias_,
                                        &bias),
                "cudnnGetRNNWeightParams");
          const std::int64_t gate = id % gates, columns = of_state ? shape_.H : shape_.I;
          void* const target =
              biases ? (of_state ? ours.b_hh : ours.b_ih) : (of_state ? ours.w_hh : ours.w_ih);
          const std::int64_t count = biases ? shape_.H : shape_.H * columns;
          if (target) add(target, gate * count, biases ? bias : matrix, count);
        }
      }
    }
    return all;
  }

  Cuda device_;
  RecurrentShape shape_;
  cudnnForwardMode_t mode_;
  cudnnHandle_t handle_;
  cudaStream_t stream_;
  std::size_t weight_bytes_ = 0, work_bytes_ = 0, reserve_bytes_ = 0;
  DropoutDescriptor dropout_;
  RnnDescriptor rnn_;
  SequenceDescriptor x_, y_;
  TensorDescriptor state_, matrix_, bias_;
};

}  // namespace

void recurrent_forward(Cuda device, const RecurrentShape& shape, bool keep, RecurrentReserve& saved,
                       const void* x, const void* h0, const void* c0, const RecurrentPointers* weights,
                       void* y, void* h_n, void* c_n) {
  Layer(device, shape, keep).forward(saved, x, h0, c0, weights, y, h_n, c_n);
}

void recurrent_backward(Cuda device, const RecurrentShape& shape, RecurrentReserve& saved, void* dx,
                        void* dh0, void* dc0, const RecurrentPointers* dw, const void* dy, const void* dh_n,
                        const void* dc_n, const void* x, const void* y, const void* h0, const void* c0,
                        bool again) {
  if (!saved.reserve)
    throw std::logic_error(
        "[cuda] a second backward through a recurrent layer: cuDNN overwrote what forward kept");
  Layer layer(device, shape, true);
  const Storage aside = again ? layer.copy_of_reserve(saved) : Storage{};
  layer.backward(saved, dx, dh0, dc0, dw, dy, dh_n, dc_n, x, y, h0, c0);
  if (again)
    layer.restore_reserve(saved, aside);
  else
    saved.reserve = {};
}

}  // namespace cordis::inline CORDIS_ABI::vendor
