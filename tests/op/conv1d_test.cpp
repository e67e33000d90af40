// tests/op/conv1d_test.cpp: convolution against PyTorch, a direct sum, and differences
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/conv1d.hpp>
#include <cordis/op/conv1d_packed.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

Op conv_op(Conv1dOptions options) {
  return [options](const Variables& v) -> Variables {
    return {conv1d(v[0], v[1], v.size() > 2 ? v[2] : Variable{}, options)};
  };
}

// The definition, sample by sample.
Tensor direct(const Tensor& x, const Tensor& w, const Tensor& b, const Conv1dOptions& o) {
  const std::int64_t N = x.size(0), L = x.size(1), C = x.size(2), O = w.size(0), I = w.size(1), K = w.size(2);
  const std::int64_t length = (L + 2 * o.padding - o.dilation * (K - 1) - 1) / o.stride + 1;
  Tensor y({N, length, O}, DType::f64);
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t l = 0; l < length; ++l)
      for (std::int64_t out = 0; out < O; ++out) {
        double sum = b.defined() ? b.data<double>()[out] : 0;
        const std::int64_t group = out / (O / o.groups);
        for (std::int64_t i = 0; i < I; ++i)
          for (std::int64_t k = 0; k < K; ++k) {
            const std::int64_t at = l * o.stride - o.padding + k * o.dilation;
            if (at < 0 || at >= L) continue;
            sum +=
                x.data<double>()[(n * L + at) * C + group * I + i] * w.data<double>()[(out * I + i) * K + k];
          }
        y.data<double>()[(n * length + l) * O + out] = sum;
      }
  return y;
}

}  // namespace

TEST_CASE("conv1d: every stored case") {
  stored_cases("conv1d.", 18, [](const StoredCase& stored) {
    const auto options = stored.fixture.options(stored.name);
    const Variable x = stored.leaf("x"), w = stored.leaf("w"), b = stored.leaf("b");
    const Variable y = conv1d(
        x, w, b, {.stride = options[0], .padding = options[1], .dilation = options[2], .groups = options[3]});
    stored.compare("y", y.value());
    backward({y}, {stored.tensor("dy")});
    stored.compare("dx", x.grad());
    stored.compare("dw", w.grad());
    stored.compare_gradient("db", b);
  });
}

TEST_CASE("conv1d: random options against the definition, gradients by differences") {
  Generator generator(11);
  const auto draw = [&](std::uint64_t low, std::uint64_t high) {
    return static_cast<std::int64_t>(low + generator.below(high - low + 1));
  };
  for (int i = 0; i < 24; ++i) {
    const std::int64_t groups = i % 3 == 0 ? draw(2, 3) : 1, N = draw(1, 4), K = draw(1, 5);
    const std::int64_t C = groups * draw(1, 3), O = groups * draw(1, 3);
    const Conv1dOptions options{.stride = draw(1, 4),
                                .padding = i % 2 ? draw(1, 4) : 0,
                                .dilation = i % 4 < 2 ? 1 : draw(2, 3),
                                .groups = groups};
    const std::int64_t L = options.dilation * (K - 1) + draw(1, 6), shift = 10 * i;
    const Tensor x = random_tensor({N, L, C}, static_cast<std::uint64_t>(shift)),
                 w = random_tensor({O, C / groups, K}, static_cast<std::uint64_t>(shift + 1)),
                 b = random_tensor({O}, static_cast<std::uint64_t>(shift + 2));
    const bool biased = i % 5 != 0;
    const auto name = concat("x ", x.shape(), ", w ", w.shape(), ", stride ", options.stride, ", padding ",
                             options.padding, ", dilation ", options.dilation, ", groups ", groups);
    const Tensors inputs = biased ? Tensors{x, w, b} : Tensors{x, w};
    CHECK_MESSAGE(deviation(conv1d(x, w, biased ? Variable(b) : Variable{}, options).value(),
                            direct(x, w, biased ? b : Tensor{}, options)) <= 1e-13,
                  name);
    prove(name, conv_op(options), inputs);
  }
}

TEST_CASE("conv1d: records in several threads") {
  const Tensor x = random_tensor({7, 29, 12}, 1), w = random_tensor({16, 12, 7}, 2),
               b = random_tensor({16}, 3);
  prove_threads("stem", conv_op({.stride = 2, .padding = 3}), {x, w, b});
  prove_threads("pointwise", conv_op({}), {x, random_tensor({5, 12, 1}, 4)});
  prove_threads("pointwise, stride 2", conv_op({.stride = 2}), {x, random_tensor({5, 12, 1}, 4)});
  prove_threads("groups", conv_op({.padding = 2, .dilation = 2, .groups = 4}),
                {x, random_tensor({8, 3, 3}, 5), random_tensor({8}, 6)});
}

