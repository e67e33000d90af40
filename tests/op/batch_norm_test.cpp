// tests/op/batch_norm_test.cpp: batch norm against PyTorch, its definition, and differences
#include <doctest/doctest.h>

#include <cordis/op/activation.hpp>
#include <cordis/op/arithmetic.hpp>
#include <cordis/op/batch_norm.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

// Inputs x, or x w b; running statistics, where given, are left as they are.
Op norm_op(const BatchNormOptions& options, const Tensor& mean = {}, const Tensor& var = {}) {
  return [=](const Variables& v) -> Variables {
    const auto own = [&](const Tensor& t) { return t.defined() ? t.to(v[0].dtype()).clone() : Tensor{}; };
    const bool affine = v.size() > 1;
    return {batch_norm(v[0], affine ? v[1] : Variable{}, affine ? v[2] : Variable{}, own(mean), own(var),
                       options)};
  };
}

}  // namespace

TEST_CASE("batch_norm: every stored case") {
  stored_cases("batch_norm.", 17, [](StoredCase stored) {
    const bool offset = stored.name == "batch_norm.train_offset";
    if (offset && stored.dtype == DType::f32) return;  // 1e6 with variance 1 is not a matter for f32
    if (offset) stored.bound = 1e-8;
    const auto options = stored.fixture.options(stored.name);
    const auto reals = stored.fixture.reals(stored.name);
    const Variable x = stored.leaf("x"), w = stored.leaf("w"), b = stored.leaf("b");
    CHECK(w.defined() == (options[1] == 1));
    const bool running = options[2] == 1;
    const auto own = [&](const char* what) { return running ? stored.tensor(what).clone() : Tensor{}; };
    const Tensor mean = own("running_mean"), var = own("running_var");
    const Variable y =
        batch_norm(x, w, b, mean, var, {.momentum = reals[0], .eps = reals[1], .training = options[0] == 1});
    stored.compare("y", y.value());
    if (running) {
      stored.compare("running_mean_after", mean);
      stored.compare("running_var_after", var);
      if (options[0] == 0)
        CHECK((identical(mean, own("running_mean")) && identical(var, own("running_var"))));
    }
    backward({y}, {stored.tensor("dy")});
    if (stored.name == "batch_norm.train_two_values") {
      // Two values come to +-1 whatever they are: dx is what is left when terms as large as dy cancel.
      double error = 0;
      const Tensor got = x.grad().to(DType::f64), want = stored.tensor("dx").to(DType::f64);
      for (std::int64_t i = 0; i < got.numel(); ++i)
        error = std::max(error, std::abs(got.data<double>()[i] - want.data<double>()[i]));
      CHECK(error <= stored.bound);
    } else {
      stored.compare("dx", x.grad());
    }
    stored.compare_gradient("dw", w);
    stored.compare_gradient("db", b);
  });
}

TEST_CASE("batch_norm: gradients of every option, odd sizes") {
  std::uint64_t seed = 0;
  for (const Shape& shape :
       {Shape{2, 1}, Shape{5, 3}, Shape{1, 2, 3}, Shape{3, 7, 1}, Shape{2, 5, 4}, Shape{3, 43, 2}})
    for (const double eps : {1e-5, 0.3}) {
      const Shape channels{shape[-1]};
      const Tensor x = random_tensor(shape, ++seed, -2, 3), w = random_tensor(channels, ++seed, 0.5, 1.5),
                   b = random_tensor(channels, ++seed), mean = random_tensor(channels, ++seed),
                   var = random_tensor(channels, ++seed, 0.5, 2);
      const auto name = concat(shape, ", eps ", eps);
      // Two values are normalised to +-1 whatever they are: dx is near 0, a difference of large numbers.
      const bool degenerate = shape.numel() / shape[-1] == 2 && eps < 0.1;
      if (!degenerate) {
        prove(name + " train", norm_op({.eps = eps}), {x});
        prove(name + " train affine", norm_op({.eps = eps}), {x, w, b});
        prove(name + " train running", norm_op({.momentum = 0.3, .eps = eps}, mean, var), {x, w, b});
      }
      prove(name + " eval", norm_op({.eps = eps, .training = false}, mean, var), {x});
      prove(name + " eval affine", norm_op({.eps = eps, .training = false}, mean, var), {x, w, b});
    }
}

