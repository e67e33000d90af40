// tests/models/any_model_test.cpp: the six networks by name: keys, sizes and options
#include <doctest/doctest.h>

#include <cordis/models/any_model.hpp>
#include <fstream>
#include <map>

#include "end_to_end.hpp"
#include "refusal.hpp"

using namespace cordis;

namespace {

// Parameters for 2, 5, 7, 9 and 10 classes, as the study counts them.
constexpr std::int64_t kClasses[] = {2, 5, 7, 9, 10};
const std::map<std::string, std::vector<std::int64_t>> kParameters{
    {"resnet1d18", {4112514, 4114053, 4115079, 4116105, 4116618}},
    {"resnet1d50", {17009282, 17010821, 17011847, 17012873, 17013386}},
    {"resnet1d101", {29316738, 29318277, 29319303, 29320329, 29320842}},
    {"lstm", {245602, 545605, 745607, 945609, 1045610}},
    {"bilstm", {491202, 1091205, 1491207, 1891209, 2091210}},
    {"gru", {234202, 534205, 734207, 934209, 1034210}}};

// The top layer of whatever network is inside.
Linear& top(AnyModel& model) {
  return std::visit(
      [](auto& net) -> Linear& {
        if constexpr (requires { net.fc2; })
          return net.fc2;
        else
          return net.fc;
      },
      model.net);
}

std::vector<std::string> stored_keys(const std::string& name) {
  std::ifstream file(CORDIS_FIXTURES_DIR "/state_dict_keys/" + name + ".txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

const ModelOptions kSmall{.leads = 3, .classes = 4, .width = 2, .fc = 6, .length = 21, .hidden = 5};

}  // namespace

TEST_CASE("any_model: keys, types, shapes and their order are PyTorch's; parameters are the study's") {
  REQUIRE(model_names().size() == kParameters.size());
  for (const auto& name : model_names()) {
    CAPTURE(name);
    AnyModel model = make_model(name);
    std::vector<std::string> lines;
    for (const auto& [key, tensor] : state_dict(model)) {
      std::string line = concat(key, tensor.dtype() == DType::i64 ? " i64" : " f32");
      for (int axis = 0; axis < tensor.rank(); ++axis) line += concat(' ', tensor.size(axis));
      lines.push_back(line);
    }
    const auto wanted = stored_keys(name);
    REQUIRE(!wanted.empty());
    CHECK(lines == wanted);

    Linear& fc = top(model);
    for (std::size_t i = 0; i < std::size(kClasses); ++i) {
      fc = Linear(fc.weight.size(1), kClasses[i]);
      CHECK(count_parameters(model) == kParameters.at(name)[i]);
    }
  }
}

TEST_CASE("any_model: options reach the network") {
  for (const auto& name : model_names())
    for (const std::int64_t classes : kClasses) {
      CAPTURE(name);
      ModelOptions options = kSmall;
      options.classes = classes;
      AnyModel model = make_model(name, options);
      CHECK(top(model).weight.size(0) == classes);
      end_to_end::check_trains(model, {2, 21, 3}, classes);
    }
  for (const std::string name : {"lstm", "bilstm", "gru"})
    for (const Head head : {Head::mean, Head::last}) {
      ModelOptions options = kSmall;
      options.head = head;
      AnyModel model = make_model(name, options);
      CHECK(top(model).weight.size(1) == (name == "bilstm" ? 10 : 5));
      end_to_end::check_trains(model, {2, 34, 3}, 4);
    }
}

TEST_CASE("any_model: the head's prefix begins the top layer's keys, and no others") {
  for (const auto& name : model_names()) {
    CAPTURE(name);
    AnyModel model = make_model(name, kSmall);
    std::vector<std::string> keys;
    for (const auto& [key, parameter] : named_parameters(model))
      if (parameter.same(top(model).weight) || parameter.same(top(model).bias)) keys.push_back(key);
    CHECK(keys == std::vector<std::string>{head_prefix(name) + "weight", head_prefix(name) + "bias"});
    std::size_t with_prefix = 0;
    for (const auto& [key, tensor] : state_dict(model)) with_prefix += key.starts_with(head_prefix(name));
    CHECK(with_prefix == 2);
  }
}

TEST_CASE("any_model: as the network inside; evaluation changes nothing") {
  const Tensor x = end_to_end::drawn({2, 21, 3}, DType::f32, 3);
  for (const auto& name : model_names()) {
    AnyModel model = make_model(name, kSmall);
    end_to_end::check_eval_is_pure(model, x);
    const Tensor outside = model(x).value(),
                 inside = std::visit([&](auto&net) { return net(x).value(); }, model.net);
    CHECK(std::memcmp(outside.raw(), inside.raw(), outside.bytes()) == 0);
  }
  seed(4);
  AnyModel by_name = make_model("resnet1d18", kSmall);
  seed(4);
  ResNet1d18 by_type({.leads = 3, .classes = 4, .width = 2, .fc = 6});
  const Tensor a = by_name(x).value(), b = by_type(x).value();
  CHECK(std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

TEST_CASE("any_model: the summary is the network's") {
  for (const auto& name : model_names()) {
    AnyModel model = make_model(name, kSmall);
    const auto text = summary(model, {1, 21, 3});
    CHECK(says(text, {"(1, 21, 3)", "(1, 4)", concat("parameters ", count_parameters(model))}));
  }
}

TEST_CASE("any_model: an unknown name is told the known ones") {
  const auto text = refusal([] { make_model("resnet34"); });
  CHECK(
      says(text, {"[make_model]", "\"resnet34\"", "resnet1d18, resnet1d50, resnet1d101, lstm, bilstm, gru"}));
  CHECK(says(refusal([] { make_model("gru", {.classes = 0}); }), {"classes 0"}));
}
