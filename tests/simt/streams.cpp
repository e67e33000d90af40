// tests/simt/streams.cpp: streams whose work waits until somebody synchronises with it
#include "streams.hpp"

#include <algorithm>

#include "device_memory.hpp"
#include "scheduler.hpp"
#include "violation.hpp"

namespace simt {

namespace {

constexpr std::uint64_t kOthersOneIn = 8;  // how often work runs that nobody waits for

struct Streams {
  std::vector<std::unique_ptr<Stream>> all;  // never destroyed: the work of a destroyed one goes on
  std::vector<Stream*> defaults;             // by device
  race::Clock host;                          // what the host has waited for
  int depth = 0;                             // of work that runs

  Stream& add(int device) {
    all.push_back(std::make_unique<Stream>());
    all.back()->device = device;
    all.back()->index = all.size() - 1;
    return *all.back();
  }
  Streams() {
    for (int device = 0; device < device_count(); ++device) {
      Stream& stream = add(device);
      stream.is_default = true;
      defaults.push_back(&stream);
    }
  }
};

Streams& streams() {
  static Streams& streams = *new Streams;
  return streams;
}

void join(race::Clock& to, const race::Clock& from) {
  if (to.size() < from.size()) to.resize(from.size());
  for (std::size_t k = 0; k < from.size(); ++k) to[k] = std::max(to[k], from[k]);
}

void come_after(Stream& stream, const Stream& other) {
  if (other.done < other.queued) stream.after.push_back({const_cast<Stream*>(&other), other.queued});
  join(stream.clock, other.clock);
}

// The legacy default stream waits for the blocking streams of its device, and they for it.
void follow_default_rules(Stream& stream) {
  if (!stream.is_default) {
    if (stream.blocking) come_after(stream, *streams().defaults[static_cast<std::size_t>(stream.device)]);
    return;
  }
  for (const auto& other : streams().all) {
    if (other.get() == &stream || other->device != stream.device || !other->blocking) continue;
    if (other->capture) violation("the default stream is used while a blocking stream is being captured");
    come_after(stream, *other);
  }
}

Stream* draw_busy(int device) {
  std::vector<Stream*> busy;
  for (const auto& stream : streams().all)
    if (!idle(*stream) && (device < 0 || stream->device == device)) busy.push_back(stream.get());
  return busy.empty() ? nullptr : busy[draw(busy.size())];
}

void run_first(Stream& stream) {
  Stream::Operation operation = std::move(stream.waiting.front());
  stream.waiting.pop_front();
  race::begin_operation(stream.index, stream.done + 1, operation.clock);
  ++streams().depth;
  operation.work();
  --streams().depth;
  ++stream.done;
}

void run_needed(Point point) {
  Stream& stream = *point.stream;
  while (stream.done < point.number) {
    auto& after = stream.waiting.front().after;
    std::erase_if(after, [](const Point& p) { return p.stream->done >= p.number; });
    if (after.empty())
      run_first(stream);
    else
      run_needed(after[draw(after.size())]);
  }
}

}  // namespace

std::recursive_mutex& runtime_mutex() {
  static std::recursive_mutex& mutex = *new std::recursive_mutex;
  return mutex;
}

int& current_device() {
  thread_local int device = 0;
  return device;
}
int device_count() {
  static const int count = static_cast<int>(setting("CORDIS_SIMT_DEVICES", 1));
  return count;
}

Stream* find_stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy)
    return streams().defaults[static_cast<std::size_t>(current_device())];
  for (const auto& stream : streams().all) {
    if (reinterpret_cast<cudaStream_t>(stream.get()) != handle) continue;
    if (!stream->alive) violation("a destroyed stream is used");
    return stream.get();
  }
  return nullptr;
}

Stream* create_stream(bool blocking) {
  Stream& stream = streams().add(current_device());
  stream.blocking = blocking;
  return &stream;
}
void destroy_stream(Stream& stream) { stream.alive = false; }

void enqueue(Stream& stream, Work work) {
  if (stream.capture) {
    stream.capture->work.push_back(std::move(work));
    return;
  }
  follow_default_rules(stream);
  join(stream.clock, streams().host);
  ++stream.queued;
  if (stream.clock.size() <= stream.index) stream.clock.resize(stream.index + 1);
  stream.clock[stream.index] = stream.queued;
  stream.waiting.push_back({std::move(work), std::move(stream.after), stream.clock});
  stream.after.clear();
}

void run_to(Point point) {
  if (point.stream->done >= point.number) return;
  const Opened opened;
  while (point.stream->done < point.number) {
    if (draw(kOthersOneIn) == 0) {
      Stream* const other = draw_busy(-1);
      run_needed({other, other->done + 1});
    } else {
      run_needed({point.stream, point.stream->done + 1});
    }
  }
}

void synchronize(Point point, const race::Clock& clock) {
  if (!point.stream) return;
  run_to(point);
  join(streams().host, clock);
}
void synchronize(Stream& stream) { synchronize({&stream, stream.queued}, stream.clock); }
void synchronize_device(int device) {
  if (Stream* stream = draw_busy(device)) {
    const Opened opened;
    for (; stream; stream = draw_busy(device)) run_needed({stream, stream->done + 1});
  }
  for (const auto& stream : streams().all)
    if (device < 0 || stream->device == device) join(streams().host, stream->clock);
}
void synchronize_all() { synchronize_device(-1); }

void record(Event& event, Stream& stream) {
  event.recorded = true;
  event.captured = stream.capture != nullptr;
  if (event.captured) return;
  enqueue(stream, [&event] { event.time = std::chrono::steady_clock::now(); });
  event.point = {&stream, stream.queued};
  event.clock = stream.clock;
}

void wait(Stream& stream, const Event& event) {
  if (!event.point.stream) return;
  stream.after.push_back(event.point);
  join(stream.clock, event.clock);
}

bool idle(const Stream& stream) { return stream.done == stream.queued; }

bool breaks_capture() {
  bool broken = false;
  for (const auto& stream : streams().all) {
    if (!stream->capture || stream->capture_mode == cudaStreamCaptureModeRelaxed) continue;
    stream->capture_broken = broken = true;
  }
  return broken;
}

bool within_work() { return streams().depth > 0; }

}  // namespace simt
