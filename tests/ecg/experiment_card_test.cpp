// tests/ecg/experiment_card_test.cpp: what a weights file says of itself, there and back, and every bad entry
#include <doctest/doctest.h>

#include <cordis/ecg/experiment_card.hpp>

#include "scratch.hpp"

using namespace cordis;
using ecg::ModelCard;
using scratch::message;
using scratch::says;

namespace {

ModelCard example_card() {
  return {
      .model = "bilstm",
      .options =
          {.leads = 12, .classes = 3, .width = 7, .fc = 9, .length = 250, .hidden = 11, .head = Head::mean},
      .classes = {"NORM", "A b", "ST-T\"x"},
      .preprocess = {.rate = 1.0 / 3,
                     .length = 250,
                     .skip = 5,
                     .band_pass = true,
                     .low = 0.1,
                     .high = 47.3,
                     .resampling = ecg::Resampling::polyphase,
                     .scaling = ecg::Scaling::z_score,
                     .missing = ecg::Missing::drop},
      .remarks = {{"trained_on", "a, b"}, {"init", ""}}};
}

void check_same(const ModelCard& a, const ModelCard& b) {
  CHECK(a.model == b.model);
  CHECK(a.classes == b.classes);
  CHECK(a.remarks == b.remarks);
  CHECK(a.options.leads == b.options.leads);
  CHECK(a.options.classes == b.options.classes);
  CHECK(a.options.width == b.options.width);
  CHECK(a.options.fc == b.options.fc);
  CHECK(a.options.length == b.options.length);
  CHECK(a.options.hidden == b.options.hidden);
  CHECK(a.options.head == b.options.head);
  CHECK(a.preprocess.rate == b.preprocess.rate);
  CHECK(a.preprocess.length == b.preprocess.length);
  CHECK(a.preprocess.skip == b.preprocess.skip);
  CHECK(a.preprocess.band_pass == b.preprocess.band_pass);
  if (a.preprocess.band_pass) {
    CHECK(a.preprocess.low == b.preprocess.low);
    CHECK(a.preprocess.high == b.preprocess.high);
  }
  CHECK(a.preprocess.resampling == b.preprocess.resampling);
  CHECK(a.preprocess.scaling == b.preprocess.scaling);
  CHECK(a.preprocess.missing == b.preprocess.missing);
}

}  // namespace

TEST_CASE("card: every network and choice comes back as it was, numbers to the last bit") {
  ModelCard card = example_card();
  for (const auto& model : model_names())
    for (const auto& [head_name, head] : ecg::kHeads)
      for (const auto& [scaling_name, scaling] : ecg::kScalings) {
        card.model = model;
        card.options.head = head;
        card.preprocess.scaling = scaling;
        check_same(ecg::parse_card(ecg::card_metadata(card), "f"), card);
      }
  for (const auto& [name, missing] : ecg::kMissings) {
    card.preprocess.missing = missing;
    card.preprocess.resampling = ecg::Resampling::decimate;
    card.preprocess.band_pass = false;
    check_same(ecg::parse_card(ecg::card_metadata(card), "f"), card);
  }
}

TEST_CASE("card: what was written stays readable") {
  CHECK(ecg::choice_name(ecg::kHeads, static_cast<Head>(9)) == "?");
  const auto data = ecg::card_metadata(example_card());
  CHECK(data.at("ecg.model") == "bilstm");
  CHECK(data.at("ecg.classes") == "NORM,A b,ST-T\"x");
  CHECK(data.at("ecg.head") == "mean");
  CHECK(data.at("ecg.band_low") == "0.1");
  CHECK(data.at("ecg.band_high") == "47.3");
  CHECK(data.at("ecg.scaling") == "z-score");
  CHECK(data.at("ecg.missing") == "drop");
  CHECK(data.at("ecg.resampling") == "polyphase");
  CHECK(data.at("trained_on") == "a, b");
  ModelCard plain = example_card();
  plain.preprocess.band_pass = false;
  CHECK(ecg::card_metadata(plain).at("ecg.band_high") == "0");
}

