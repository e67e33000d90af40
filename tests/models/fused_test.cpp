// tests/models/fused_test.cpp: fuse(net) against the net itself in eval mode
#include <doctest/doctest.h>

#include <cordis/models/fused.hpp>
#include <cordis/op/arithmetic.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

// Statistics and affine parameters as training leaves them: none at its initial value.
void stir(AnyModel& net, DType dtype) {
  Generator generator(5);
  walk(net, [&](const std::string& key, auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Tensor>) {
      if (leaf.dtype() != DType::i64)
        fill_uniform(leaf, key.ends_with("var") ? 0.5 : -0.3, key.ends_with("var") ? 2 : 0.3, generator);
    } else if (key.find("bn") != std::string::npos) {
      fill_uniform(leaf.value(), key.ends_with("weight") ? 0.5 : -0.3, key.ends_with("weight") ? 1.5 : 0.3,
                   generator);
    }
  });
  to(net, dtype);
  eval(net);
}

Tensor output(const auto& net, const Tensor& x) {
  const NoGrad off;
  return net(x).value().to(DType::f64);
}

}  // namespace

TEST_CASE("fuse: every network gives its own logits, at any batch and number of threads") {
  for (const auto& name : model_names())
    for (const DType dtype : {DType::f32, DType::f64}) {
      CAPTURE(name);
      CAPTURE(dtype);
      const std::int64_t length = 203;
      AnyModel net = make_model(name, {.leads = 3, .classes = 4, .width = 16, .length = length, .hidden = 7});
      stir(net, dtype);
      const FusedModel fused = fuse(net);
      for (const std::int64_t batch : {1, 2, 5})
        for (const int threads : {1, 2, 3}) {
          const ThreadGuard guard(threads);
          const Tensor x = random_tensor({batch, length, 3}, 1).to(dtype);
          const Tensor expected = output(net, x), given = output(fused, x);
          CHECK(deviation(given, expected) <= (dtype == DType::f64 ? 1e-12 : 2e-5));
          CHECK(identical(given, output(fused, x)));
        }
    }
}

TEST_CASE("fuse: the net may change or go, the fused one stays") {
  AnyModel net = make_model("resnet1d18", {.leads = 2, .classes = 3, .width = 8});
  stir(net, DType::f32);
  const Tensor x = random_tensor({2, 64, 2}, 1).to(DType::f32);
  const FusedModel fused = fuse(net);
  const Tensor before = output(fused, x);
  walk(net, [](const std::string&, auto& leaf) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(leaf)>, Variable>)
      leaf.value().fill(0);
    else if (leaf.dtype() != DType::i64)
      leaf.fill(1);
  });
  CHECK(identical(before, output(fused, x)));
}

TEST_CASE("fuse: a convolution's own bias, and a batch norm without weight and bias") {
  Conv1d conv(5, 6, {.kernel = 3, .stride = 2, .padding = 1});
  BatchNorm1d bn(6, {.affine = false});
  fill_uniform(bn.running_mean, -1, 1);
  fill_uniform(bn.running_var, 0.5, 2);
  eval(bn);
  const NoGrad off;
  const FusedConv1d fused(conv, bn);
  const Variable x = random_tensor({3, 17, 5}, 1).to(DType::f32);
  const Variable expected = bn(conv(x)), shortcut = random_tensor(expected.shape(), 2).to(DType::f32);
  CHECK(deviation(fused(x).value(), expected.value()) < 1e-5);
  CHECK(deviation(fused.relu(x).value(), relu(expected).value()) < 1e-5);
  CHECK(deviation(fused.add_relu(x, shortcut).value(), relu(expected + shortcut).value()) < 1e-5);
}

TEST_CASE("fuse: what cannot be fused, and inputs that do not fit, are refused") {
  const Conv1d grouped(4, 4, {.kernel = 3, .groups = 2}), conv(4, 6, {.kernel = 3});
  CHECK(says(refusal([&] { FusedConv1d(grouped, BatchNorm1d(4)); }), {"[FusedConv1d]", "groups 2"}));
  CHECK(says(refusal([&] { FusedConv1d(conv, BatchNorm1d(5)); }), {"6 channels", "batch norm of 5"}));
  CHECK(says(refusal([&] { FusedConv1d(conv, BatchNorm1d(6, {.track_running_stats = false})); }),
             {"no running statistics"}));
  const FusedConv1d fused(conv, BatchNorm1d(6));
  CHECK(says(refusal([&] { fused(zeros({1, 9, 3})); }), {"(1, 9, 3)", "(N, L, 4)"}));
  CHECK(says(refusal([&] { fused(zeros({1, 2, 4})); }), {"spans 3", "(1, 2, 4)"}));
  CHECK(says(refusal([&] { fused(zeros({1, 9, 4}, DType::f64)); }), {"x is f64", "w f32"}));
  CHECK(says(refusal([&] {
               fused(Variable(zeros({1, 9, 4}), true));
             }),
             {"inference", "requires a gradient"}));
  CHECK(says(refusal([&] {
               fused.add_relu(zeros({1, 9, 4}), zeros({1, 9, 6}));
             }),
             {"residual", "(1, 9, 6)"}));
}
