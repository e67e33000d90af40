// tests/models/parity_test.cpp: the six networks against PyTorch's numbers
// The fixtures hold float64 results rounded to float32, and how far PyTorch's own float32 run was from them.
#include <doctest/doctest.h>

#include <cordis/io/load.hpp>
#include <cordis/models/any_model.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

using namespace cordis;

namespace {

// (N, C, L) -> (N, L, C)
Tensor channels_last(const Tensor& x) {
  Tensor y({x.size(0), x.size(2), x.size(1)}, x.dtype());
  dispatch_float(x.dtype(), "test", [&]<class T>() {
    for (std::int64_t n = 0; n < x.size(0); ++n)
      for (std::int64_t c = 0; c < x.size(1); ++c)
        for (std::int64_t l = 0; l < x.size(2); ++l)
          y.data<T>()[(n * x.size(2) + l) * x.size(1) + c] = x.data<T>()[(n * x.size(1) + c) * x.size(2) + l];
  });
  return y;
}

struct Fixture {
  std::map<std::string, Tensor> tensors;
  nlohmann::json config;
  std::map<std::string, double> largest;  // of each group

  static std::string group(const std::string& key) {
    return key.starts_with("output") ? key : key.substr(0, key.find('.'));
  }

  explicit Fixture(const std::string& model) {
    const char* folder = std::getenv("CORDIS_FIXTURES");
    const auto path =
        std::filesystem::path(folder ? folder : CORDIS_FIXTURES_DIR "/models") / (model + ".safetensors");
    const auto file = read_safetensors(path);
    for (const auto& [name, tensor] : file.tensors) {
      tensors.emplace(name, tensor);
      const Tensor wide = tensor.to(DType::f64);
      for (const double value : wide.values<double>()) {
        double& top = largest[group(name)];
        top = std::max(top, std::abs(value));
      }
    }
    config = nlohmann::json::parse(file.metadata.at("config"));
  }

  // max |a - b| / max |b|, where max |b| counts as at least a thousandth of the group's.
  double deviation(const std::string& key, const Tensor& a) const {
    const Tensor& b = tensors.at(key);
    REQUIRE_MESSAGE(a.numel() == b.numel(), key, ": ", concat(a.shape()), " against ", concat(b.shape()));
    const Tensor left = a.to(DType::f64), right = b.to(DType::f64);
    double worst = 0, top = 1e-3 * largest.at(group(key));
    for (std::int64_t i = 0; i < a.numel(); ++i) {
      const double error = std::abs(left.data<double>()[i] - right.data<double>()[i]);
      if (!(error <= worst)) worst = error;  // NaN stays
      top = std::max(top, std::abs(right.data<double>()[i]));
    }
    return worst / top;
  }

  double allowed(const std::string& key, DType dtype) const {
    if (dtype == DType::f64) return 1e-6;
    return std::max(1e-5, 10 * config["float32_deviation"][group(key)].get<double>());
  }

  void check(const std::string& key, const Tensor& value) const {
    const double found = deviation(key, value), limit = allowed(key, value.dtype());
    CHECK_MESSAGE(found <= limit, config["model"].get<std::string>(), ' ', value.dtype(), ' ', key,
                  ": deviation ", found, ", allowed ", limit);
  }
};

void parity(const std::string& name, DType dtype) {
  const Fixture fixture(name);
  const auto& c = fixture.config;
  AnyModel net = make_model(name, {.leads = c["leads"],
                                   .classes = c["classes"],
                                   .width = c.value("width", std::int64_t{64}),
                                   .fc = c.value("fc", std::int64_t{512}),
                                   .length = c["length"],
                                   .hidden = c.value("hidden", std::int64_t{100})});
  to(net, dtype);
  StateDict state;
  for (const auto& [key, tensor] : fixture.tensors)
    for (const std::string prefix : {"param.", "running."})
      if (key.starts_with(prefix)) state.push_back({key.substr(prefix.size()), tensor});
  for (const auto& [key, tensor] : state_dict(net))
    if (key.ends_with("num_batches_tracked")) state.push_back({key, tensor});
  load_state_dict(net, state);

  const Tensor x = channels_last(fixture.tensors.at("input")).to(dtype),
               y = fixture.tensors.at("target").to(dtype);
  const auto outputs = [&] {
    const NoGrad off;
    eval(net);
    Tensor result = net(x).value();
    train(net);
    return result;
  };
  fixture.check("output.eval", outputs());

  Adam adam(net, {.lr = c["optimizer"]["lr"]});
  Tensor losses({3}, dtype);
  for (int step = 0; step < 3; ++step) {
    const Variable input(x.clone(), step == 0);
    const Variable logits = net(input);
    const Variable loss = bce_with_logits(logits, y);
    loss.backward();
    dispatch_float(dtype, "test", [&]<class T>() { losses.data<T>()[step] = loss.value().item<T>(); });
    if (step == 0) {
      fixture.check("output.train", logits.value());
      fixture.check("loss", loss.value());
      const Tensor& reference = fixture.tensors.at("grad_input");
      REQUIRE(channels_last(reference).shape() == input.grad().shape());
      Tensor back({reference.size(0), reference.size(1), reference.size(2)}, dtype);
      dispatch_float(dtype, "test", [&]<class T>() {
        for (std::int64_t n = 0; n < back.size(0); ++n)
          for (std::int64_t lead = 0; lead < back.size(1); ++lead)
            for (std::int64_t l = 0; l < back.size(2); ++l)
              back.data<T>()[(n * back.size(1) + lead) * back.size(2) + l] =
                  input.grad().data<T>()[(n * back.size(2) + l) * back.size(1) + lead];
      });
      fixture.check("grad_input", back);
      for (const auto& [key, parameter] : named_parameters(net))
        fixture.check("grad." + key, parameter.grad());
    }
    adam.step();
  }
  // Adam makes whole steps of rounding noise: deep nets in f32 are compared less strictly after them.
  const bool deep = name == "resnet1d50" || name == "resnet1d101", noisy = deep && dtype == DType::f32;
  if (noisy)
    CHECK(fixture.deviation("losses", losses) <= 1e-4);
  else
    fixture.check("losses", losses);

  double difference = 0, norm = 0;
  for (const auto& [key, tensor] : state_dict(net)) {
    if (tensor.dtype() == DType::i64) {
      CHECK(tensor.item<std::int64_t>() == 3);
      continue;
    }
    if (!noisy) fixture.check("step3." + key, tensor);
    const Tensor left = tensor.to(DType::f64), right = fixture.tensors.at("step3." + key).to(DType::f64);
    for (std::int64_t i = 0; i < left.numel(); ++i) {
      const double a = left.data<double>()[i], b = right.data<double>()[i];
      difference += (a - b) * (a - b);
      norm += b * b;
    }
  }
  CHECK(std::sqrt(difference / norm) <= (dtype == DType::f64 ? 1e-6 : 1e-2));
  fixture.check("output.step3", outputs());
}

}  // namespace

TEST_CASE("parity with PyTorch: every network, f32 and f64") {
  for (const auto& name : model_names()) {
    SUBCASE((name + " f32").c_str()) { parity(name, DType::f32); }
    SUBCASE((name + " f64").c_str()) { parity(name, DType::f64); }
  }
}
