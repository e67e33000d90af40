// kernels/graph.cpp: recording and launching CUDA graphs
#include <cordis/cuda/graph.hpp>

#include "check.hpp"
#include "memory.hpp"

namespace cordis::inline CORDIS_ABI {

namespace {

bool& recording_flag() {
  thread_local bool flag = false;
  return flag;
}

// While alive, the stream records. The mode is relaxed because the work may take memory from the system.
class Capture {
 public:
  explicit Capture(Stream& stream) : stream_(stream) {
    CORDIS_CHECK(!recording_flag(), "[Graph] this thread records another graph already");
    check(cudaStreamBeginCapture(stream.native(), cudaStreamCaptureModeRelaxed), "cudaStreamBeginCapture");
    recording_flag() = true;
  }
  ~Capture() {
    recording_flag() = false;
    if (ended_) return;
    cudaGraph_t dropped = nullptr;
    if (cudaStreamEndCapture(stream_.native(), &dropped) == cudaSuccess && dropped) cudaGraphDestroy(dropped);
    cudaGetLastError();  // what broke the recording is on its way as an exception
  }
  cudaGraph_t end() {
    ended_ = true;
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream_.native(), &graph), "cudaStreamEndCapture");
    return graph;
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

 private:
  Stream& stream_;
  bool ended_ = false;
};

}  // namespace

bool recording() { return recording_flag(); }

Graph::Graph(Cuda device, const std::function<void()>& work) : stream_(device), launched_(device) {
  detail::keep_blocks(device, stream_.native());
  try {
    const StreamGuard guard(stream_);
    Capture capture(stream_);
    work();
    const cudaGraph_t graph = capture.end();
    const cudaError_t status = cudaGraphInstantiate(&native_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "cudaGraphInstantiate");
  } catch (const CudaError& error) {
    detail::release_blocks(device, stream_.native());
    throw CudaError(
        concat(error.what(),
               ", while a graph was recorded; what waits for the device, or copies from or to the "
               "CPU, cannot be recorded"));
  } catch (...) {
    detail::release_blocks(device, stream_.native());
    throw;
  }
}

Graph::~Graph() {
  cudaEventSynchronize(launched_.native());
  cudaGraphExecDestroy(native_);
  detail::release_blocks(stream_.device(), stream_.native());
}

void Graph::launch() {
  CORDIS_CHECK(!recording(), "[Graph] a graph is launched while another is recorded");
  Stream& stream = current_stream(stream_.device());
  use(stream_.device());
  // The launch before this one may have gone into another stream, and they write the same memory.
  stream.wait(launched_);
  check(cudaGraphLaunch(native_, stream.native()), "cudaGraphLaunch");
  launched_.record(stream);
}

}  // namespace cordis::inline CORDIS_ABI
