// cordis/models/any_model.hpp: one of the six networks, chosen by name at run time
#pragma once

#include <cordis/models/recurrent.hpp>
#include <cordis/models/resnet1d.hpp>
#include <cordis/nn/summary.hpp>
#include <string>
#include <variant>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// The names that make_model knows.
inline const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names{"resnet1d18", "resnet1d50", "resnet1d101",
                                              "lstm",       "bilstm",     "gru"};
  return names;
}

// Every option of every network; each takes what concerns it.
struct ModelOptions {
  std::int64_t leads = 12;
  std::int64_t classes = 5;
  std::int64_t width = 64;     // ResNets
  std::int64_t fc = 512;       // ResNets
  std::int64_t length = 1000;  // recurrent nets with the flatten head
  std::int64_t hidden = 100;   // recurrent nets
  Head head = Head::flatten;   // recurrent nets
};

// Behaves as the network inside: same keys, same outputs.
struct AnyModel {
  static constexpr const char* kName = "AnyModel";
  // one of these
  using Net = std::variant<ResNet1d<BasicBlock>, ResNet1d<Bottleneck>, LstmClassifier, GruClassifier>;
  Net net;

  static void visit(auto& m, auto&& f) {
    std::visit([&](auto& inner) { std::remove_cvref_t<decltype(inner)>::visit(inner, f); }, m.net);
  }

  // (N, L, leads) -> logits (N, classes)
  Variable operator()(const Variable& x) const {
    return std::visit([&](const auto& inner) { return inner(x); }, net);
  }
};

// A network with random weights, drawn from default_generator(); throws for a name that is not in
// model_names().
inline AnyModel make_model(const std::string& name, const ModelOptions& o = {}) {
  const ResNet1dOptions resnet{.leads = o.leads, .classes = o.classes, .width = o.width, .fc = o.fc};
  const RecurrentClassifierOptions recurrent{
      .leads = o.leads, .classes = o.classes, .length = o.length, .hidden = o.hidden, .head = o.head};
  if (name == "resnet1d18") return {ResNet1d18(resnet)};
  if (name == "resnet1d50") return {ResNet1d50(resnet)};
  if (name == "resnet1d101") return {ResNet1d101(resnet)};
  if (name == "lstm") return {LstmClassifier(recurrent)};
  if (name == "bilstm") return {BiLstmClassifier(recurrent)};
  if (name == "gru") return {GruClassifier(recurrent)};
  std::string known;
  for (const auto& each : model_names()) known += (known.empty() ? "" : ", ") + each;
  fail("[make_model] no network is called \"", name, "\"; there are ", known);
}

// Keys that begin so belong to the top layer, which depends on the classes.
inline std::string head_prefix(const std::string& name) {
  return name.starts_with("resnet") ? "fc2." : "fc.";
}

// summary of the network inside.
inline std::string summary(AnyModel& model, const Shape& input) {
  return std::visit([&](auto& net) { return summary(net, input); }, model.net);
}

}  // namespace cordis::inline CORDIS_ABI
