// tests/simt/streams.hpp: streams whose work waits until somebody synchronises with it
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "race.hpp"

namespace simt {

struct Stream;

struct Point {  // in a stream: its operations up to `number`
  Stream* stream = nullptr;
  std::uint64_t number = 0;
};

using Work = std::function<void()>;

// What was captured, in order.
struct Graph {
  std::vector<Work> work;
  int device = 0;
};

struct Stream {
  struct Operation {
    Work work;
    std::vector<Point> after;
    race::Clock clock;
  };

  int device = 0;
  std::size_t index = 0;  // in clocks
  bool is_default = false, blocking = true, alive = true;
  std::uint64_t queued = 0, done = 0;  // numbers of the last such operation
  std::deque<Operation> waiting;
  std::vector<Point> after;  // what the next operation comes after
  race::Clock clock;         // what it may rely on
  std::unique_ptr<Graph> capture;
  cudaStreamCaptureMode capture_mode{};
  bool capture_broken = false;
};

struct Event {
  Point point;
  race::Clock clock;
  std::chrono::steady_clock::time_point time{};
  bool timed = true, recorded = false, captured = false, alive = true;
};

// All calls of the runtime, from any host thread, take turns.
std::recursive_mutex& runtime_mutex();

int& current_device();
int device_count();

// Null where the handle is none of a living stream's.
Stream* find_stream(cudaStream_t handle);
Stream* create_stream(bool blocking);
void destroy_stream(Stream& stream);

// Puts work into the stream, or into the graph that it captures.
void enqueue(Stream& stream, Work work);
// Runs what the point needs, and perhaps more, in an order drawn at random.
void run_to(Point point);
// The host waits.
void synchronize(Stream& stream);
void synchronize(Point point, const race::Clock& clock);
void synchronize_device(int device);
void synchronize_all();

void record(Event& event, Stream& stream);
void wait(Stream& stream, const Event& event);

bool idle(const Stream& stream);
// Whether a call that may not happen while a stream captures happens while one does; ends the capture.
bool breaks_capture();
// Whether a stream's work calls the runtime, which it may not.
bool within_work();

}  // namespace simt