TEST_CASE("batch_norm: rows in several threads") {
  const Tensor x = random_tensor({7, 101, 5}, 1), w = random_tensor({5}, 2), b = random_tensor({5}, 3);
  prove_threads("train", norm_op({}), {x, w, b});
  prove_threads("eval", norm_op({.training = false}, b, full({5}, 0.7, DType::f64)), {x, w, b});
  for (const int threads : {1, 2, 3}) {
    const ThreadGuard guard(threads);
    Tensor mean = zeros({5}, DType::f64), var = ones({5}, DType::f64), mean2 = mean.clone(),
           var2 = var.clone();
    batch_norm(x, {}, {}, mean, var);
    batch_norm(x, {}, {}, mean2, var2);
    CHECK((identical(mean, mean2) && identical(var, var2)));
  }
}

TEST_CASE("batch_norm: ReLU and a residual in the same passes are those of the separate ops") {
  std::uint64_t seed = 40;
  for (const Shape& shape :
       {Shape{3, 5, 1}, Shape{2, 9, 16}, Shape{2, 41, 7}, Shape{4, 19, 37}, Shape{9, 40}})
    for (const bool training : {true, false})
      for (const bool relus : {true, false})
        for (const bool adds : {true, false}) {
          const Shape channels{shape[-1]};
          const Tensor mean = random_tensor(channels, ++seed), var = random_tensor(channels, ++seed, 0.5, 2);
          Tensors inputs{random_tensor(shape, ++seed, -2, 3), random_tensor(channels, ++seed, 0.5, 1.5),
                         random_tensor(channels, ++seed)};
          if (adds) inputs.push_back(random_tensor(shape, ++seed));
          const auto own = [](const Tensor& t, const Variables& v) { return t.to(v[0].dtype()).clone(); };
          const Op fused = [=](const Variables& v) -> Variables {
            return {batch_norm(v[0], v[1], v[2], own(mean, v), own(var, v),
                               {.training = training, .relu = relus}, adds ? v[3] : Variable{})};
          };
          const Op separate = [=](const Variables& v) -> Variables {
            Variable y = batch_norm(v[0], v[1], v[2], own(mean, v), own(var, v), {.training = training});
            if (adds) y = y + v[3];
            return {relus ? relu(y) : y};
          };
          const auto name =
              concat(shape, training ? " train" : " eval", relus ? " relu" : "", adds ? " add" : "");
          for (const bool narrow : {false, true}) {
            Tensors given = inputs;
            for (auto& each : given) each = narrow ? each.to(DType::f32) : each;
            const Outcome a = outcome(fused, given), b = outcome(separate, given);
            check_near(a.y, b.y, narrow ? 1e-6 : 1e-14, name + " output");
            check_near(a.dx, b.dx, narrow ? 1e-5 : 1e-12, name + " gradient");
          }
          prove_frozen(name, fused, inputs);
          prove_threads(name, fused, inputs);
          if (shape.numel() < 200) CHECK_MESSAGE(gradcheck(fused, inputs).ok, name);
        }
}

TEST_CASE("batch_norm: ReLU passes NaN on") {
  Tensor x = ones({2, 3}), w = ones({3}), b = zeros({3});
  b.data<float>()[1] = std::nanf("");
  const Variable bias(b, true);
  const Variable y = batch_norm(x, w, bias, zeros({3}), ones({3}), {.training = false, .relu = true});
  CHECK((std::isnan(y.value().data<float>()[1]) && std::isfinite(y.value().data<float>()[0])));
  backward({y}, {ones({2, 3})});
  CHECK(identical(bias.grad(), full({3}, 2)));
}

TEST_CASE("batch_norm: the residual may be x itself, and dy may be held by others") {
  const Tensor x = random_tensor({4, 9, 3}, 1), w = random_tensor({3}, 2), b = random_tensor({3}, 3);
  prove("x + norm(x)",
        [](const Variables& v) -> Variables {
          return {batch_norm(v[0], v[1], v[2], {}, {}, {.relu = true}, v[0])};
        },
        {x, w, b});
  prove("a chain",
        [](const Variables& v) -> Variables {
          const Variable y = batch_norm(v[0], v[1], v[2], {}, {}, {.relu = true});
          const Variable z = batch_norm(y, v[1], v[2], {}, {}, {.relu = true}, y);
          return {z * z + y, z};
        },
        {x, w, b});
  const Variable leaf(x, true), other(x.clone(), true);
  const Tensor dy = random_tensor({4, 9, 3}, 4), before = dy.clone();
  backward({batch_norm(leaf, w, b, {}, {}, {.relu = true}, other)}, {dy});
  backward({batch_norm(leaf, w, b, {}, {})}, {dy});
  CHECK(identical(dy, before));
}

