// tests/simt/selftest.cu: whether the emulation computes what CUDA would, and sees mistakes
// selftest [MISTAKE]: 0 where all results are right, 1 where one is wrong, 86 where the emulation stops it.
// --list names the mistakes, --speed prints threads a second.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "selftest_kernels.cuh"
#include "selftest_support.hpp"

namespace {

using namespace selftest;

template <class T, Mistake kMistake = Mistake::none>
void test_sum() {
  std::vector<T> x;
  T sum{0};
  for (int i = 0; i < 3001; ++i) x.push_back(static_cast<T>(i % 17)), sum += x.back();
  const Array<T> dx(x), out(1, kMistake != Mistake::uninitialised_read);
  CHECK(launch(sum_kernel<T, kMistake>, 5, 256, 0, nullptr, out.get(), dx.get(), x.size()));
  const T found = out.host()[0];
  expect(found == sum, "sum");
}

template <Mistake kMistake = Mistake::none>
void test_transpose() {
  const int rows = 33, columns = 51;
  const auto x = numbers(rows * columns);
  const Array<float> dx(x), y(x.size(), false);
  CHECK(launch(transpose_kernel<kMistake>, dim3(4, 3), dim3(16, 16), 0, nullptr, y.get(), dx.get(), rows,
               columns));
  const auto found = y.host();
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c)
      expect(found[static_cast<std::size_t>(c * rows + r)] == x[static_cast<std::size_t>(r * columns + c)],
             "transpose");
}

void test_product() {
  const int m = 19, n = 35, k = 40;
  const auto a = numbers(m * k), b = numbers(k * n);
  const Array<float> da(a), db(b), c(static_cast<std::size_t>(m * n), false);
  CHECK(launch(product_kernel, dim3(3, 2), dim3(16, 16), 0, nullptr, c.get(), da.get(), db.get(), m, n, k));
  const auto found = c.host();
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int d = 0; d < k; ++d)
        sum += a[static_cast<std::size_t>(i * k + d)] * b[static_cast<std::size_t>(d * n + j)];
      expect(std::abs(found[static_cast<std::size_t>(i * n + j)] - sum) <= 1e-3f, "product");
    }
}

template <Mistake kMistake = Mistake::none>
void test_reverse() {
  const int rows = 4, columns = 75;
  const auto x = numbers(rows * columns);
  const Array<float> dx(x);
  CHECK(launch(reverse_kernel<kMistake>, rows, 32, columns * sizeof(float), nullptr, dx.get(), columns));
  const auto found = dx.host();
  for (int i = 0; i < rows * columns; ++i)
    expect(found[static_cast<std::size_t>(i)] ==
               x[static_cast<std::size_t>(i / columns * columns + columns - 1 - i % columns)],
           "reverse");
}

template <Mistake kMistake = Mistake::none>
void test_rotate() {
  std::vector<int> x;
  for (int i = 0; i < 64; ++i) x.push_back(i * i);
  const Array<int> dx(x), y(64);
  CHECK(launch(rotate_kernel<kMistake>, 1, 64, 0, nullptr, y.get(), dx.get()));
  const auto found = y.host();
  for (std::size_t i = 0; i < 64; ++i) expect(found[i] == x[i / 32 * 32 + (i + 1) % 32], "rotate");
}

void test_votes() {
  std::vector<int> x(200, 5);
  for (std::size_t i = 32; i < 70; ++i) x[i] = -static_cast<int>(i);
  const Array<int> dx(x), votes(4);
  CHECK(launch(vote_kernel, 2, 128, 0, nullptr, votes.get(), dx.get(), 200));
  expect(votes.host() == std::vector<int>{38, 2, 1, -69}, "votes");
}

