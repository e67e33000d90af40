// tests/simt/race.cpp: races, bounds and initialisation, access by access
#include "race.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "race_cell.hpp"
#include "scheduler.hpp"
#include "symbols.hpp"
#include "violation.hpp"

namespace simt::race {

namespace {

struct SharedCell {
  Cell cell;
  std::uint32_t operation = 0, block = 0;  // that the rest is about
  std::uint8_t written = 0;
};

}  // namespace

struct Shadow {
  explicit Shadow(std::size_t bytes) : written(bytes), cells(new Cell[(bytes + 3) / 4]) {}
  std::vector<std::uint8_t> written;
  std::unique_ptr<Cell[]> cells;
};

constinit thread_local bool watching = false;

namespace {

struct Operation {
  std::size_t stream;
  std::uint64_t number;
};
std::vector<Operation> operations(1);  // all that ran
Clock known;                           // what the running one comes after
Record self;                           // as its records begin

// Of the program's data, four bytes each: its cell, or one of these.
constexpr std::int32_t kNothing = -1, kGlobal = -2;
std::vector<std::int32_t> shared_index;
std::vector<std::uint32_t> owners;  // of cells: the last operation that has them among its variables
std::vector<SharedCell> static_cells, dynamic_cells;
Extent data{};

bool follows(std::uint32_t operation) {
  const auto [stream, number] = operations[operation];
  return stream < known.size() && known[stream] >= number;
}

bool ordered(const Record& before, const Record& now) {
  if (before.operation != now.operation) return follows(before.operation);
  if (before.block != now.block) return false;
  if (before.thread == now.thread || before.barriers != now.barriers) return true;
  return before.thread / 32 == now.thread / 32 && before.warp_syncs != now.warp_syncs;
}

bool clash(const Record& before, const Record& now) {
  if (!(before.bytes & now.bytes) || ordered(before, now)) return false;
  return before.kind != now.kind || now.kind == Access::write;
}

// Keeps `now`; gives an access that conflicts with it.
const Record* touch(Cell& cell, const Record& now, Record& hit) {
  const Record* found = nullptr;
  for (const Record* before : {&cell.write, &cell.reads[0], &cell.reads[1]}) {
    if (found || !clash(*before, now)) continue;
    hit = *before;
    found = &hit;
  }
  if (now.kind != Access::read) {
    cell.write = now;
  } else if (!cell.reads[0].bytes || ordered(cell.reads[0], now)) {
    cell.reads[0] = now;
  } else if (!cell.reads[1].bytes || ordered(cell.reads[1], now) ||
             cell.reads[1].thread / 32 == cell.reads[0].thread / 32) {
    cell.reads[1] = now;
  }
  return found;
}

const char* name(Access kind) {
  return kind == Access::read ? "read" : (kind == Access::write ? "write" : "atomic");
}

std::string describe(const Record& record) {
  std::string text = std::string("a ") + name(record.kind);
  if (record.operation != self.operation) text += " of an operation that it was not made to follow";
  if (record.block != ~0u)
    text += " by block " + std::to_string(record.block) + " thread " + std::to_string(record.thread);
  if (record.instruction) text += " at " + source_of(program_base() + record.instruction);
  return text;
}

[[noreturn]] void report(std::uintptr_t instruction, Site site, const std::string& what) {
  if (site.file) violation_at(site, "%s", what.c_str());
  violation_at(instruction, "%s", what.c_str());
}

std::string found_race(const Record& now, const Record& other, const std::string& where) {
  return std::string("race: ") + name(now.kind) + " of " + where + " against " + describe(other);
}

void device_access(std::uintptr_t address, std::size_t bytes, Record now, Site site,
                   std::uintptr_t instruction) {
  Buffer* const buffer = device_memory().find(address);
  if (!buffer || !buffer->alive || address - buffer->begin + bytes > buffer->bytes)
    report(instruction, site,
           std::string(name(now.kind)) + " of " + std::to_string(bytes) + " bytes of " +
               device_memory().describe(address) + (buffer && buffer->alive ? ": out of bounds" : ""));
  Shadow& shadow = *buffer->shadow;
  const std::size_t offset = address - buffer->begin;
  std::uint8_t* const written = shadow.written.data() + offset;
  if (now.kind != Access::write && std::memchr(written, 0, bytes))
    report(instruction, site,
           std::string(name(now.kind)) + " of memory never written, " + device_memory().describe(address));
  if (now.kind != Access::read) std::memset(written, 1, bytes);
  Record hit;
  for_granules(offset, bytes, [&](std::size_t granule, std::uint8_t mask) {
    now.bytes = mask;
    if (const Record* other = touch(shadow.cells[granule], now, hit))
      report(instruction, site, found_race(now, *other, device_memory().describe(address)));
  });
}

void shared_access(SharedCell& shared, Record now, Site site, std::uintptr_t instruction) {
  if (shared.operation != now.operation || shared.block != now.block) {
    shared = SharedCell{};
    shared.operation = now.operation;
    shared.block = now.block;
  }
  if (now.kind == Access::write)
    shared.written |= now.bytes;
  else if (now.bytes & ~shared.written)
    report(instruction, site,
           std::string(name(now.kind)) + " of shared memory that no thread of the block has written");
  Record hit;
  if (const Record* other = touch(shared.cell, now, hit))
    report(instruction, site, found_race(now, *other, "shared memory"));
}

void any_access(std::uintptr_t address, std::size_t bytes, Access kind, Site site,
                std::uintptr_t instruction) {
  const bool device = device_memory().owns(address);
  const auto dynamic = reinterpret_cast<std::uintptr_t>(dynamic_shared());
  const bool in_dynamic = address - dynamic < (std::size_t{65} << 10),
             in_data = address - data.begin < data.bytes;
  if (!device && !in_dynamic && !in_data) return;
  const RunningThread& thread = running();
  Record now = self;
  now.block = thread.block;
  now.thread = static_cast<std::uint16_t>(thread.number);
  now.barriers = static_cast<std::uint16_t>(thread.barriers);
  now.warp_syncs = static_cast<std::uint16_t>(thread.warp_syncs);
  now.instruction = instruction ? static_cast<std::uint32_t>(instruction - program_base()) : 0;
  now.kind = kind;
  if (device) return device_access(address, bytes, now, site, instruction);
  if (in_dynamic && address - dynamic + bytes > dynamic_shared_bytes())
    report(instruction, site,
           std::string(name(kind)) + " of dynamic shared memory at offset " +
               std::to_string(address - dynamic) + " of " + std::to_string(dynamic_shared_bytes()) +
               " bytes");
  for_granules(
      address - (in_dynamic ? dynamic : data.begin), bytes, [&](std::size_t granule, std::uint8_t mask) {
        now.bytes = mask;
        if (in_dynamic) return shared_access(dynamic_cells[granule], now, site, instruction);
        const std::int32_t index = shared_index[granule];
        if (index == kGlobal) return;
        if (index == kNothing || owners[static_cast<std::size_t>(index)] != now.operation)
          report(
              instruction, site,
              std::string(name(kind)) + " of static memory that is in no __shared__ variable of the kernel");
        shared_access(static_cells[static_cast<std::size_t>(index)], now, site, instruction);
      });
}

void index_shared() {
  if (!shared_index.empty()) return;
  data = writable_data();
  data.bytes += data.begin % 4;
  data.begin -= data.begin % 4;
  shared_index.assign(data.bytes / 4 + 1, kNothing);
  for (const Extent& variable : variables())
    if (variable.begin - data.begin + variable.bytes <= data.bytes)
      for_granules(variable.begin - data.begin, variable.bytes,
                   [&](std::size_t granule, std::uint8_t) { shared_index[granule] = kGlobal; });
  std::int32_t cells = 0;
  for (const Extent& variable : local_statics()) {
    if (variable.begin - data.begin + variable.bytes > data.bytes) continue;
    for_granules(variable.begin - data.begin, variable.bytes, [&](std::size_t granule, std::uint8_t) {
      if (shared_index[granule] < 0) shared_index[granule] = cells++;
    });
  }
  static_cells.resize(static_cast<std::size_t>(cells));
  owners.resize(static_cast<std::size_t>(cells));
}

// A copy's or fill's access: as that of a block of its own.
void copy_access(const void* p, std::size_t bytes, Access kind, const char* call) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  Buffer* const buffer = device_memory().find(address);
  if (!device_memory().owns(address) || !buffer) return;
  Record now = self;
  now.block = ~0u;
  now.kind = kind;
  if (kind == Access::write)
    std::memset(buffer->shadow->written.data() + (address - buffer->begin), 1, bytes);
  Record hit;
  for_granules(address - buffer->begin, bytes, [&](std::size_t granule, std::uint8_t mask) {
    now.bytes = mask;
    if (const Record* other = touch(buffer->shadow->cells[granule], now, hit))
      violation("%s in %s", found_race(now, *other, device_memory().describe(address)).c_str(), call);
  });
}

}  // namespace