TEST_CASE("batch_norm: many rows in several threads, blocks and parts merged") {
  for (const Shape& shape : {Shape{41, 53, 16}, Shape{3001, 17}, Shape{2, 130, 300}, Shape{70, 2100}}) {
    const Shape channels{shape[-1]};
    const Tensor x = random_tensor(shape, 1, 3, 4), w = random_tensor(channels, 2, 0.5, 1.5),
                 b = random_tensor(channels, 3), r = random_tensor(shape, 4);
    const auto name = concat(shape);
    const Op fused = [](const Variables& v) -> Variables {
      return {batch_norm(v[0], v[1], v[2], {}, {}, {.relu = true}, v[3])};
    };
    prove_threads(name, norm_op({}), {x, w, b});
    prove_threads(name, fused, {x, w, b, r});
    const Outcome wide = outcome(norm_op({}), {x, w, b});
    const Outcome narrow = outcome(norm_op({}), {x.to(DType::f32), w.to(DType::f32), b.to(DType::f32)});
    check_near(narrow.y, wide.y, 1e-6, name + " f32 output");
    check_near(narrow.dx, wide.dx, 1e-5, name + " f32 gradient");
  }
}

TEST_CASE("batch_norm: a mean a thousand deviations away costs f32 no digits of the variance") {
  const Tensor x = random_tensor({9, 211, 5}, 1, 999, 1001).to(DType::f32);
  const Tensor mean = zeros({5}), var = ones({5}), mean64 = zeros({5}, DType::f64),
               var64 = ones({5}, DType::f64);
  const Tensor y = batch_norm(x, {}, {}, mean, var, {.momentum = 1}).value();
  const Tensor y64 = batch_norm(x.to(DType::f64), {}, {}, mean64, var64, {.momentum = 1}).value();
  CHECK(deviation(mean, mean64) <= 1e-7);
  CHECK(deviation(var, var64) <= 1e-6);
  CHECK(deviation(y, y64) <= 1e-6);
  // A constant channel has no variance.
  const Tensor same = batch_norm(full({7, 100, 3}, 0.1F), {}, {}, {}, {}).value();
  for (const float value : same.values<float>()) CHECK(value == 0);
}

TEST_CASE("batch_norm: normalised to mean b and deviation w; running statistics by their definition") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double bound = dtype == DType::f64 ? 1e-12 : 1e-5;
    const Tensor x = random_tensor({6, 37, 3}, 5, 2, 9), w = Tensor::of<double>({3}, {0.5, -2, 1}),
                 b = Tensor::of<double>({3}, {1, 0, -3});
    const Tensor mean = full({3}, 4, dtype), var = full({3}, 9, dtype);
    const Tensor y =
        batch_norm(x.to(dtype), w.to(dtype), b.to(dtype), mean, var, {.momentum = 0.25, .eps = 0})
            .value()
            .to(DType::f64);
    const std::int64_t M = 6 * 37;
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto moments = [&](const Tensor& t) {
        double first = 0, second = 0;
        for (std::int64_t m = 0; m < M; ++m) first += t.data<double>()[m * 3 + c] / M;
        for (std::int64_t m = 0; m < M; ++m) {
          const double d = t.data<double>()[m * 3 + c] - first;
          second += d * d / M;
        }
        return std::pair{first, second};
      };
      const auto [in, in_var] = moments(x);
      const auto [out, out_var] = moments(y);
      CHECK(std::abs(out - b.data<double>()[c]) <= bound);
      CHECK(std::abs(std::sqrt(out_var) - std::abs(w.data<double>()[c])) <= bound);
      CHECK(mean.rows(c, c + 1).item() == doctest::Approx(0.75 * 4 + 0.25 * in).epsilon(bound));
      CHECK(var.rows(c, c + 1).item() ==
            doctest::Approx(0.75 * 9 + 0.25 * in_var * M / (M - 1)).epsilon(bound));
    }
  }
}

TEST_CASE("batch_norm: without the tape the running statistics still move") {
  const NoGrad off;
  const Tensor mean = zeros({2}), var = ones({2});
  batch_norm(random_tensor({3, 2}, 1, 2, 3).to(DType::f32), {}, {}, mean, var);
  CHECK(mean.values<float>()[0] > 0.1F);
  CHECK(var.values<float>()[0] < 1.0F);
}