// y += 2 x on one stream, then y += y's copy on another.
template <Mistake kMistake = Mistake::none>
void test_streams() {
  const int n = 100;
  const std::size_t bytes = n * sizeof(float);
  for (int round = 0; round < 5; ++round) {
    const auto x = numbers(n);
    const Array<float> dx(x), y(x.size()), z(x.size());
    CHECK(cudaDeviceSynchronize());
    cudaStream_t first, second;
    cudaEvent_t event;
    CHECK(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking));
    CHECK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
    CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    CHECK(launch(add_kernel, 1, 128, 0, first, y.get(), dx.get(), 2, n));
    CHECK(cudaEventRecord(event, first));
    if (kMistake != Mistake::missing_wait) CHECK(cudaStreamWaitEvent(second, event, 0));
    CHECK(launch(add_kernel, 1, 128, 0, second, z.get(), y.get(), 3, n));
    float* pinned = nullptr;
    CHECK(cudaMallocHost(reinterpret_cast<void**>(&pinned), bytes));
    CHECK(cudaMemcpyAsync(pinned, z.get(), bytes, cudaMemcpyDeviceToHost, second));
    if (kMistake == Mistake::missing_wait) CHECK(cudaDeviceSynchronize());
    if (kMistake != Mistake::missing_host_wait) CHECK(cudaStreamSynchronize(second));
    for (std::size_t i = 0; i < n; ++i) expect(pinned[i] == 6 * x[i], "streams");
    CHECK(cudaFreeHost(pinned));
    CHECK(cudaStreamDestroy(first));
    CHECK(cudaStreamDestroy(second));
    CHECK(cudaEventDestroy(event));
  }
}

// What is not waited for has not happened.
void test_lazy() {
  const std::vector<float> ones(10, 1.f);
  const Array<float> x(ones);
  float* pinned = nullptr;
  CHECK(cudaMallocHost(reinterpret_cast<void**>(&pinned), 40));
  cudaStream_t stream;
  CHECK(cudaStreamCreate(&stream));
  for (int i = 0; i < 10; ++i) pinned[i] = -1;
  CHECK(cudaMemcpyAsync(pinned, x.get(), 40, cudaMemcpyDeviceToHost, stream));
  expect(pinned[9] == -1 && cudaStreamQuery(stream) == cudaErrorNotReady,
         "a copy waits for a synchronisation");
  CHECK(cudaStreamSynchronize(stream));
  expect(pinned[9] == 1, "a copy after its synchronisation");
  CHECK(cudaFreeHost(pinned));
  CHECK(cudaStreamDestroy(stream));
}

void test_graph() {
  const int n = 70;
  const auto x = numbers(n);
  const Array<float> dx(x), y(x.size());
  CHECK(cudaDeviceSynchronize());
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  cudaStreamCaptureStatus status;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK(launch(add_kernel, 2, 64, 0, stream, y.get(), dx.get(), 1, n));
  CHECK(launch(add_kernel, 2, 64, 0, stream, y.get(), dx.get(), 2, n));
  CHECK(cudaStreamIsCapturing(stream, &status));
  expect(status == cudaStreamCaptureStatusActive, "the stream captures");
  CHECK(cudaStreamEndCapture(stream, &graph));
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  for (int times = 0; times < 3; ++times) CHECK(cudaGraphLaunch(exec, stream));
  CHECK(cudaStreamSynchronize(stream));
  const auto found = y.host();
  for (std::size_t i = 0; i < n; ++i) expect(found[i] == 9 * x[i], "graph");
  CHECK(cudaGraphExecDestroy(exec));
  CHECK(cudaGraphDestroy(graph));
  CHECK(cudaStreamDestroy(stream));
}

void test_runtime() {
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0));
  expect(properties.warpSize == 32 && std::strcmp(properties.name, "simt") == 0, "properties");
  void* p = nullptr;
  expect(cudaMalloc(&p, std::size_t{1} << 40) == cudaErrorMemoryAllocation && !p, "out of memory");
  expect(cudaGetLastError() == cudaErrorMemoryAllocation && cudaGetLastError() == cudaSuccess,
         "the last error");
  CHECK(cudaFuncSetAttribute(reverse_kernel<Mistake::none>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             60000));
  const Array<float> x(15000);
  CHECK(launch(reverse_kernel<Mistake::none>, 1, 64, 60000, nullptr, x.get(), 15000));
  cudaEvent_t begin, end;
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  CHECK(cudaEventRecord(begin));
  CHECK(cudaEventRecord(end));
  CHECK(cudaEventSynchronize(end));
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
  expect(milliseconds >= 0, "elapsed time");
  CHECK(cudaEventDestroy(begin));
  CHECK(cudaEventDestroy(end));
}

