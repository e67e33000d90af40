// cordis/ecg/experiment_card.hpp: what a weights file says about itself: network, classes, preprocessing
// Stored as the safetensors metadata of every weights file that `ecg` writes, so that predicting needs
// nothing else.
#pragma once

#include <array>
#include <cordis/ecg/experiment_record.hpp>
#include <cordis/ecg/preprocess.hpp>
#include <cordis/ecg/text.hpp>
#include <cordis/io/load.hpp>
#include <cordis/models/any_model.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

using Metadata = std::map<std::string, std::string>;  // of a safetensors file

// Names of the choices, as they stand in files and on the command line.
inline constexpr std::array<std::pair<std::string_view, Head>, 3> kHeads = {
    {{"flatten", Head::flatten}, {"mean", Head::mean}, {"last", Head::last}}};
// Of Resampling.
inline constexpr std::array<std::pair<std::string_view, Resampling>, 2> kResamplings = {
    {{"polyphase", Resampling::polyphase}, {"decimate", Resampling::decimate}}};
// Of Scaling.
inline constexpr std::array<std::pair<std::string_view, Scaling>, 3> kScalings = {
    {{"z-score", Scaling::z_score}, {"min-max", Scaling::min_max}, {"none", Scaling::none}}};
// Of Missing.
inline constexpr std::array<std::pair<std::string_view, Missing>, 3> kMissings = {
    {{"fill", Missing::fill}, {"keep", Missing::keep}, {"drop", Missing::drop}}};

// The name of a value; "?" where it has none.
template <class Choices, class T>
std::string choice_name(const Choices& choices, T value) {
  for (const auto& [name, each] : choices)
    if (each == value) return std::string(name);
  return "?";
}

// What a weights file says of its network.
struct ModelCard {
  std::string model;  // one of model_names()
  ModelOptions options;
  std::vector<std::string> classes;
  PreprocessOptions preprocess;
  Metadata remarks = {};  // anything else: what it was trained on, after which epoch
};

namespace detail {

inline constexpr std::string_view kCard = "ecg.";

inline const std::string& card_text(const Metadata& data, const std::string& key, const std::string& file) {
  const auto found = data.find(std::string(kCard) + key);
  if (found == data.end())
    throw IoError(concat(file, ": its metadata has no ", kCard, key, ", so it was not written by ecg"));
  return found->second;
}

template <class T>
T card_number(const Metadata& data, const std::string& key, const std::string& file, double low,
              double high) {
  const std::string& text = card_text(data, key, file);
  const auto value = to_real(text);
  if (!value || *value < low || *value > high || static_cast<double>(static_cast<T>(*value)) != *value)
    throw IoError(concat(file, ": ", kCard, key, " is \"", text, "\", a number from ", low, " to ", high,
                         " is wanted"));
  return static_cast<T>(*value);
}

template <class Choices>
auto card_choice(const Metadata& data, const std::string& key, const std::string& file,
                 const Choices& choices) {
  const std::string& text = card_text(data, key, file);
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) {
    if (name == text) return value;
    names.push_back(name);
  }
  throw IoError(concat(file, ": ", kCard, key, " is \"", text, "\", one of ", join(names), " is wanted"));
}

}  // namespace detail

// Classes are joined by commas, so a class name holds none.
inline Metadata card_metadata(const ModelCard& card) {
  Metadata out;
  const auto put = [&](const char* key, const auto& value) {
    std::string& text = out[std::string(detail::kCard) + key];
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, double>)
      text = exact(value);
    else
      text = concat(value);
  };
  std::string classes;
  for (const auto& name : card.classes) {
    CORDIS_CHECK(!name.empty() && name.find(',') == std::string::npos, "[card] class name \"", name,
                 "\" is empty or holds a comma");
    classes += (classes.empty() ? "" : ",") + name;
  }
  put("model", card.model);
  put("classes", classes);
  put("leads", card.options.leads);
  put("width", card.options.width);
  put("fc", card.options.fc);
  put("hidden", card.options.hidden);
  put("head", choice_name(kHeads, card.options.head));
  put("rate", card.preprocess.rate);
  put("length", card.preprocess.length);
  put("skip", card.preprocess.skip);
  put("band_low", card.preprocess.band_pass ? card.preprocess.low : 0.0);
  put("band_high", card.preprocess.band_pass ? card.preprocess.high : 0.0);
  put("resampling", choice_name(kResamplings, card.preprocess.resampling));
  put("scaling", choice_name(kScalings, card.preprocess.scaling));
  put("missing", choice_name(kMissings, card.preprocess.missing));
  out.insert(card.remarks.begin(), card.remarks.end());
  return out;
}