TEST_CASE("batch_norm: one variable in two places") {
  prove("records and bias",
        [](const Variables& v) -> Variables { return {batch_norm(v[0], v[1], v[1], {}, {}) * v[0]}; },
        {random_tensor({5, 3}, 1), random_tensor({3}, 2, 0.5, 1.5)});
}

TEST_CASE("batch_norm: no records, no channels") {
  const Tensor mean = random_tensor({3}, 1), var = ones({3}, DType::f64), w = random_tensor({3}, 2);
  const Outcome none = outcome(norm_op({.training = false}, mean, var), {zeros({0, 5, 3}, DType::f64), w, w});
  CHECK(none.y[0].shape() == Shape{0, 5, 3});
  CHECK(none.dx[0].shape() == Shape{0, 5, 3});
  CHECK(identical(none.dx[1], zeros({3}, DType::f64)));
  CHECK(identical(none.dx[2], zeros({3}, DType::f64)));
  for (const bool training : {true, false}) {
    const Outcome thin =
        outcome(norm_op({.training = training}, zeros({0}, DType::f64), zeros({0}, DType::f64)),
                {zeros({4, 0}, DType::f64)});
    CHECK(thin.dx[0].shape() == Shape{4, 0});
  }
}

TEST_CASE("batch_norm: NaN takes its channel and that channel's running statistics") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Tensor x = random_tensor({3, 4, 3}, 1);
    x.data<double>()[5 * 3 + 1] = std::nan("");
    x.data<double>()[7 * 3 + 2] = std::numeric_limits<double>::infinity();
    const Tensor mean = zeros({3}, dtype), var = ones({3}, dtype);
    const Tensor y = batch_norm(x.to(dtype), {}, {}, mean, var).value().to(DType::f64);
    for (std::int64_t i = 0; i < y.numel(); ++i) CHECK(std::isnan(y.data<double>()[i]) == (i % 3 != 0));
    CHECK((std::isfinite(mean.rows(0, 1).item()) && std::isnan(mean.rows(1, 2).item()) &&
           std::isinf(mean.rows(2, 3).item())));
    CHECK((std::isfinite(var.rows(0, 1).item()) && std::isnan(var.rows(1, 2).item()) &&
           std::isnan(var.rows(2, 3).item())));
    const Tensor fixed =
        batch_norm(x.to(dtype), {}, {}, zeros({3}, dtype), ones({3}, dtype), {.training = false})
            .value()
            .to(DType::f64);
    for (std::int64_t i = 0; i < y.numel(); ++i)
      CHECK(std::isfinite(fixed.data<double>()[i]) == std::isfinite(x.data<double>()[i]));
  }
}

TEST_CASE("batch_norm: misuse") {
  const Variable x = zeros({4, 3}), w = ones({3}), b = zeros({3});
  CHECK(refusal([&] { batch_norm(zeros({3}), {}, {}, {}, {}); }) ==
        "[batch_norm] x has shape (3,), (N, L, C) or (N, C) is needed");
  CHECK(refusal([&] { batch_norm(x, ones({4}), zeros({4}), {}, {}); }) ==
        "[batch_norm] x is f32 (4, 3), but a per-channel tensor is f32 (4,), not (3,)");
  CHECK(refusal([&] { batch_norm(x, w, b, zeros({3}, DType::f64), ones({3}, DType::f64)); }) ==
        "[batch_norm] x is f32 (4, 3), but a per-channel tensor is f64 (3,), not (3,)");
  CHECK(refusal([&] { batch_norm(x, w, {}, {}, {}); }) ==
        "[batch_norm] weight and bias come together or not at all");
  CHECK(refusal([&] { batch_norm(x, w, b, zeros({3}), {}); }) ==
        "[batch_norm] running mean and variance come together or not at all");
  CHECK(refusal([&] {
          batch_norm(x, w, b, {}, {}, {}, zeros({3, 4}));
        }) == "[batch_norm] x is f32 (4, 3), but the residual is f32 (3, 4)");
  for (const Shape& shape : {Shape{1, 3}, Shape{1, 1, 3}, Shape{0, 3}})
    CHECK(refusal([&] { batch_norm(zeros(shape), w, b, {}, {}); }) ==
          concat("[batch_norm] x has shape ", shape, ": more than one value per channel is needed to train"));
  CHECK(refusal([&] {
          batch_norm(zeros({4, 3}, DType::i64), {}, {}, {}, {});
        }) == "[batch_norm] i64 is not a floating type, f32 or f64 is needed");
}
