// tests/core/dtype_test.cpp: sizes, names, and the way from a run-time dtype to a type
#include <doctest/doctest.h>

#include <cordis/core/dtype.hpp>
#include <vector>

#include "refusal.hpp"

using namespace cordis;

namespace {
template <class T>
constexpr int code() {
  return std::is_same_v<T, float>          ? 1
         : std::is_same_v<T, double>       ? 2
         : std::is_same_v<T, std::int64_t> ? 3
                                           : 0;
}
}  // namespace

TEST_CASE("dtype: sizes, names and element types agree") {
  static_assert(dtype_of<float> == DType::f32 && dtype_of<double> == DType::f64 &&
                dtype_of<std::int64_t> == DType::i64);
  CHECK(concat(DType::f32, ' ', DType::f64, ' ', DType::i64) == "f32 f64 i64");
  CHECK(std::string(name_of(static_cast<DType>(9))) == "?");
  for (const auto dtype : {DType::f32, DType::f64, DType::i64})
    dispatch_all(dtype, [&]<class T>() {
      CHECK(dtype_of<T> == dtype);
      CHECK(size_of(dtype) == sizeof(T));
    });
}

TEST_CASE("dtype: dispatch calls once, with the type asked for, and hands on what came back") {
  std::vector<int> calls;
  const auto note = [&]<class T>() {
    calls.push_back(code<T>());
    return code<T>();
  };
  CHECK(dispatch_float(DType::f32, "op", note) == 1);
  CHECK(dispatch_float(DType::f64, "op", note) == 2);
  CHECK(dispatch_all(DType::f32, note) == 1);
  CHECK(dispatch_all(DType::f64, note) == 2);
  CHECK(dispatch_all(DType::i64, note) == 3);
  CHECK(calls == std::vector<int>{1, 2, 1, 2, 3});
  int target = 0;
  int& same = dispatch_float(DType::f64, "op", [&]<class T>() -> int& { return target; });
  CHECK(&same == &target);
}

TEST_CASE("dtype: a floating type is needed where the op says so") {
  bool called = false;
  const auto text = refusal([&] { dispatch_float(DType::i64, "relu", [&]<class T>() { called = true; }); });
  CHECK(says(text, {"[relu]", "i64", "f32 or f64"}));
  CHECK_FALSE(called);
}
