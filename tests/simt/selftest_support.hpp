// tests/simt/selftest_support.hpp: arrays on the device and checks, for selftest.cu
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace selftest {

inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  std::printf("%s: %s\n", what, cudaGetErrorString(status));
  std::exit(2);
}
#define CHECK(call) check(call, #call)

inline void expect(bool right, const char* what) {
  if (right) return;
  std::printf("wrong result: %s\n", what);
  std::exit(1);
}

template <class T>
class Array {
 public:
  explicit Array(std::size_t n, bool zero = true) : n_(n) {
    CHECK(cudaMalloc(reinterpret_cast<void**>(&p_), n * sizeof(T)));
    if (zero) CHECK(cudaMemset(p_, 0, n * sizeof(T)));
  }
  explicit Array(const std::vector<T>& x) : Array(x.size(), false) {
    CHECK(cudaMemcpy(p_, x.data(), n_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~Array() { cudaFree(p_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  T* get() const { return p_; }
  std::vector<T> host() const {
    std::vector<T> x(n_);
    CHECK(cudaMemcpy(x.data(), p_, n_ * sizeof(T), cudaMemcpyDeviceToHost));
    return x;
  }

 private:
  std::size_t n_;
  T* p_ = nullptr;
};

inline std::vector<float> numbers(int n) {
  std::vector<float> x;
  for (int i = 0; i < n; ++i) x.push_back(static_cast<float>((i * 37 + 11) % 101) / 8 - 6);
  return x;
}

}  // namespace selftest
