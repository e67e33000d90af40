// tests/simt/simt_intrinsics.hpp: CUDA's device functions, for simt.hpp
#pragma once

#include <limits.h>
#include <math.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#define SIMT_SITE const char *simt_file = __builtin_FILE(), int simt_line = __builtin_LINE()
#define SIMT_HERE \
  ::simt::Site { simt_file, simt_line }
#define SIMT_UNSEEN __attribute__((no_sanitize("thread")))  // its accesses are reported by itself

namespace simt {

enum class Barrier { plain, any, all, count };
int block_barrier(Barrier kind, bool predicate, Site site);

enum class WarpOp : std::uint8_t { sync, down, up, exclusive_or, index, ballot, any, all };
// What the lane gets; `argument` is the lane or distance of a shuffle.
std::uint64_t warp_operation(WarpOp op, unsigned mask, std::uint64_t value, int argument, int width,
                             Site site);
unsigned active_lanes();

// Before an atomic access of `bytes` at p, which the hooks do not see.
void atomic_access(const void* p, std::size_t bytes, Site site);

template <class T>
SIMT_UNSEEN T shuffle(WarpOp op, unsigned mask, T value, int argument, int width, Site site) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                "shuffles move 4 or 8 bytes");
  std::uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  bits = warp_operation(op, mask, bits, argument, width, site);
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}

template <class T, class F>
SIMT_UNSEEN T atomic_update(T* p, F f, Site site) {
  atomic_access(p, sizeof(T), site);
  const T before = *p;
  *p = f(before);
  return before;
}

}  // namespace simt

inline void __syncthreads(SIMT_SITE) { simt::block_barrier(simt::Barrier::plain, false, SIMT_HERE); }
inline int __syncthreads_or(int p, SIMT_SITE) {
  return simt::block_barrier(simt::Barrier::any, p != 0, SIMT_HERE);
}
inline int __syncthreads_and(int p, SIMT_SITE) {
  return simt::block_barrier(simt::Barrier::all, p != 0, SIMT_HERE);
}
inline int __syncthreads_count(int p, SIMT_SITE) {
  return simt::block_barrier(simt::Barrier::count, p != 0, SIMT_HERE);
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, SIMT_SITE) {
  simt::warp_operation(simt::WarpOp::sync, mask, 0, 0, 32, SIMT_HERE);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32, SIMT_SITE) {
  return simt::shuffle(simt::WarpOp::down, mask, value, static_cast<int>(distance), width, SIMT_HERE);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32, SIMT_SITE) {
  return simt::shuffle(simt::WarpOp::up, mask, value, static_cast<int>(distance), width, SIMT_HERE);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SIMT_SITE) {
  return simt::shuffle(simt::WarpOp::exclusive_or, mask, value, lanes, width, SIMT_HERE);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32, SIMT_SITE) {
  return simt::shuffle(simt::WarpOp::index, mask, value, lane, width, SIMT_HERE);
}
inline unsigned __ballot_sync(unsigned mask, int p, SIMT_SITE) {
  return static_cast<unsigned>(simt::warp_operation(simt::WarpOp::ballot, mask, p != 0, 0, 32, SIMT_HERE));
}
inline int __any_sync(unsigned mask, int p, SIMT_SITE) {
  return static_cast<int>(simt::warp_operation(simt::WarpOp::any, mask, p != 0, 0, 32, SIMT_HERE));
}
inline int __all_sync(unsigned mask, int p, SIMT_SITE) {
  return static_cast<int>(simt::warp_operation(simt::WarpOp::all, mask, p != 0, 0, 32, SIMT_HERE));
}
inline unsigned __activemask() { return simt::active_lanes(); }

#define SIMT_ATOMIC(name, T, expression)                                                     \
  SIMT_UNSEEN inline T name(T* p, T value, SIMT_SITE) {                                      \
    return simt::atomic_update(                                                              \
        p, [value](T before) SIMT_UNSEEN { return static_cast<T>(expression); }, SIMT_HERE); \
  }
#define SIMT_ATOMICS(T)                     \
  SIMT_ATOMIC(atomicAdd, T, before + value) \
  SIMT_ATOMIC(atomicExch, T, (static_cast<void>(before), value))
#define SIMT_INTEGER_ATOMICS(T)                                                                   \
  SIMT_ATOMICS(T)                                                                                 \
  SIMT_ATOMIC(atomicSub, T, before - value)                                                       \
  SIMT_ATOMIC(atomicMax, T, before > value ? before : value)                                      \
  SIMT_ATOMIC(atomicMin, T, before < value ? before : value)                                      \
  SIMT_ATOMIC(atomicAnd, T, before& value)                                                        \
  SIMT_ATOMIC(atomicOr, T, before | value)                                                        \
  SIMT_ATOMIC(atomicXor, T, before ^ value)                                                       \
  SIMT_UNSEEN inline T atomicCAS(T* p, T expected, T value, SIMT_SITE) {                          \
    return simt::atomic_update(                                                                   \
        p, [=](T before) SIMT_UNSEEN { return before == expected ? value : before; }, SIMT_HERE); \
  }
SIMT_INTEGER_ATOMICS(int)
SIMT_INTEGER_ATOMICS(unsigned)
SIMT_INTEGER_ATOMICS(unsigned long long)
SIMT_ATOMICS(float)
SIMT_ATOMICS(double)
#undef SIMT_ATOMIC
#undef SIMT_ATOMICS
#undef SIMT_INTEGER_ATOMICS

inline void __threadfence() {}
inline void __threadfence_block() {}
template <class T>
T __ldg(const T* p) {
  return *p;
}

// The fast functions of the hardware are computed exactly here: their error is not shown.
inline float __expf(float x) { return ::expf(x); }
inline float __logf(float x) { return ::logf(x); }
inline float __log2f(float x) { return ::log2f(x); }
inline float __powf(float x, float y) { return ::powf(x, y); }
inline float __sinf(float x) { return ::sinf(x); }
inline float __cosf(float x) { return ::cosf(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1 / x; }
inline float __fsqrt_rn(float x) { return ::sqrtf(x); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
#if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 42)
inline float rsqrtf(float x) { return 1 / ::sqrtf(x); }
inline double rsqrt(double x) { return 1 / ::sqrt(x); }
#endif

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(x) * y) >> 32);
}
inline int __mulhi(int x, int y) { return static_cast<int>((static_cast<std::int64_t>(x) * y) >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>((static_cast<Wide>(x) * y) >> 64);
}
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

template <class A, class B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}
template <class A, class B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}

#undef SIMT_SITE
#undef SIMT_HERE
