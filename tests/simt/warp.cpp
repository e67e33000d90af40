// tests/simt/warp.cpp: shuffles, votes and __syncwarp
#include <bit>

#include "block.hpp"
#include "race.hpp"
#include "violation.hpp"

namespace simt {

namespace {

bool alike(const Lane& a, const Lane& b) { return a.op == b.op && a.mask == b.mask && same(a.site, b.site); }

// The lane that `lane` reads in a shuffle.
unsigned source(const Lane& lane, unsigned number) {
  const int k = static_cast<int>(number), first = k & ~(lane.width - 1), end = first + lane.width;
  switch (lane.op) {
    case WarpOp::down:
      return static_cast<unsigned>(lane.argument < end - k ? k + lane.argument : k);
    case WarpOp::up:
      return static_cast<unsigned>(lane.argument <= k - first ? k - lane.argument : k);
    case WarpOp::exclusive_or:
      return static_cast<unsigned>((k ^ lane.argument) < end ? k ^ lane.argument : k);
    default:
      return static_cast<unsigned>(first + (lane.argument & (lane.width - 1)));
  }
}

// All of `members` have arrived with the same operation.
void complete(Warp& warp, unsigned first_thread, unsigned members) {
  unsigned votes = 0;
  for (unsigned left = members; left; left &= left - 1) {
    const auto k = static_cast<unsigned>(std::countr_zero(left));
    if (warp.lanes[k].value) votes |= 1u << k;
  }
  for (unsigned left = members; left; left &= left - 1) {
    const auto k = static_cast<unsigned>(std::countr_zero(left));
    Lane& lane = warp.lanes[k];
    Thread& thread = block.threads[first_thread + k];
    switch (lane.op) {
      case WarpOp::sync:
        ++thread.id.warp_syncs;
        break;
      case WarpOp::ballot:
        lane.result = votes;
        break;
      case WarpOp::any:
        lane.result = votes != 0;
        break;
      case WarpOp::all:
        lane.result = votes == members;
        break;
      default: {
        const unsigned from = source(lane, k);
        if (from > 31 || !(members >> from & 1)) {
          block.self = &thread;
          current.thread = thread.index;
          const bool named = from < 32 && lane.mask >> from & 1;
          violation_at(lane.site, "shuffle reads lane %u, which %s", from,
                       named ? "has exited or is absent" : "its mask does not name");
        }
        lane.result = warp.lanes[from].value;
      }
    }
  }
  for (unsigned left = members & warp.waiting; left; left &= left - 1) {
    Thread& thread = block.threads[first_thread + static_cast<unsigned>(std::countr_zero(left))];
    thread.waits = false;
    block.ready.push_back(thread.id.number);
  }
  warp.waiting &= ~members;
  if (!warp.waiting) warp.alike = true;
}

// The waiting lanes that are in the same operation as lane k, which arrives or waits.
unsigned arrived_with(const Warp& warp, unsigned k) {
  const Lane& me = warp.lanes[k];
  if (warp.alike) return warp.waiting & me.mask;
  unsigned found = 0;
  for (unsigned left = warp.waiting & me.mask; left; left &= left - 1) {
    const auto other = static_cast<unsigned>(std::countr_zero(left));
    if (alike(me, warp.lanes[other])) found |= 1u << other;
  }
  return found;
}

void check_against_waiting(Warp& warp, unsigned k) {
  const Lane& me = warp.lanes[k];
  if (!warp.waiting) return;
  const auto leader = static_cast<unsigned>(std::countr_zero(warp.waiting));
  if (warp.alike && alike(me, warp.lanes[leader])) return;
  warp.alike = false;
  for (unsigned left = warp.waiting & me.mask; left; left &= left - 1) {
    const auto other = static_cast<unsigned>(std::countr_zero(left));
    const Lane& lane = warp.lanes[other];
    if (!(lane.mask >> k & 1) || alike(me, lane)) continue;
    violation_at(
        me.site,
        "lanes of one warp wait for each other in different operations: mask %08x here, but lane %u has "
        "mask %08x at %s:%d",
        me.mask, other, lane.mask, lane.site.file, lane.site.line);
  }
}

}  // namespace

void finish_waiting(Warp& warp) {
  const auto first_thread = static_cast<unsigned>(&warp - block.warps.data()) * 32;
  for (unsigned left = warp.waiting; left; left &= left - 1) {
    const auto k = static_cast<unsigned>(std::countr_zero(left));
    if (!(warp.waiting >> k & 1)) continue;
    const unsigned members = arrived_with(warp, k);
    if (members == (warp.lanes[k].mask & warp.alive)) complete(warp, first_thread, members);
  }
}

std::uint64_t warp_operation(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                             Site site) {
  if (!kernel_is_running()) violation("a warp operation outside of a kernel at %s:%d", site.file, site.line);
  const race::Pause pause;
  Thread& me = *block.self;
  const unsigned k = me.id.number % 32;
  Warp& warp = block.warps[me.id.number / 32];
  if (!(mask >> k & 1)) violation_at(site, "the mask %08x does not name the lane itself, %u", mask, k);
  if (width < 1 || width > 32 || (width & (width - 1)))
    violation_at(site, "a shuffle's width of %d is no power of two up to 32", width);
  warp.lanes[k] = {value, 0, mask, argument, width, op, site};
  check_against_waiting(warp, k);
  const unsigned members = arrived_with(warp, k) | 1u << k;
  if (members == (mask & warp.alive)) {
    complete(warp, me.id.number - k, members);
  } else {
    warp.waiting |= 1u << k;
    me.waits = true;
    me.site = site;
    suspend();
  }
  return warp.lanes[k].result;
}

unsigned active_lanes() { return kernel_is_running() ? block.warps[block.self->id.number / 32].alive : 1u; }

void atomic_access(const void* p, std::size_t bytes, Site site) { race::atomic_access(p, bytes, site); }

}  // namespace simt
