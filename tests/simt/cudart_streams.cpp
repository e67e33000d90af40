// tests/simt/cudart_streams.cpp: the stand-in runtime: streams, events and graphs
#include <set>

#include "cudart.hpp"
#include "device_memory.hpp"
#include "violation.hpp"

namespace simt {

namespace {

std::set<Event*>& events() {
  static auto& all = *new std::set<Event*>;  // destroyed ones stay: work may still record them
  return all;
}
Event* find_event(cudaEvent_t handle) {
  auto* const event = reinterpret_cast<Event*>(handle);
  if (!events().contains(event)) return nullptr;
  if (!event->alive) violation("a destroyed event is used");
  return event;
}

cudaError_t create_event(cudaEvent_t* out, bool timed) {
  auto* const event = new Event;
  event->timed = timed;
  events().insert(event);
  *out = reinterpret_cast<cudaEvent_t>(event);
  return cudaSuccess;
}

cudaError_t create(cudaStream_t* out, bool blocking) {
  *out = reinterpret_cast<cudaStream_t>(create_stream(blocking));
  return cudaSuccess;
}

// Waiting for a stream that captures ends its capture.
bool captures(Stream& stream) {
  if (!stream.capture) return false;
  return stream.capture_broken = true;
}

}  // namespace

}  // namespace simt

using namespace simt;

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* out) {
  const Call call("cudaStreamCreate");
  return create(out, true);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags) {
  const Call call("cudaStreamCreateWithFlags");
  return create(out, !(flags & cudaStreamNonBlocking));
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* out, unsigned flags, int) {
  return cudaStreamCreateWithFlags(out, flags);
}
cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Call call("cudaStreamDestroy");
  Stream* const stream = find_stream(handle);
  if (!stream || stream->is_default) return result(cudaErrorInvalidResourceHandle);
  destroy_stream(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Call call("cudaStreamSynchronize");
  Stream* const stream = find_stream(handle);
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  if (captures(*stream)) return result(cudaErrorStreamCaptureUnsupported);
  synchronize(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Call call("cudaStreamQuery");
  Stream* const stream = find_stream(handle);
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  if (captures(*stream)) return result(cudaErrorStreamCaptureUnsupported);
  if (idle(*stream)) {
    synchronize(*stream);
    return cudaSuccess;
  }
  run_to({stream, stream->done + 1});  // who asks again and again must see it end
  return cudaErrorNotReady;
}
cudaError_t cudaDeviceSynchronize() {
  const Call call("cudaDeviceSynchronize");
  if (breaks_capture()) return result(cudaErrorStreamCaptureUnsupported);
  synchronize_device(current_device());
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned) {
  const Call call("cudaStreamWaitEvent");
  Stream* const stream = find_stream(handle);
  const Event* const event = find_event(event_handle);
  if (!stream || !event) return result(cudaErrorInvalidResourceHandle);
  if (event->captured)  // one stream's capture: its own events only
    return result(stream->capture ? cudaSuccess : cudaErrorCapturedEvent);
  if (stream->capture && event->recorded) {
    stream->capture_broken = true;
    return result(cudaErrorStreamCaptureIsolation);
  }
  wait(*stream, *event);
  return cudaSuccess;
}
cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  const Call call("cudaLaunchHostFunc");
  Stream* const stream = find_stream(handle);
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  enqueue(*stream, [=] {
    device_memory().close();
    function(data);
    device_memory().open();
  });
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* out) {
  const Call call("cudaEventCreate");
  return create_event(out, true);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags) {
  const Call call("cudaEventCreateWithFlags");
  return create_event(out, !(flags & cudaEventDisableTiming));
}
cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  const Call call("cudaEventDestroy");
  Event* const event = find_event(handle);
  if (!event) return result(cudaErrorInvalidResourceHandle);
  event->alive = false;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  const Call call("cudaEventRecord");
  Event* const event = find_event(handle);
  Stream* const stream = find_stream(stream_handle);
  if (!event || !stream) return result(cudaErrorInvalidResourceHandle);
  record(*event, *stream);
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  const Call call("cudaEventSynchronize");
  const Event* const event = find_event(handle);
  if (!event) return result(cudaErrorInvalidResourceHandle);
  if (event->captured) return result(cudaErrorCapturedEvent);
  synchronize(event->point, event->clock);
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t handle) {
  const Call call("cudaEventQuery");
  const Event* const event = find_event(handle);
  if (!event) return result(cudaErrorInvalidResourceHandle);
  if (event->captured) return result(cudaErrorCapturedEvent);
  Stream* const stream = event->point.stream;
  if (stream && stream->done < event->point.number) {
    run_to({stream, stream->done + 1});
    return cudaErrorNotReady;
  }
  synchronize(event->point, event->clock);
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from_handle, cudaEvent_t to_handle) {
  const Call call("cudaEventElapsedTime");
  const Event *from = find_event(from_handle), *to = find_event(to_handle);
  if (!from || !to || !from->timed || !to->timed || !from->recorded || !to->recorded)
    return result(cudaErrorInvalidResourceHandle);
  for (const Event* event : {from, to})
    if (event->point.stream->done < event->point.number) return result(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const Call call("cudaStreamBeginCapture");
  Stream* const stream = find_stream(handle);
  if (!stream || stream->is_default || stream->capture) return result(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_unique<Graph>();
  stream->capture->device = stream->device;
  stream->capture_mode = mode;
  stream->capture_broken = false;
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const Call call("cudaStreamIsCapturing");
  const Stream* const stream = find_stream(handle);
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  *status = !stream->capture ? cudaStreamCaptureStatusNone
                             : (stream->capture_broken ? cudaStreamCaptureStatusInvalidated
                                                       : cudaStreamCaptureStatusActive);
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const Call call("cudaStreamEndCapture");
  Stream* const stream = find_stream(handle);
  *graph = nullptr;
  if (!stream || !stream->capture) return result(cudaErrorStreamCaptureUnmatched);
  const auto captured = std::move(stream->capture);
  if (stream->capture_broken) return result(cudaErrorStreamCaptureInvalidated);
  *graph = reinterpret_cast<cudaGraph_t>(new Graph(*captured));
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  const Call call("cudaGraphInstantiate");
  if (!graph) return result(cudaErrorInvalidValue);
  *exec = reinterpret_cast<cudaGraphExec_t>(new Graph(*reinterpret_cast<const Graph*>(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  const Call call("cudaGraphLaunch");
  Stream* const stream = find_stream(handle);
  if (!stream || !exec) return result(cudaErrorInvalidResourceHandle);
  for (const Work& work : reinterpret_cast<const Graph*>(exec)->work) enqueue(*stream, work);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete reinterpret_cast<Graph*>(exec);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<Graph*>(graph);
  return cudaSuccess;
}

}  // extern "C"