TEST_CASE("conv1d: one variable in two places") {
  const Tensor x = random_tensor({3, 3, 3}, 1);
  prove("record and kernel", [](const Variables& v) -> Variables { return {conv1d(v[0], v[0])}; }, {x});
  prove("kernel and bias",
        [](const Variables& v) -> Variables { return {conv1d(v[0], v[1]) + conv1d(v[0], v[2])}; },
        {x, random_tensor({2, 3, 2}, 2), random_tensor({2, 3, 2}, 3)});
}

TEST_CASE("conv1d: no records, no samples") {
  const Variable w(random_tensor({4, 2, 3}, 1), true), b(random_tensor({4}, 2), true);
  for (const std::int64_t N : {0, 1, 3}) {
    const PoisonGuard poison;
    const Variable x(zeros({N, 0, 2}, DType::f64), true);
    const Variable y = conv1d(x, w, b, {.padding = 2});
    REQUIRE(y.shape() == Shape{N, 2, 4});
    for (std::int64_t i = 0; i < y.value().numel(); ++i)
      CHECK(y.value().data<double>()[i] == b.value().data<double>()[i % 4]);
    backward({y}, {ones(y.shape(), DType::f64)});
    CHECK(x.grad().shape() == x.shape());
    Variable weight = w, bias = b;
    CHECK(deviation(w.grad(), zeros(w.shape(), DType::f64)) == 0);
    CHECK(deviation(b.grad(), full({4}, static_cast<double>(2 * N), DType::f64)) == 0);
    weight.grad() = {}, bias.grad() = {};
  }
  for (const Conv1dOptions options : {Conv1dOptions{}, Conv1dOptions{.stride = 2, .padding = 1},
                                      Conv1dOptions{.dilation = 2, .groups = 2}}) {
    const Tensor kernel = random_tensor({4, 2 / options.groups, 3}, 3);
    const Outcome none = outcome(conv_op(options), {zeros({0, 9, 2}, DType::f64), kernel, b.value()});
    CHECK(none.y[0].size(0) == 0);
    CHECK(none.dx[0].shape() == Shape{0, 9, 2});
    CHECK(deviation(none.dx[1], zeros(kernel.shape(), DType::f64)) == 0);
    CHECK(deviation(none.dx[2], zeros({4}, DType::f64)) == 0);
  }
}

TEST_CASE("conv1d: NaN and infinity reach the windows that hold them, and no other") {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()})
    for (const DType dtype : {DType::f64, DType::f32})
      for (const std::int64_t groups : {1, 2}) {
        Tensor x = random_tensor({2, 12, 4}, 1, 0.5, 1);
        x.data<double>()[(12 + 6) * 4 + 1] = bad;  // record 1, sample 6, channel 1: of the first group
        const Tensor w = random_tensor({4, 4 / groups, 3}, 2, 0.5, 1);
        const Tensor y =
            conv1d(x.to(dtype), w.to(dtype), {}, {.padding = 1, .groups = groups}).value().to(DType::f64);
        for (std::int64_t i = 0; i < y.numel(); ++i) {
          const std::int64_t n = i / 48, l = i / 4 % 12, o = i % 4;
          const bool reached = n == 1 && l >= 5 && l <= 7 && (groups == 1 || o < 2);
          CHECK(std::isfinite(y.data<double>()[i]) == !reached);
          if (reached) CHECK(std::isnan(y.data<double>()[i]) == std::isnan(bad));
        }
      }
}

TEST_CASE(
    "conv1d: by Winograd's kernels a NaN or an infinity reaches its windows, and three samples more at "
    "most") {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Tensor x = random_tensor({3, 101, 16}, 1, 0.5, 1).to(DType::f32);
    x.data<float>()[(101 + 50) * 16 + 3] = static_cast<float>(bad);  // record 1, sample 50
    const Tensor w = random_tensor({16, 16, 3}, 2, 0.5, 1).to(DType::f32);
    const Tensor y = conv1d(x, w, {}, {.padding = 1}).value();
    for (std::int64_t i = 0; i < y.numel(); ++i) {
      const std::int64_t n = i / 16 / 101, away = std::abs(i / 16 % 101 - 50);
      if (n == 1 && away <= 1) CHECK_FALSE(std::isfinite(y.data<float>()[i]));
      if (n != 1 || away > 4) CHECK(std::isfinite(y.data<float>()[i]));
    }
  }
}