TEST_CASE("card: class names that would not come back are refused") {
  for (const char* name : {"", "a,b", ","}) {
    ModelCard card = example_card();
    card.classes[1] = name;
    CHECK(says(message<std::invalid_argument>([&] { ecg::card_metadata(card); }),
               {"[card]", concat('"', name, '"'), "empty or holds a comma"}));
  }
}

TEST_CASE("card: the network that it describes gets the file's weights, and memory only for those it holds") {
  for (const auto& model : model_names()) {
    if (model == "resnet1d101") continue;  // as resnet1d50
    CAPTURE(model);
    ModelCard card = example_card();
    card.model = model;
    card.options.width = 2;
    const AnyModel net = make_model(model, card.options);
    const auto weights = state_dict(net);
    CHECK(safetensors_bytes(state_dict(ecg::make_model(card, weights, "w"))) == safetensors_bytes(weights));
    const auto refused = [&](auto&& change) {
      ModelCard other = card;
      change(other.options);
      return message([&] { ecg::make_model(other, weights, "w.safetensors"); });
    };
    const bool resnet = model.starts_with("resnet");
    CHECK(says(refused([&](ModelOptions& o) { (resnet ? o.width : o.hidden) = 4096; }),
               {"w.safetensors: its metadata needs a tensor ",
                resnet ? "(32768, 32768, 3), there is (16, 16, 3)" : "weight_hh_l0"}));
    CHECK(says(refused([&](ModelOptions& o) { o.classes = 1 << 20; }), {"fc", "1048576", "there is (3, "}));
    if (resnet) {
      CHECK(says(refused([](ModelOptions& o) { o.fc = 65536; }), {"fc1.weight (65536, ", "there is (9, "}));
    } else {
      card.options.head = Head::flatten;
      CHECK(says(refused([](ModelOptions& o) { o.length = 1 << 24; }), {"fc.weight (3, "}));
    }
    CHECK(says(message([&] { ecg::make_model(card, {}, "w"); }),
               {"w: its metadata needs a tensor ", "there is none"}));
  }
}

TEST_CASE("card: each missing or senseless entry is named, with what is wanted") {
  const auto good = ecg::card_metadata(example_card());
  for (const auto& entry : good) {
    const std::string& key = entry.first;
    if (!key.starts_with("ecg.")) continue;
    CAPTURE(key);
    auto data = good;
    data.erase(key);
    CHECK(says(message([&] { ecg::parse_card(data, "w.safetensors"); }),
               {"w.safetensors: ", key, "not written by ecg"}));
    if (key == "ecg.classes") continue;
    for (const char* value : {"", "what", "-1", "1e99", "nan", "12 "}) {
      data = good;
      data[key] = value;
      CAPTURE(value);
      const auto text = message([&] { ecg::parse_card(data, "w.safetensors"); });
      CHECK(says(text, {"w.safetensors: ", key, concat("is \"", value, '"'), "is wanted"}));
    }
  }
  for (const char* key : {"ecg.leads", "ecg.width", "ecg.fc", "ecg.hidden", "ecg.length"})
    for (const char* value : {"0", "1.5", "16777217"}) {
      auto data = good;
      data[key] = value;
      CAPTURE(key);
      CHECK(says(message([&] { ecg::parse_card(data, "w"); }), {key, value, "a number from 1 to "}));
    }
  auto data = good;
  data["ecg.classes"] = "";
  CHECK(says(message([&] { ecg::parse_card(data, "w"); }), {"w: ", "ecg.classes", "empty"}));
  data = good;
  data["ecg.head"] = "Flatten";
  CHECK(says(message([&] { ecg::parse_card(data, "w"); }), {"\"Flatten\"", "flatten, mean, last"}));
  data = good;
  data["ecg.model"] = "resnet";
  CHECK(says(message([&] { ecg::parse_card(data, "w"); }), {"\"resnet\"", "resnet1d18", "gru"}));
}
