// cordis/cuda/graph.hpp: work for a GPU that is recorded once and started again with one call
#pragma once

#include <cordis/cuda/runtime.hpp>
#include <functional>

struct CUgraphExec_st;  // cudaGraphExec_t is a pointer to it

namespace cordis::inline CORDIS_ABI {

// What work() puts into this thread's current stream on the device, as one CUDA graph. It is recorded, not
// run: tensors made by it have their values after the first launch, and the next launch writes them anew.
// Tensors that it reads or writes and that others made have to live as long as the graph; memory that it
// takes is the graph's own.
//
// Run the work once before it is recorded, so that plans and handles of libraries are made. Whatever needs
// the CPU in between cannot be recorded and throws: copies from and to the CPU (item() is one), waiting, and
// what would be the same at each launch but must not: dropout's random numbers, the step count of an
// optimizer.
class Graph {
 public:
  // Records work(), which is not run; throws where it cannot be recorded.
  Graph(Cuda device, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void launch();  // into this thread's current stream

 private:
  Stream stream_;  // of the memory that the work takes
  Event launched_;
  CUgraphExec_st* native_ = nullptr;
};

// Whether this thread records.
bool recording();

}  // namespace cordis::inline CORDIS_ABI