TEST_CASE("conv1d: huge options are taken or refused, not wrapped") {
  const Tensor x = random_tensor({2, 5, 3}, 1), w = random_tensor({4, 3, 3}, 2), b = random_tensor({4}, 3);
  const std::int64_t most = INT32_MAX;
  // One window each; backward does not visit the samples in between.
  const Outcome far = outcome(conv_op({.stride = most}), {x, w, b}),
                near = outcome(conv_op({.stride = 3}), {x, w, b});
  CHECK(identical(far.y, near.y));
  CHECK(identical(far.dx, near.dx));
  CHECK(says(refusal([&] { conv1d(x, w, b, {.dilation = most}); }), {"spans 4294967295 samples"}));
  CHECK(says(refusal([&] { conv1d(x, w, b, {.groups = most}); }), {"do not divide into 2147483647 groups"}));
  for (const std::int64_t huge : {most + 1, std::int64_t{1} << 62, INT64_MAX}) {
    for (const Conv1dOptions& o : {Conv1dOptions{.stride = huge}, Conv1dOptions{.padding = huge},
                                   Conv1dOptions{.dilation = huge}, Conv1dOptions{.groups = huge}})
      CHECK(says(refusal([&] { conv1d(x, w, b, o); }), {"[conv1d]", "at most 2147483647"}));
    for (const Conv1dOptions& o : {Conv1dOptions{.stride = huge}, Conv1dOptions{.padding = huge}})
      CHECK(says(refusal([&] { pack_conv1d(w, b, o); }), {"[pack_conv1d]", "at most 2147483647"}));
  }
}

TEST_CASE("conv1d: a view of some rows is read from where it begins") {
  const Tensor all = random_tensor({5, 8, 3}, 1), weights = random_tensor({6, 3, 3}, 2);
  const Tensors views{all.rows(2, 4), weights.rows(1, 5)};
  const Outcome copied = outcome(conv_op({.padding = 1}), views);  // clones its inputs
  const Variable x(views[0], true), w(views[1], true);
  const Variable y = conv1d(x, w, {}, {.padding = 1});
  CHECK(identical(y.value(), copied.y[0]));
  backward({y}, {random_tensor(y.shape(), 77, 0.5, 1.5)});
  CHECK(identical(Tensors{x.grad(), w.grad()}, copied.dx));
}

TEST_CASE("conv1d packed: the convolution, then the residual, then the ReLU") {
  std::uint64_t seed = 60;
  for (const std::int64_t C : {3, 16})
    for (const std::int64_t O : {5, 32})
      for (const std::int64_t K : {1, 3, 7})
        for (const std::int64_t stride : {1, 2}) {
          const Conv1dOptions options{.stride = stride, .padding = K / 2};
          const Tensor x = random_tensor({3, 21, C}, ++seed), w = random_tensor({O, C, K}, ++seed),
                       b = random_tensor({O}, ++seed), plain = conv1d(x, w, b, options).value(),
                       residual = random_tensor(plain.shape(), ++seed, -4, 4);
          const auto name = concat("w ", w.shape(), ", stride ", stride);
          for (const bool adds : {false, true})
            for (const bool relus : {false, true})
              for (const DType dtype : {DType::f64, DType::f32}) {
                const Tensor y = conv1d_packed(x.to(dtype), pack_conv1d(w.to(dtype), b.to(dtype), options),
                                               {adds ? residual.to(dtype) : Tensor{}, relus});
                Tensor wanted = plain.clone();
                for (std::int64_t i = 0; i < wanted.numel(); ++i) {
                  double& value = wanted.data<double>()[i];
                  if (adds) value += residual.data<double>()[i];
                  if (relus) value = std::max(value, 0.0);
                }
                check_near({y}, {wanted}, dtype == DType::f64 ? 1e-12 : 1e-5, name);
              }
        }
}

