// tests/core/tensor_test.cpp: construction, element types, views that share memory, what is refused
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/core/tensor.hpp>
#include <limits>
#include <numeric>

#include "refusal.hpp"

using namespace cordis;

namespace {

Tensor counted(Shape shape, DType dtype = DType::f32) {
  Tensor x(shape, dtype);
  dispatch_all(dtype, [&]<class T>() { std::iota(x.data<T>(), x.data<T>() + x.numel(), T{0}); });
  return x;
}

template <class T>
std::vector<T> list(const Tensor& x) {
  const auto values = x.values<T>();
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("tensor: default-made is undefined, and says so instead of crashing") {
  Tensor x;
  CHECK_FALSE(x.defined());
  CHECK_FALSE(x.unique());
  CHECK(x.raw() == nullptr);
  CHECK_FALSE(x.clone().defined());
  CHECK_FALSE(x.to(DType::f64).defined());
  CHECK_FALSE(x.to(DType::f32).defined());
  CHECK(says(refusal([&] { x.item(); }), {"[item]", "undefined"}));
  CHECK(says(refusal([&] { x.values<float>(); }), {"[tensor]", "undefined"}));
  CHECK(says(refusal([&] { x.fill(1); }), {"[fill]", "undefined"}));
  CHECK_THROWS_AS(x.rows(0, 1), std::invalid_argument);
}

TEST_CASE("tensor: shape, size and bytes for every element type and rank") {
  for (const auto dtype : {DType::f32, DType::f64, DType::i64})
    for (const Shape& shape :
         {Shape{}, Shape{0}, Shape{1}, Shape{7}, Shape{3, 5}, Shape{3, 0, 5}, Shape{2, 3, 5, 7}}) {
      const Tensor x(shape, dtype);
      CHECK(x.defined());
      CHECK(x.shape() == shape);
      CHECK(x.rank() == shape.rank());
      CHECK(x.numel() == shape.numel());
      CHECK(x.dtype() == dtype);
      CHECK(x.device() == Device::cpu());
      CHECK(x.bytes() == static_cast<std::size_t>(shape.numel()) * (dtype == DType::f32 ? 4 : 8));
      CHECK(x.unique());
    }
  const Tensor x({2, 3, 5});
  CHECK(x.dtype() == DType::f32);
  CHECK(x.size(1) == 3);
  CHECK(x.size(-1) == 5);
  CHECK(says(refusal([&] { (void)x.size(3); }), {"axis 3", "(2, 3, 5)"}));
}

TEST_CASE("tensor: element counts beyond memory throw, they do not wrap") {
  constexpr std::int64_t word = std::int64_t{1} << 32;
  for (const auto dtype : {DType::f32, DType::f64, DType::i64}) {
    CHECK_THROWS_AS(Tensor({word, word}, dtype), std::invalid_argument);
    CHECK_THROWS_AS(Tensor({INT64_MAX / 8}, dtype), std::bad_alloc);
    CHECK_THROWS_AS(Tensor({std::int64_t{1} << 50}, dtype), std::bad_alloc);
    CHECK_THROWS_AS(zeros({word, word}, dtype), std::invalid_argument);
  }
  CHECK(Tensor({0, word, 3}).numel() == 0);
}

TEST_CASE("tensor: of, scalar, zeros, ones, full, empty_like, fill") {
  const Tensor x = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(x.dtype() == DType::f32);
  CHECK(list<float>(x) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(Tensor::of<double>({1}, {2.5}).dtype() == DType::f64);
  CHECK(list<std::int64_t>(Tensor::of<std::int64_t>({2}, {-1, INT64_MAX})) ==
        std::vector<std::int64_t>{-1, INT64_MAX});
  CHECK(Tensor::of<float>({0, 4}, {}).numel() == 0);
  CHECK(says(refusal([] { Tensor::of<float>({2, 3}, {1, 2, 3}); }), {"[tensor]", "3 values", "(2, 3)"}));
  CHECK(says(refusal([] { Tensor::of<float>({}, {}); }), {"0 values", "()"}));

  const Tensor scalar = Tensor::scalar(2.5);
  CHECK(scalar.rank() == 0);
  CHECK(scalar.item() == 2.5);
  for (const auto dtype : {DType::f32, DType::f64, DType::i64}) {
    CHECK(list<double>(zeros({3}, dtype).to(DType::f64)) == std::vector<double>{0, 0, 0});
    CHECK(list<double>(ones({3}, dtype).to(DType::f64)) == std::vector<double>{1, 1, 1});
    CHECK(list<double>(full({3}, -7, dtype).to(DType::f64)) == std::vector<double>{-7, -7, -7});
    CHECK(zeros({3}, dtype).dtype() == dtype);
    const Tensor like = empty_like(full({3, 2}, 1, dtype));
    CHECK(like.dtype() == dtype);
    CHECK(like.shape() == Shape{3, 2});
  }
  Tensor filled({5});
  CHECK(&filled.fill(0.1) == &filled);
  CHECK(list<float>(filled) == std::vector<float>(5, 0.1F));
  CHECK(zeros({0}).numel() == 0);
}

TEST_CASE("tensor: item, of any type and any shape of one element") {
  CHECK(Tensor::scalar(7.0F).item() == 7);
  CHECK(Tensor::of<std::int64_t>({1, 1, 1}, {INT64_MAX}).item<std::int64_t>() == INT64_MAX);
  CHECK(Tensor::scalar(0.1F).item<float>() == 0.1F);
  CHECK(counted({4}).rows(2, 3).item() == 2);
  CHECK(says(refusal([] { counted({2, 1}).item(); }), {"[item]", "(2, 1)", "not a single element"}));
  CHECK(says(refusal([] { counted({0}).item(); }), {"[item]", "(0,)"}));
}

TEST_CASE("tensor: elements are read as what they are") {
  const Tensor x({2}, DType::f64);
  CHECK(says(refusal([&] { x.data<float>(); }), {"[tensor]", "holds f64", "read as f32"}));
  CHECK(says(refusal([&] { x.values<std::int64_t>(); }), {"holds f64", "read as i64"}));
  CHECK(x.data<double>() == x.raw());
  CHECK(x.values<double>().size() == 2);
}

TEST_CASE("tensor: copies share, clone does not") {
  Tensor x = counted({2, 3});
  Tensor handle = x;
  const Tensor own = x.clone();
  CHECK_FALSE(x.unique());
  handle.data<float>()[4] = 44;
  CHECK(x.data<float>()[4] == 44);
  CHECK(own.data<float>()[4] == 4);
  CHECK(own.shape() == Shape{2, 3});
  CHECK(own.unique());
  handle = Tensor{};
  CHECK(x.unique());
  const auto after = counted({0, 3}).clone();
  CHECK(after.defined());
  CHECK(after.shape() == Shape{0, 3});
  // A view's clone holds the view alone.
  const Tensor view = counted({5, 2}, DType::i64).rows(3, 5).clone();
  CHECK(list<std::int64_t>(view) == std::vector<std::int64_t>{6, 7, 8, 9});
  CHECK(view.unique());
}

TEST_CASE("tensor: reshaped shares memory and keeps the order") {
  Tensor x = counted({2, 3, 4}, DType::i64);
  const Tensor flat = x.reshaped({24}), four = x.reshaped({1, 4, 6, 1});
  CHECK(flat.raw() == x.raw());
  CHECK(four.shape() == Shape{1, 4, 6, 1});
  CHECK(list<std::int64_t>(four) == list<std::int64_t>(x));
  CHECK(x.shape() == Shape{2, 3, 4});
  CHECK(counted({1}).reshaped({}).rank() == 0);
  CHECK(Tensor({0, 3}).reshaped({5, 0}).shape() == Shape{5, 0});
  CHECK(says(refusal([&] { x.reshaped({5, 5}); }), {"[reshape]", "(2, 3, 4)", "24", "(5, 5)", "25"}));
}

TEST_CASE("tensor: rows share memory; a view of a view counts from its own start") {
  for (const auto dtype : {DType::f32, DType::f64, DType::i64}) {
    const Tensor x = counted({7, 3, 2}, dtype);
    for (std::int64_t begin = 0; begin <= 7; ++begin)
      for (std::int64_t end = begin; end <= 7; ++end) {
        const Tensor view = x.rows(begin, end);
        CHECK(view.shape() == Shape{end - begin, 3, 2});
        CHECK(view.dtype() == dtype);
        const Tensor plain = view.to(DType::i64);
        for (std::int64_t i = 0; i < plain.numel(); ++i)
          REQUIRE(plain.data<std::int64_t>()[i] == begin * 6 + i);
      }
    const Tensor inner = x.rows(2, 6).rows(1, 3).reshaped({12}).rows(5, 6);
    CHECK(inner.item() == 3 * 6 + 5);
    inner.reshaped({1}).to(dtype);
  }
  Tensor x = counted({4, 2});
  Tensor view = x.rows(1, 3);
  CHECK_FALSE(x.unique());
  view.fill(-1);
  CHECK(list<float>(x) == std::vector<float>{0, 1, -1, -1, -1, -1, 6, 7});
  x = Tensor{};
  CHECK(list<float>(view) == std::vector<float>(4, -1));  // the view holds the memory
  CHECK(view.unique());
  CHECK(Tensor({0, 5}).rows(0, 0).shape() == Shape{0, 5});
  CHECK(Tensor({3, 0}).rows(1, 3).shape() == Shape{2, 0});
}

TEST_CASE("tensor: rows outside the first axis are refused") {
  const Tensor x({4, 2});
  CHECK(says(refusal([&] { x.rows(0, 5); }), {"[rows]", "0 to 5", "(4, 2)"}));
  CHECK(says(refusal([&] { x.rows(-1, 2); }), {"-1 to 2"}));
  CHECK(says(refusal([&] { x.rows(3, 2); }), {"3 to 2"}));
  CHECK(says(refusal([&] { x.rows(5, 5); }), {"5 to 5"}));
  CHECK(says(refusal([&] { Tensor(Shape{}).rows(0, 0); }), {"[rows]", "()"}));
}

TEST_CASE("tensor: to converts values; the same type is the same memory") {
  const Tensor x = Tensor::of<double>({2, 2}, {1.75, -2.75, 1e10, 0.1});
  CHECK(x.to(DType::f64).raw() == x.raw());
  CHECK(list<float>(x.to(DType::f32)) == std::vector<float>{1.75F, -2.75F, 1e10F, 0.1F});
  CHECK(list<std::int64_t>(x.to(DType::i64)) == std::vector<std::int64_t>{1, -2, 10000000000, 0});
  CHECK(list<double>(Tensor::of<std::int64_t>({1}, {-9}).to(DType::f64)) == std::vector<double>{-9});
  CHECK(x.to(DType::f32).shape() == Shape{2, 2});
  CHECK(x.to(DType::f32).unique());
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Tensor wide = Tensor::of<float>({3}, {nan, -inf, 1e-45F}).to(DType::f64);
  CHECK(std::isnan(wide.data<double>()[0]));
  CHECK(wide.data<double>()[1] == -std::numeric_limits<double>::infinity());
  CHECK(wide.data<double>()[2] == static_cast<double>(1e-45F));
  CHECK(counted({6}).rows(4, 6).to(DType::f64).data<double>()[1] == 5);
  CHECK(Tensor({0, 3}).to(DType::i64).shape() == Shape{0, 3});
}
