// tests/models/resnet1d_test.cpp: shapes, blocks, gradients and messages of the residual networks
#include <doctest/doctest.h>

#include <cordis/models/resnet1d.hpp>

#include "end_to_end.hpp"
#include "refusal.hpp"

using namespace cordis;
using end_to_end::drawn;

TEST_CASE("resnet1d: odd lengths, leads, widths and heads") {
  for (const std::int64_t length : {33, 64, 101}) {
    ResNet1d18 small({.leads = 1, .classes = 1, .width = 1, .fc = 1});
    end_to_end::check_trains(small, {2, length, 1}, 1);
    ResNet1d18 net({.leads = 3, .classes = 7, .width = 5, .fc = 11});
    end_to_end::check_trains(net, {3, length, 3}, 7);
    ResNet1d50 deep({.leads = 2, .classes = 4, .width = 3, .fc = 5});
    end_to_end::check_trains(deep, {2, length, 2}, 4);
  }
  ResNet1d101 deepest({.leads = 15, .classes = 2, .width = 1, .fc = 3});
  end_to_end::check_trains(deepest, {2, 47, 15}, 2);
}

TEST_CASE("resnet1d: records of any length, down to one sample") {
  ResNet1d18 net({.leads = 2, .classes = 3, .width = 2, .fc = 4});
  for (const std::int64_t length : {1, 2, 3, 4, 5, 31, 32}) {
    CAPTURE(length);
    end_to_end::check_trains(net, {3, length, 2}, 3);
    eval(net);
    CHECK(net(drawn({1, length, 2}, DType::f32, 1)).shape() == Shape{1, 3});
  }
  eval(net);
  CHECK(net(drawn({0, 50, 2}, DType::f32, 1)).shape() == Shape{0, 3});
}

TEST_CASE("resnet1d: the stages' shapes and counts") {
  const auto sizes = [](const auto& net) {
    return std::vector<std::size_t>{net.layer1.size(), net.layer2.size(), net.layer3.size(),
                                    net.layer4.size()};
  };
  const ResNet1dOptions options{.leads = 2, .classes = 3, .width = 4, .fc = 6};
  CHECK(sizes(ResNet1d18(options)) == std::vector<std::size_t>{2, 2, 2, 2});
  const ResNet1d50 net(options);
  CHECK(sizes(net) == std::vector<std::size_t>{3, 4, 6, 3});
  CHECK(sizes(ResNet1d101(options)) == std::vector<std::size_t>{3, 4, 23, 3});

  const Variable x = drawn({2, 9, 4}, DType::f32, 1);
  CHECK(net.layer1[0](x).shape() == Shape{2, 9, 16});
  CHECK(net.layer2[0](net.layer1[0](x)).shape() == Shape{2, 5, 32});
  CHECK(net.layer1[0].downsample.has_value());
  CHECK(!net.layer1[1].downsample.has_value());
  CHECK(!ResNet1d18(options).layer1[0].downsample.has_value());
  CHECK(net.fc1.weight.shape() == Shape{6, 128});
  CHECK(net.fc2.weight.shape() == Shape{3, 6});
}

TEST_CASE("resnet1d: convolutions start Kaiming normal by fan-out, batch norm at one and nil") {
  seed(5);
  const ResNet1d18 net({.leads = 12, .classes = 5, .width = 16, .fc = 32});
  for (const auto& each : named_parameters(net)) {
    const std::string& name = each.name;
    const Variable& parameter = each.variable;
    CAPTURE(name);
    const auto values = parameter.value().values<float>();
    if (parameter.value().rank() == 3) {
      double square = 0;
      for (const float value : values) square += value * value;
      const double wanted = 2 / static_cast<double>(fan_out(parameter.value()));
      CHECK(square / static_cast<double>(values.size()) == doctest::Approx(wanted).epsilon(0.2));
    } else if (name.find("bn") != std::string::npos || name.find("downsample.1") != std::string::npos) {
      for (const float value : values) CHECK(value == (name.ends_with("weight") ? 1 : 0));
    }
  }
  // fc1 has 128 features: uniform in ±1 / sqrt(128).
  const auto [low, high] = std::ranges::minmax(net.fc1.weight.value().values<float>());
  CHECK((low >= -0.0884F && low < -0.087F && high <= 0.0884F && high > 0.087F));
}

