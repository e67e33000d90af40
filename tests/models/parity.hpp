// tests/models/parity.hpp: the six networks against PyTorch's numbers, on any device
// The fixtures hold float64 results rounded to float32, and how far PyTorch's own float32 run was from them.
#pragma once

#include <doctest/doctest.h>

#include <cordis/io/load.hpp>
#include <cordis/models/any_model.hpp>
#include <cordis/op/loss.hpp>
#include <cordis/optim/adam.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

namespace parity {

using namespace cordis;

// (N, C, L) -> (N, L, C)
inline Tensor channels_last(const Tensor& x) {
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
  double deviation(const std::string& key, const Tensor& a, const Tensor& b) const {
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

  void check(const std::string& key, const Tensor& value, const Tensor& expected) const {
    const double found = deviation(key, value, expected), limit = allowed(key, value.dtype());
    CHECK_MESSAGE(found <= limit, config["model"].get<std::string>(), ' ', value.dtype(), ' ', key,
                  ": deviation ", found, ", allowed ", limit);
  }
};

// A channel of a batch norm, in the order in which the net runs them.
struct Channel {
  std::size_t norm;
  std::int64_t channel;
};

struct Results {
  std::map<std::string, Tensor> values;  // under the fixture's keys
  Tensors activations;                   // of each batch norm in the first training step
};

// The whole protocol; the results come back to the CPU. `raised` lists batch norm channels whose bias is
// raised by 0.001 beforehand.
inline Results run(const Fixture& fixture, const std::string& name, DType dtype, Device device,
                   const std::vector<Channel>& raised) {
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
      if (key.starts_with(prefix)) state.push_back({key.substr(prefix.size()), tensor.clone()});
  for (const auto& [key, tensor] : state_dict(net))
    if (key.ends_with("num_batches_tracked")) state.push_back({key, tensor});
  load_state_dict(net, state);
  to(net, device);

  std::map<detail::ModuleId, Tensor> bias;
  walk_modules(net, [&](const std::string&, const auto& module) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(module)>, BatchNorm1d>)
      bias[detail::module_id(module)] = module.bias.value();
  });
  const Tensor x = channels_last(fixture.tensors.at("input")).to(dtype).to(device),
               y = fixture.tensors.at("target").to(dtype).to(device);
  Results results;
  const auto watch_norms = [&](auto&& see) {
    return [&, see](const detail::ModuleId& id, const Variable& output) {
      if (bias.contains(id)) see(bias.at(id), output.value());
    };
  };
  if (!raised.empty()) {
    const NoGrad off;
    Tensors order;
    const ObserveGuard guard(watch_norms([&](const Tensor& b, const Tensor&) { order.push_back(b); }));
    eval(net);
    net(x);
    for (const Channel& each : raised) {
      Tensor b = order[each.norm].rows(each.channel, each.channel + 1);
      b.fill(b.item() + 1e-3);
    }
  }
  const auto outputs = [&] {
    const NoGrad off;
    eval(net);
    Tensor result = net(x).value().to(Device::cpu());
    train(net);
    return result;
  };
  results.values["output.eval"] = outputs();

  Adam adam(net, {.lr = c["optimizer"]["lr"]});
  Tensor losses({3}, dtype);
  for (int step = 0; step < 3; ++step) {
    const Variable input(x.clone(), step == 0);
    Variable logits;
    {
      const ObserveGuard guard(watch_norms([&](const Tensor&, const Tensor& output) {
        if (step == 0) results.activations.push_back(output.to(Device::cpu()).to(DType::f64).clone());
      }));
      logits = net(input);
    }
    const Variable loss = bce_with_logits(logits, y);
    loss.backward();
    dispatch_float(dtype, "test", [&]<class T>() { losses.data<T>()[step] = loss.value().item<T>(); });
    if (step == 0) {
      results.values["output.train"] = logits.value().to(Device::cpu());
      results.values["loss"] = loss.value().to(Device::cpu());
      results.values["grad_input"] = input.grad().to(Device::cpu());
      for (const auto& [key, parameter] : named_parameters(net))
        results.values["grad." + key] = parameter.grad().to(Device::cpu());
    }
    adam.step();
  }
  results.values["losses"] = losses;
  for (const auto& [key, tensor] : state_dict(net)) {
    if (tensor.dtype() == DType::i64)
      CHECK(tensor.item<std::int64_t>() == 3);
    else
      results.values["step3." + key] = tensor.to(Device::cpu()).clone();
  }
  results.values["output.step3"] = outputs();
  return results;
}

// ReLUs that one run passes and the other does not. Such an input lies nearer to zero than rounding goes: in
// f32 it falls on either side, and the gradients, which are then others by some percent, say nothing.
inline std::vector<Channel> undecided(const Results& narrow, const Results& wide) {
  std::vector<Channel> channels;
  for (std::size_t norm = 0; norm < wide.activations.size(); ++norm) {
    const auto a = narrow.activations[norm].values<double>(), b = wide.activations[norm].values<double>();
    double largest = 0;
    for (const double value : b) largest = std::max(largest, std::abs(value));
    for (std::size_t i = 0; i < b.size(); ++i) {
      if ((a[i] == 0) == (b[i] == 0)) continue;
      CHECK(std::max(std::abs(a[i]), std::abs(b[i])) < 1e-5 * largest);
      channels.push_back({norm, static_cast<std::int64_t>(i) % wide.activations[norm].size(-1)});
    }
  }
  return channels;
}

inline void check(const std::string& name, DType dtype, Device device = Device::cpu()) {
  const Fixture fixture(name);
  Results results = run(fixture, name, dtype, device, {});
  std::map<std::string, Tensor> expected = fixture.tensors;
  expected["grad_input"] = channels_last(expected.at("grad_input"));
  if (dtype == DType::f32) {
    // Where a ReLU is undecided its channel is raised a little, and f64, which is held against the fixture as
    // it stands, tells what is expected there.
    std::vector<Channel> raised;
    Results wide = run(fixture, name, DType::f64, Device::cpu(), {});
    for (auto more = undecided(results, wide); !more.empty(); more = undecided(results, wide)) {
      REQUIRE(raised.size() < 8);
      raised.insert(raised.end(), more.begin(), more.end());
      wide = run(fixture, name, DType::f64, Device::cpu(), raised);
      results = run(fixture, name, dtype, device, raised);
      expected = wide.values;
    }
  }

  // Adam makes whole steps of rounding noise: deep nets in f32 are compared less strictly after them.
  const bool deep = name == "resnet1d50" || name == "resnet1d101", noisy = deep && dtype == DType::f32;
  double difference = 0, norm = 0;
  for (const auto& [key, value] : results.values) {
    const bool stepped = key.starts_with("step3.");
    if (noisy && key == "losses")
      CHECK(fixture.deviation(key, value, expected.at(key)) <= 1e-4);
    else if (!noisy || !stepped)
      fixture.check(key, value, expected.at(key));
    if (!stepped) continue;
    const Tensor left = value.to(DType::f64), right = expected.at(key).to(DType::f64);
    for (std::int64_t i = 0; i < left.numel(); ++i) {
      const double a = left.data<double>()[i], b = right.data<double>()[i];
      difference += (a - b) * (a - b);
      norm += b * b;
    }
  }
  CHECK(std::sqrt(difference / norm) <= (dtype == DType::f64 ? 1e-6 : 1e-2));
}

}  // namespace parity