void add_buffer(Buffer& buffer) { buffer.shadow = new Shadow(buffer.bytes); }
void remove_buffer(Buffer& buffer) { delete std::exchange(buffer.shadow, nullptr); }

void begin_operation(std::size_t stream, std::uint64_t number, const Clock& after) {
  self = Record{};
  self.operation = static_cast<std::uint32_t>(operations.size());
  operations.push_back({stream, number});
  known = after;
}

void begin_launch() {
  index_shared();
  for (const Extent& variable : local_statics_of(running_kernel()))
    for_granules(variable.begin - data.begin, variable.bytes, [](std::size_t granule, std::uint8_t) {
      owners[static_cast<std::size_t>(shared_index[granule])] = self.operation;
    });
  dynamic_cells.resize((std::size_t{64} << 10) / 4);
}
void end_launch() { watching = false; }

void access(std::uintptr_t address, std::size_t bytes, Access kind, std::uintptr_t instruction) {
  const Pause pause;
  static const auto one_in = static_cast<std::uint64_t>(setting("CORDIS_SIMT_PREEMPT", 0));
  if (one_in && draw(one_in) == 0) yield_thread();
  any_access(address, bytes, kind, Site{}, instruction);
}

void atomic_access(const void* p, std::size_t bytes, Site site) {
  if (!kernel_is_running()) return;
  const Pause pause;
  any_access(reinterpret_cast<std::uintptr_t>(p), bytes, Access::atomic, site, 0);
}

void host_reads(const void* p, std::size_t bytes, const char* call) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const Buffer* const buffer = device_memory().find(address);
  const auto* const written = buffer->shadow->written.data() + (address - buffer->begin);
  if (const void* never = bytes ? std::memchr(written, 0, bytes) : nullptr) {
    const auto offset = static_cast<std::size_t>(static_cast<const std::uint8_t*>(never) - written);
    violation("%s copies memory never written, %s, to the host", call,
              device_memory().describe(address + offset).c_str());
  }
}
void copy_reads(const void* p, std::size_t bytes, const char* call) {
  copy_access(p, bytes, Access::read, call);
}
void copy_writes(const void* p, std::size_t bytes, const char* call) {
  copy_access(p, bytes, Access::write, call);
}
void copy_state(const void* to, const void* from, std::size_t bytes) {
  const auto target = reinterpret_cast<std::uintptr_t>(to), source = reinterpret_cast<std::uintptr_t>(from);
  const Buffer *t = device_memory().find(target), *s = nullptr;
  std::uint8_t* const written = t->shadow->written.data() + (target - t->begin);
  s = device_memory().find(source);
  std::memmove(written, s->shadow->written.data() + (source - s->begin), bytes);
}

}  // namespace simt::race
