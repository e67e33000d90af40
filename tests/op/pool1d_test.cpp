// tests/op/pool1d_test.cpp: maximum and mean against PyTorch, a direct search, and differences
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/pool1d.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

Op pool_op(MaxPool1dOptions options) {
  return [options](const Variables& v) -> Variables { return {max_pool1d(v[0], options)}; };
}
Variables average(const Variables& v) { return {global_avg_pool1d(v[0])}; }

}  // namespace

TEST_CASE("pool1d: every stored case") {
  const auto test = [](const StoredCase& stored, const Variable& x, const Variable& y) {
    stored.compare("y", y.value());
    backward({y}, {stored.tensor("dy")});
    stored.compare("dx", x.grad());
  };
  stored_cases("max_pool1d.", 12, [&](const StoredCase& stored) {
    const auto o = stored.fixture.options(stored.name);
    const Variable x = stored.leaf("x");
    test(stored, x, max_pool1d(x, {.kernel = o[0], .stride = o[1], .padding = o[2], .dilation = o[3]}));
  });
  stored_cases("global_avg_pool1d.", 2, [&](const StoredCase& stored) {
    const Variable x = stored.leaf("x");
    test(stored, x, global_avg_pool1d(x));
  });
}

TEST_CASE("pool1d: random options against a direct search, gradients by differences") {
  Generator generator(5);
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    return static_cast<std::int64_t>(low + generator.below(high - low + 1));
  };
  for (std::uint64_t i = 0; i < 20; ++i) {
    const std::int64_t kernel = draw(1, 5), padding = draw(0, static_cast<std::uint64_t>(kernel / 2));
    const MaxPool1dOptions options{
        .kernel = kernel, .stride = draw(1, 4), .padding = padding, .dilation = padding ? 1 : draw(1, 3)};
    const std::int64_t L = options.dilation * (kernel - 1) + draw(1, 9);
    const Tensor x = random_tensor({draw(1, 4), L, draw(1, 5)}, 100 + i, -2, -1);
    const auto name = concat(x.shape(), " kernel ", kernel, " stride ", options.stride, " padding ", padding,
                             " dilation ", options.dilation);
    const Tensor y = max_pool1d(x, options).value();
    const std::int64_t length = (L + 2 * padding - options.dilation * (kernel - 1) - 1) / options.stride + 1;
    REQUIRE_MESSAGE((y.shape() == Shape{x.size(0), length, x.size(2)}), name);
    for (std::int64_t at = 0; at < y.numel(); ++at) {
      const std::int64_t C = x.size(2), n = at / C / length, l = at / C % length, c = at % C;
      double best = -1e9;
      for (std::int64_t k = 0; k < kernel; ++k) {
        const std::int64_t sample = l * options.stride - padding + k * options.dilation;
        if (sample >= 0 && sample < L) best = std::max(best, x.data<double>()[(n * L + sample) * C + c]);
      }
      CHECK_MESSAGE(y.data<double>()[at] == best, name);
    }
    prove(name, pool_op(options), {x});
  }
}

TEST_CASE("pool1d: the first of equals wins, the last NaN over all, in vectors and beside them") {
  for (const std::int64_t C : {1, 16, 21})
    for (const std::int64_t kernel : {3, 200})
      for (const DType dtype : {DType::f32, DType::f64}) {
        const std::int64_t L = kernel + 2;
        Tensor x = full({2, L, C}, 5, dtype);
        dispatch_float(dtype, "test", [&]<class T>() {
          for (const std::int64_t l : {kernel - 2, kernel - 1})  // of channel 0, in the second record
            x.data<T>()[(L + l) * C] = std::numeric_limits<T>::quiet_NaN();
        });
        const Variable v(x, true), y = max_pool1d(v, {.kernel = kernel, .stride = 1});
        REQUIRE(y.shape() == Shape{2, 3, C});
        backward({y}, {ones(y.shape(), dtype)});
        const Tensor dx = v.grad().to(DType::f64), wide = y.value().to(DType::f64);
        for (std::int64_t at = 0; at < dx.numel(); ++at) {
          const std::int64_t n = at / C / L, l = at / C % L, c = at % C;
          const bool missing = n == 1 && c == 0;
          CHECK(dx.data<double>()[at] == (missing ? (l == kernel - 1 ? 3 : 0) : l < 3 ? 1 : 0));
        }
        for (std::int64_t at = 0; at < wide.numel(); ++at)
          CHECK(std::isnan(wide.data<double>()[at]) == (at / C / 3 == 1 && at % C == 0));
      }
}