// `file` starts the message of the IoError that a missing or senseless entry throws.
inline ModelCard parse_card(const Metadata& data, const std::string& file) {
  ModelCard card;
  const auto size = [&](const char* key, double high) {
    return detail::card_number<std::int64_t>(data, key, file, 1, high);
  };
  card.model = detail::card_text(data, "model", file);
  if (std::ranges::find(model_names(), card.model) == model_names().end())
    throw IoError(
        concat(file, ": ecg.model is \"", card.model, "\", one of ", join(model_names()), " is wanted"));
  std::string_view rest = detail::card_text(data, "classes", file);
  for (const auto name : split(rest, ",")) card.classes.emplace_back(name);
  if (card.classes.empty()) throw IoError(concat(file, ": ecg.classes is empty"));
  card.options = {.leads = size("leads", 64),
                  .classes = std::ssize(card.classes),
                  .width = size("width", 4096),
                  .fc = size("fc", 65536),
                  .length = size("length", 1 << 24),
                  .hidden = size("hidden", 65536),
                  .head = detail::card_choice(data, "head", file, kHeads)};
  card.preprocess.rate = detail::card_number<double>(data, "rate", file, 1e-3, 1e6);
  card.preprocess.length = card.options.length;
  card.preprocess.skip = detail::card_number<std::int64_t>(data, "skip", file, 0, 1 << 24);
  card.preprocess.low = detail::card_number<double>(data, "band_low", file, 0, 1e6);
  card.preprocess.high = detail::card_number<double>(data, "band_high", file, 0, 1e6);
  card.preprocess.band_pass = card.preprocess.high > 0;
  card.preprocess.resampling = detail::card_choice(data, "resampling", file, kResamplings);
  card.preprocess.scaling = detail::card_choice(data, "scaling", file, kScalings);
  card.preprocess.missing = detail::card_choice(data, "missing", file, kMissings);
  for (const auto& [key, value] : data)
    if (!key.starts_with(detail::kCard)) card.remarks[key] = value;
  return card;
}

namespace detail {

// The tensors that grow fastest with each of the card's sizes; all others are in proportion.
inline std::vector<std::pair<std::string, Shape>> largest_tensors(const ModelCard& card) {
  const ModelOptions& o = card.options;
  if (card.model.starts_with("resnet")) {
    const std::int64_t last = 8 * o.width, features = card.model == "resnet1d18" ? last : 4 * last;
    return {{"layer4.0.conv2.weight", {last, last, 3}},
            {"fc1.weight", {o.fc, features}},
            {"fc2.weight", {o.classes, o.fc}}};
  }
  const bool gru = card.model == "gru";
  const std::int64_t directions = card.model == "bilstm" ? 2 : 1,
                     steps = o.head == Head::flatten ? o.length : 1;
  return {{gru ? "gru.weight_hh_l0" : "lstm.weight_hh_l0", {(gru ? 3 : 4) * o.hidden, o.hidden}},
          {"fc.weight", {o.classes, steps * directions * o.hidden}}};
}

}  // namespace detail

// The card's network with the file's weights. No memory is taken for sizes that the file's own tensors have
// not.
inline AnyModel make_model(const ModelCard& card, const StateDict& weights, const std::string& file) {
  for (const auto& [name, shape] : detail::largest_tensors(card)) {
    const auto found = std::ranges::find(weights, name, &NamedTensor::name);
    if (found == weights.end() || found->tensor.shape() != shape)
      throw IoError(concat(file, ": its metadata needs a tensor ", name, ' ', shape, ", there is ",
                           found == weights.end() ? "none" : concat(found->tensor.shape())));
  }
  AnyModel net = cordis::make_model(card.model, card.options);
  load_state_dict(net, weights, {}, file);
  return net;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