TEST_CASE("conv1d packed: misuse") {
  const Tensor w = zeros({4, 3, 3}), b = zeros({4});
  const auto packing = [&](const Conv1dOptions& o) { return refusal([&] { pack_conv1d(w, b, o); }); };
  CHECK(packing({.stride = 0}) == "[pack_conv1d] stride 0, padding 0");
  CHECK(packing({.padding = -1}) == "[pack_conv1d] stride 1, padding -1");
  CHECK(packing({.dilation = 2}) == "[pack_conv1d] dilation 2, groups 1: both must be 1");
  CHECK(packing({.groups = 2}) == "[pack_conv1d] dilation 1, groups 2: both must be 1");
  CHECK(refusal([&] { pack_conv1d(w, zeros({3})); }) == "[pack_conv1d] w is f32 (4, 3, 3), b f32 (3,)");
  CHECK(refusal([&] { pack_conv1d(zeros({4, 3}), b); }) == "[pack_conv1d] w is f32 (4, 3), b f32 (4,)");
  const PackedConv1d packed = pack_conv1d(w, b);
  const auto message = [&](const Variable& x, const Tensor& residual = {}) {
    return refusal([&] { conv1d_packed(x, packed, {.residual = residual}); });
  };
  CHECK(message(zeros({2, 9, 4})) == "[conv1d_packed] x has shape (2, 9, 4), (N, L, 3) is needed");
  CHECK(message(zeros({2, 9, 3}, DType::f64)) == "[conv1d_packed] x is f64, w f32");
  CHECK(message(zeros({2, 2, 3})) ==
        "[conv1d_packed] kernel spans 3 samples, but x (2, 2, 3) has 2 and 0 of padding");
  CHECK(message(zeros({2, 3, 3})).empty());
  CHECK(message(zeros({2, 9, 3}), zeros({2, 9, 4})) ==
        "[conv1d_packed] the residual is f32 (2, 9, 4), the output f32 (2, 7, 4)");
  CHECK(says(message(Variable(zeros({2, 9, 3}), true)), {"packed weights are for inference"}));
}

TEST_CASE("conv1d: misuse") {
  const auto message = [](const Shape& x, const Shape& w, const Conv1dOptions& o = {}) {
    return refusal([&] { conv1d(zeros(x), zeros(w), {}, o); });
  };
  CHECK(message({8, 100, 12}, {64, 16, 7}) ==
        "[conv1d] x has shape (8, 100, 12), but w (64, 16, 7) expects 16 channels");
  CHECK(message({8, 12, 100}, {64, 12, 7}) ==
        "[conv1d] x has shape (8, 12, 100), but w (64, 12, 7) expects 12 channels; x is (N, L, C), and this "
        "looks like (N, C, L)");
  CHECK(message({8, 100, 12}, {64, 4, 7}, {.groups = 4}) ==
        "[conv1d] x has shape (8, 100, 12), but w (64, 4, 7) expects 16 channels");
  CHECK(message({100, 12}, {64, 12, 7}) == "[conv1d] x has shape (100, 12), (N, L, C_in) is needed");
  CHECK(message({8, 100, 12}, {64, 12}) == "[conv1d] w has shape (64, 12), (O, C_in / groups, K) is needed");
  CHECK(message({8, 100, 12}, {64, 12, 0}) ==
        "[conv1d] w has shape (64, 12, 0), (O, C_in / groups, K) is needed");
  CHECK(message({8, 100, 12}, {8, 4, 7}, {.groups = 3}) ==
        "[conv1d] 8 output channels do not divide into 3 groups");
  CHECK(message({8, 5, 12}, {8, 12, 3}, {.padding = 1, .dilation = 4}) ==
        "[conv1d] kernel spans 9 samples, but x (8, 5, 12) has 5 and 2 of padding");
  const std::string bad = ": padding may be 0, the others are at least 1";
  CHECK(message({1, 9, 2}, {2, 2, 3}, {.stride = 0}) ==
        "[conv1d] stride 0, padding 0, dilation 1, groups 1" + bad);
  CHECK(message({1, 9, 2}, {2, 2, 3}, {.padding = -1}) ==
        "[conv1d] stride 1, padding -1, dilation 1, groups 1" + bad);
  CHECK(message({1, 9, 2}, {2, 2, 3}, {.dilation = 0}) ==
        "[conv1d] stride 1, padding 0, dilation 0, groups 1" + bad);
  CHECK(message({1, 9, 2}, {2, 2, 3}, {.groups = 0}) ==
        "[conv1d] stride 1, padding 0, dilation 1, groups 0" + bad);
  const Variable x = zeros({1, 9, 2}), w = zeros({4, 2, 3});
  CHECK(refusal([&] { conv1d(x, w, zeros({3})); }) == "[conv1d] b has shape (3,) for w (4, 2, 3)");
  CHECK(refusal([&] { conv1d(x, w, zeros({1, 4})); }) == "[conv1d] b has shape (1, 4) for w (4, 2, 3)");
  CHECK(refusal([&] { conv1d(x, zeros({4, 2, 3}, DType::f64)); }) == "[conv1d] x is f32, w f64");
  CHECK(refusal([&] { conv1d(x, w, zeros({4}, DType::f64)); }) == "[conv1d] x is f32, w f32, b f64");
  CHECK(refusal([&] {
          conv1d(zeros({1, 9, 2}, DType::i64), zeros({4, 2, 3}, DType::i64));
        }) == "[conv1d] i64 is not a floating type, f32 or f64 is needed");
  CHECK(refusal([&] { conv1d(x, {}); }) == "[variable] used before it was given a value");
}