TEST_CASE("pool1d: windows wider than a byte counts, with gaps") {
  prove("wide", pool_op({.kernel = 150, .stride = 40, .padding = 75}), {random_tensor({2, 290, 3}, 1)});
  prove("gaps", pool_op({.kernel = 2, .stride = 5}), {random_tensor({3, 23, 17}, 2)});
}

TEST_CASE("pool1d: without a gradient to come no winners are kept") {
  const auto held = [](const Variable& x) {
    const auto before = memory_stats().in_use;
    const Variable y = max_pool1d(x, {.kernel = 2});
    return memory_stats().in_use - before;
  };
  const Tensor x = zeros({4, 512, 64});  // y takes 256 KiB, winners 64 KiB
  CHECK(held(x) == 256 << 10);
  CHECK(held(Variable(x, true)) == 320 << 10);
  // Not even for a while.
  const auto taken = [](const Variable& v) {
    const MemoryStats before = memory_stats();
    const Storage rest(before.peak - before.in_use + 1);  // whatever is taken from here on is a new peak
    const auto peak = memory_stats().peak;
    max_pool1d(v, {.kernel = 2});
    return memory_stats().peak - peak;
  };
  CHECK(taken(x) == 256 << 10);
  CHECK(taken(Variable(x, true)) == 320 << 10);
  const NoGrad off;
  CHECK(held(Variable(x, true)) == 256 << 10);
  CHECK(taken(Variable(x, true)) == 256 << 10);
}

TEST_CASE("pool1d: a stride of 0 is the kernel") {
  const Tensor x = random_tensor({2, 11, 3}, 1);
  CHECK(identical(max_pool1d(x, {.kernel = 3}).value(), max_pool1d(x, {.kernel = 3, .stride = 3}).value()));
  CHECK(max_pool1d(x, {}).shape() == Shape{2, 5, 3});
}

TEST_CASE("pool1d: the mean over the record") {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 7, 4}, Shape{5, 13, 1}, Shape{2, 64, 17}})
    prove(concat(shape), average, {random_tensor(shape, 3)});
  prove_threads("many records", average, {random_tensor({31, 100, 7}, 4)});
  prove_threads("many records", pool_op({.kernel = 3, .stride = 2, .padding = 1}),
                {random_tensor({31, 100, 7}, 4)});
}

TEST_CASE("pool1d: one variable in two places, overlapping windows") {
  const Tensor x = random_tensor({2, 9, 3}, 9);
  prove("max + max",
        [](const Variables& v) -> Variables {
          return {max_pool1d(v[0], {.kernel = 4, .stride = 1}), max_pool1d(v[0], {.kernel = 3, .stride = 1})};
        },
        {x});
  // A sample that wins k windows gets the sum of their gradients.
  Tensor peak = zeros({1, 5, 1}, DType::f64);
  peak.data<double>()[2] = 1;
  const Variable v(peak, true);
  const Variable y = max_pool1d(v, {.kernel = 3, .stride = 1});
  backward({y}, {Tensor::of<double>({1, 3, 1}, {1, 10, 100})});
  CHECK(identical(v.grad(), Tensor::of<double>({1, 5, 1}, {0, 0, 111, 0, 0})));
}

TEST_CASE("pool1d: nothing to pool") {
  const Op pool = pool_op({.kernel = 3, .stride = 2, .padding = 1});
  for (const Shape& shape : {Shape{0, 9, 3}, Shape{2, 9, 0}}) {
    const Outcome max = outcome(pool, {zeros(shape, DType::f64)});
    CHECK(max.y[0].shape() == Shape{shape[0], 5, shape[2]});
    CHECK(max.dx[0].shape() == shape);
    const Outcome mean = outcome(average, {zeros(shape, DType::f64)});
    CHECK(mean.y[0].shape() == Shape{shape[0], shape[2]});
    CHECK(mean.dx[0].shape() == shape);
  }
}