TEST_CASE("resnet1d: replacing the top layer is one line") {
  ResNet1d18 net({.leads = 2, .classes = 5, .width = 2, .fc = 8});
  const Tensor stem = net.conv1.weight.value().clone();
  const auto before = count_parameters(net);
  net.fc2 = Linear(8, 3);
  CHECK(count_parameters(net) == before - 2 * 9);
  CHECK(std::memcmp(net.conv1.weight.value().raw(), stem.raw(), stem.bytes()) == 0);
  end_to_end::check_trains(net, {2, 40, 2}, 3);
}

TEST_CASE("resnet1d: gradients of ResNet1d18, every element of it") {
  ResNet1d18 net({.leads = 2, .classes = 2, .width = 1, .fc = 3});
  end_to_end::check_gradients(net, {3, 41, 2}, 3);
}

TEST_CASE("resnet1d: gradients of one bottleneck a stage, every element of them") {
  ResNet1d<Bottleneck> net({1, 1, 1, 1}, {.leads = 2, .classes = 2, .width = 1, .fc = 3});
  end_to_end::check_gradients(net, {3, 37, 2}, 4);
}

TEST_CASE("resnet1d: gradients of ResNet1d50, along a direction for each parameter") {
  ResNet1d50 net({.leads = 3, .classes = 2, .width = 2, .fc = 5});
  end_to_end::check_directions(net, {3, 63, 3}, 11);
}

TEST_CASE("resnet1d: evaluation changes nothing, training the running statistics") {
  ResNet1d18 net({.leads = 2, .classes = 2, .width = 2, .fc = 3});
  const Tensor x = drawn({2, 50, 2}, DType::f32, 6);
  end_to_end::check_eval_is_pure(net, x);
  const Tensor mean = net.bn1.running_mean.clone();
  train(net);
  net(x);
  CHECK(std::memcmp(net.bn1.running_mean.raw(), mean.raw(), mean.bytes()) != 0);
  CHECK(net.bn1.num_batches_tracked.item() == 1);
  CHECK(net.layer2[0].downsample->bn.num_batches_tracked.item() == 1);
}

TEST_CASE("resnet1d: in evaluation a record's logits do not depend on the others of its batch") {
  ResNet1d18 net({.leads = 2, .classes = 3, .width = 2, .fc = 3});
  to(net, DType::f64);
  eval(net);
  const Tensor x = drawn({3, 50, 2}, DType::f64, 7);
  const Tensor all = net(x).value();
  for (std::int64_t n = 0; n < 3; ++n) {
    const Tensor one = net(x.rows(n, n + 1)).value();
    for (int k = 0; k < 3; ++k)
      CHECK(one.data<double>()[k] == doctest::Approx(all.data<double>()[n * 3 + k]).epsilon(1e-12));
  }
}

TEST_CASE("resnet1d: a wrong input is told the shape that is needed") {
  ResNet1d18 net({.leads = 12, .classes = 2, .width = 2, .fc = 3});
  const auto given = [&](const Variable& x) { return refusal([&] { net(x); }); };
  CHECK(says(given(ones({2, 12, 100})), {"x has shape (2, 12, 100)", "expects 12 channels"}));
  CHECK(says(given(ones({2, 100, 11})), {"x has shape (2, 100, 11)", "expects 12 channels"}));
  CHECK(says(given(ones({100, 12})), {"x has shape (100, 12)", "(N, L, C_in) is needed"}));
  CHECK(says(given(ones({2, 0, 12})), {"x (2, 0, 12) has 0"}));
  CHECK(says(given(ones({2, 100, 12}, DType::f64)), {"x is f64", "w f32"}));
  CHECK(says(given(ones({1, 1, 12})), {"(1, 1, 2)", "more than one value per channel is needed to train"}));
  CHECK(says(given({}), {"used before it was given a value"}));
}

TEST_CASE("resnet1d: options below one are refused") {
  const auto made = [](const ResNet1dOptions& options) {
    return refusal([&] { const ResNet1d18 net(options); });
  };
  CHECK(says(made({.leads = 0}), {"[ResNet1d] leads 0", "at least 1"}));
  CHECK(says(made({.classes = 0}), {"[ResNet1d]", "classes 0"}));
  CHECK(says(made({.width = -1}), {"[ResNet1d]", "width -1"}));
  CHECK(says(made({.fc = 0}), {"[ResNet1d]", "fc 0"}));
}