void test_host_mistake(Mistake mistake) {
  Array<float> x(std::vector<float>(10, 1.f)), y(10);
  std::vector<float> host(20);
  switch (mistake) {
    case Mistake::freed_read: {
      float* p = nullptr;
      CHECK(cudaMalloc(reinterpret_cast<void**>(&p), 40));
      CHECK(cudaMemset(p, 0, 40));
      CHECK(cudaFree(p));
      CHECK(launch(add_kernel, 1, 32, 0, nullptr, x.get(), p, 1, 10));
      CHECK(cudaDeviceSynchronize());
      break;
    }
    case Mistake::host_dereference:
      if (*static_cast<volatile float*>(x.get() + 3) == 1.f) std::printf("the host read device memory\n");
      break;
    case Mistake::double_free:
      CHECK(cudaFree(x.get()));
      break;
    case Mistake::copy_past_end:
      CHECK(cudaMemcpy(host.data(), x.get(), 44, cudaMemcpyDeviceToHost));
      break;
    case Mistake::wrong_kind:
      CHECK(cudaMemcpy(host.data(), x.get(), 40, cudaMemcpyHostToDevice));
      break;
    case Mistake::too_many_threads:
      CHECK(launch(add_kernel, 1, 1025, 0, nullptr, x.get(), y.get(), 1, 10));
      break;
    case Mistake::too_much_shared:
      CHECK(launch(reverse_kernel<Mistake::none>, 1, 64, 50000, nullptr, x.get(), 10));
      break;
    case Mistake::empty_grid:
      CHECK(launch(add_kernel, 0, 32, 0, nullptr, x.get(), y.get(), 1, 0));
      break;
    default:
      std::printf("no such mistake\n");
      std::exit(3);
  }
}

void run(Mistake mistake) {
  switch (mistake) {
    case Mistake::none:
      test_sum<int>(), test_sum<double>(), test_transpose(), test_product(), test_reverse(), test_rotate();
      test_votes(), test_streams(), test_lazy(), test_graph(), test_runtime();
      break;
#define CASE(name, test) \
  case Mistake::name:    \
    test;                \
    break
      CASE(dropped_barrier, (test_sum<int, Mistake::dropped_barrier>()));
      CASE(divergent_barrier, (test_sum<int, Mistake::divergent_barrier>()));
      CASE(mask_without_caller, (test_sum<int, Mistake::mask_without_caller>()));
      CASE(shared_overrun, (test_sum<double, Mistake::shared_overrun>()));
      CASE(uninitialised_read, (test_sum<double, Mistake::uninitialised_read>()));
      CASE(uninitialised_shared, (test_sum<double, Mistake::uninitialised_shared>()));
      CASE(race_between_blocks, (test_sum<int, Mistake::race_between_blocks>()));
      CASE(barrier_after_exit, test_transpose<Mistake::barrier_after_exit>());
      CASE(read_past_end, test_transpose<Mistake::read_past_end>());
      CASE(write_past_end, test_transpose<Mistake::write_past_end>());
      CASE(dynamic_shared_overrun, test_reverse<Mistake::dynamic_shared_overrun>());
      CASE(dropped_syncwarp, test_rotate<Mistake::dropped_syncwarp>());
      CASE(masks_differ, test_rotate<Mistake::masks_differ>());
      CASE(exited_lane, test_rotate<Mistake::exited_lane>());
      CASE(missing_wait, test_streams<Mistake::missing_wait>());
      CASE(missing_host_wait, test_streams<Mistake::missing_host_wait>());
#undef CASE
    default:
      test_host_mistake(mistake);
  }
}

template <class F>
void time(const char* what, double threads, F f) {
  const auto begin = std::chrono::steady_clock::now();
  f();
  CHECK(cudaDeviceSynchronize());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%-28s %7.2f M threads/s\n", what, threads / seconds.count() / 1e6);
}

void speed() {
  const int n = 1 << 20;
  const Array<float> x(n), y(n);
  const Array<int> sums(n), out(1);
  time("elementwise", n, [&] { launch(add_kernel, n / 256, 256, 0, nullptr, y.get(), x.get(), 1, n); });
  time("sum: shuffles, barrier", n,
       [&] { launch(sum_kernel<int, Mistake::none>, n / 256, 256, 0, nullptr, out.get(), sums.get(), n); });
  time("product 256^3: 32 barriers", 65536, [&] {
    launch(product_kernel, dim3(16, 16), dim3(16, 16), 0, nullptr, y.get(), x.get(), x.get() + 65536, 256,
           256, 256);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const char* const wish = argc > 1 ? argv[1] : "none";
  if (std::strcmp(wish, "--speed") == 0) return speed(), 0;
  for (std::size_t k = 0; k < std::size(kNames); ++k) {
    if (std::strcmp(wish, "--list") == 0)
      std::printf("%s\n", kNames[k]);
    else if (std::strcmp(wish, kNames[k]) == 0)
      return run(static_cast<Mistake>(k)), 0;
  }
  return std::strcmp(wish, "--list") == 0 ? 0 : 3;
}