TEST_CASE("pool1d: NaN and infinity in a mean stay in their channel") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Tensor x = random_tensor({2, 5, 3}, 1);
    x.data<double>()[4] = std::nan("");
    x.data<double>()[6 + 2] = -std::numeric_limits<double>::infinity();
    const Tensor y = global_avg_pool1d(x.to(dtype)).value().to(DType::f64);
    for (std::int64_t i = 0; i < 6; ++i) CHECK(std::isfinite(y.data<double>()[i]) == (i != 1 && i != 2));
    CHECK(std::isnan(y.data<double>()[1]));
    CHECK(y.data<double>()[2] == -std::numeric_limits<double>::infinity());
  }
}

TEST_CASE("pool1d: huge options are taken or refused, not wrapped") {
  const Tensor x = random_tensor({2, 5, 3}, 1);
  const std::int64_t most = INT32_MAX;
  CHECK(identical(max_pool1d(x, {.kernel = 3, .stride = most}).value(),
                  max_pool1d(x, {.kernel = 3, .stride = 3}).value()));
  // One window: all that is before it is padding, and its place takes four bytes.
  const Outcome wide = outcome(pool_op({.kernel = most, .padding = most / 2}), {x}),
                whole = outcome(pool_op({.kernel = 5}), {x});
  CHECK(identical(wide.y, whole.y));
  CHECK(identical(wide.dx, whole.dx));
  for (const std::int64_t huge : {most + 1, std::int64_t{1} << 62, INT64_MAX})
    for (const MaxPool1dOptions& o :
         {MaxPool1dOptions{.kernel = huge, .padding = huge / 2},
          MaxPool1dOptions{.kernel = 1, .stride = huge}, MaxPool1dOptions{.kernel = 3, .dilation = huge}})
      CHECK(says(refusal([&] { max_pool1d(x, o); }), {"[max_pool1d]", "at most 2147483647"}));
}

TEST_CASE("pool1d: misuse") {
  const auto message = [](const Shape& x, const MaxPool1dOptions& o) {
    return refusal([&] { max_pool1d(zeros(x), o); });
  };
  const std::string rule = ": padding is 0 to kernel / 2, the others are at least 1";
  CHECK(message({1, 9, 1}, {.kernel = 3, .padding = 2}) ==
        "[max_pool1d] kernel 3, stride 3, padding 2, dilation 1" + rule);
  CHECK(message({1, 9, 1}, {.kernel = 3, .padding = -1}) ==
        "[max_pool1d] kernel 3, stride 3, padding -1, dilation 1" + rule);
  CHECK(message({1, 9, 1}, {.kernel = 0}) == "[max_pool1d] kernel 0, stride 0, padding 0, dilation 1" + rule);
  CHECK(message({1, 9, 1}, {.kernel = 2, .stride = -1}) ==
        "[max_pool1d] kernel 2, stride -1, padding 0, dilation 1" + rule);
  CHECK(message({1, 9, 1}, {.kernel = 2, .dilation = 0}) ==
        "[max_pool1d] kernel 2, stride 2, padding 0, dilation 0" + rule);
  CHECK(message({9, 1}, {}) == "[max_pool1d] x has shape (9, 1), (N, L, C) is needed");
  CHECK(message({1, 4, 1}, {.kernel = 3, .dilation = 2}) ==
        "[max_pool1d] window spans 5 samples, but x (1, 4, 1) has 4 and 0 of padding");
  CHECK(message({1, 0, 1}, {.kernel = 2, .padding = 1}) ==
        "[max_pool1d] window spans 2 samples, but x (1, 0, 1) has 0 and 2 of padding");
  CHECK(
      message({1, 1, 1}, {.kernel = 2, .stride = 1, .padding = 1, .dilation = 2}) ==
      "[max_pool1d] the window of output sample 0 touches padding alone: kernel 2, padding 1, dilation 2, x "
      "(1, 1, 1)");
  CHECK(refusal([] {
          max_pool1d(zeros({1, 4, 1}, DType::i64), {});
        }) == "[max_pool1d] i64 is not a floating type, f32 or f64 is needed");
  CHECK(refusal([] {
          global_avg_pool1d(zeros({2, 3}));
        }) == "[global_avg_pool1d] x has shape (2, 3), (N, L, C) with L > 0 is needed");
  CHECK(refusal([] {
          global_avg_pool1d(zeros({2, 0, 3}));
        }) == "[global_avg_pool1d] x has shape (2, 0, 3), (N, L, C) with L > 0 is needed");
}
