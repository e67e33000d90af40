// tests/ecg/experiment_record_test.cpp: epochs, predictions and timing as CSV and back, bit for bit
#include <doctest/doctest.h>

#include <bit>
#include <cordis/ecg/experiment_state.hpp>

#include "scratch.hpp"

using namespace cordis;
using ecg::EpochRow;
using ecg::Prediction;
using ecg::TestSet;
using scratch::message;
using scratch::says;
using Names = std::vector<std::string>;

namespace {

const Names kClasses = {"A", "b,c", "d \"e\""};

// NaN meets NaN; else the same bits.
bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}
bool same(const std::vector<double>& a, const std::vector<double>& b) {
  bool all = a.size() == b.size();
  for (std::size_t i = 0; all && i < a.size(); ++i) all = same(a[i], b[i]);
  return all;
}
bool same(const ecg::Scores& a, const ecg::Scores& b) {
  return same(a.loss, b.loss) && same(a.f1_weighted, b.f1_weighted) && same(a.f1_macro, b.f1_macro) &&
         same(a.auroc, b.auroc) && same(a.class_f1, b.class_f1) && same(a.class_auroc, b.class_auroc);
}

std::vector<EpochRow> epochs_of(const std::string& text) {
  return ecg::parse_epochs(ecg::parse_csv(text, "epochs.csv"), kClasses);
}

}  // namespace

TEST_CASE("record: exact is the shortest text that reads back, and empty for NaN") {
  CHECK(ecg::exact(0.1) == "0.1");
  CHECK(ecg::exact(0.1F) == "0.1");
  CHECK(ecg::exact(1.0) == "1");
  CHECK(ecg::exact(1e30) == "1e+30");
  CHECK(ecg::exact(kUndefined) == "");
  CHECK(ecg::exact(0.1 + 0.2) == "0.30000000000000004");
}

TEST_CASE("record: epochs.csv comes back bit for bit, undefined scores with it") {
  EpochRow full{.epoch = 1, .train_loss = 0.1 + 0.2};
  full.validation = {1.0 / 3, 5e-324, 0.0, 1.0, {0.25, kUndefined, 1e-17}, {kUndefined, 0.5, 2.0 / 3}};
  full.test = {123456.789, 0.7, -0.0, 1e-308, {1, 0, 0.3}, {0.1, 0.2, 0.9}};
  const EpochRow empty{.epoch = 2};
  const auto text = ecg::epochs_csv({full, empty}, kClasses);
  CHECK(
      text.starts_with("epoch,train_loss,validation_loss,validation_f1_weighted,validation_f1_macro,"
                       "validation_auroc,validation_f1_A,\"validation_f1_b,c\","));
  const auto rows = epochs_of(text);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].epoch == 1);
  CHECK(same(rows[0].train_loss, full.train_loss));
  CHECK(same(rows[0].validation, full.validation));
  CHECK(same(rows[0].test, full.test));
  CHECK(rows[1].epoch == 2);
  CHECK(std::isnan(rows[1].train_loss));
  CHECK(same(rows[1].test, {.class_f1 = std::vector<double>(3, kUndefined),
                            .class_auroc = std::vector<double>(3, kUndefined)}));
  CHECK(ecg::epochs_csv(rows, kClasses) == text);
  CHECK(epochs_of(ecg::epochs_csv({}, kClasses)).empty());
}

TEST_CASE("record: an epochs.csv of other classes or with another text is refused by its place") {
  const auto text = ecg::epochs_csv({{.epoch = 1, .train_loss = 0.5}}, {"A"});
  CHECK(says(message([&] { epochs_of(text); }), {"epochs.csv:1:", "columns are epoch", "was wanted"}));
  const auto one = [](std::string line) {
    const auto header = ecg::epochs_header({"A"});
    return message([&] { ecg::parse_epochs(ecg::parse_csv(header + "\n" + line, "e.csv"), {"A"}); });
  };
  CHECK(one("1,0.5,,,,,,,,,,,,").empty());
  CHECK(says(one("x,0.5,,,,,,,,,,,,"), {"e.csv:2:", "column 'epoch'", "\"x\" is not a number"}));
  CHECK(says(one("1.5,0.5,,,,,,,,,,,,"), {"e.csv:2:", "'epoch'", "\"1.5\""}));
  CHECK(says(one(",0.5,,,,,,,,,,,,"), {"e.csv:2:", "'epoch'", "\"\""}));
  CHECK(says(one("1,0.5,,,,,,,,,,,,0.5x"), {"e.csv:2:", "'test_auroc_A'", "\"0.5x\""}));
}

TEST_CASE("record: predictions.csv comes back with its records and truth") {
  const TestSet test{{"r,1", "r \"2\""}, kClasses, {1, 0, 0, 0, 1, 1}};
  const std::vector<Prediction> predictions = {{"first", 1, {0.1F, 1.0F / 3, 1e-30F, 0, 1, 0.99999994F}},
                                               {"last", 12, {0.5F, 0.5F, 0.5F, 1, 1, 1}}};
  const auto text = ecg::predictions_csv(predictions, test);
  TestSet there;
  const auto back = ecg::parse_predictions(ecg::parse_csv(text, "p.csv"), kClasses, there);
  CHECK(there.records == test.records);
  CHECK(there.classes == test.classes);
  CHECK(there.truth == test.truth);
  REQUIRE(back.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back[i].at == predictions[i].at);
    CHECK(back[i].epoch == predictions[i].epoch);
    CHECK(back[i].probability == predictions[i].probability);
  }
  CHECK(ecg::predictions_csv(back, there) == text);

  const auto none = ecg::predictions_csv({}, test);
  CHECK(ecg::parse_predictions(ecg::parse_csv(none, "p.csv"), kClasses, there).empty());
  CHECK(there.records.empty());
}

TEST_CASE("record: predictions of moments on different records are refused") {
  const auto read = [](const std::string& lines) {
    TestSet there;
    return message([&] {
      ecg::parse_predictions(ecg::parse_csv("at,epoch,record,y_A,p_A\n" + lines, "p.csv"), {"A"}, there);
    });
  };
  CHECK(read("first,1,r,1,0.5\nlast,2,r,1,0.5\n").empty());
  CHECK(says(read("first,1,r,1,0.5\nfirst,1,s,1,0.5\nlast,2,r,1,0.5\n"), {"p.csv", "moment last"}));
  CHECK(says(read("first,1,r,1,p\n"), {"p.csv:2:", "'p_A'", "\"p\""}));
  CHECK(says(read("first,1,r,2,0.5\n"), {"p.csv:2: column 'y_A': \"2\" is neither 0 nor 1"}));
  for (const char* other : {"last,2,s,1,0.5\n", "last,2,r,0,0.5\n", "last,2,r,1,0.5\nlast,2,r,1,0.5\n"})
    CHECK(says(read(concat("first,1,r,1,0.5\n", other)),
               {"p.csv:", "moment last has not the records of the first"}));
  TestSet there;
  CHECK(says(message([&] { ecg::parse_predictions(ecg::parse_csv("a,b\n", "p.csv"), {"A"}, there); }),
             {"p.csv:1:", "columns are a,b", "at,epoch,record,y_A,p_A"}));
}

TEST_CASE("record: timing.csv comes back") {
  const std::vector<double> seconds = {0.1, 1.0 / 3, 1e-9, 12345.678};
  CHECK(ecg::timing_csv({0.5, 2}) == "epoch,seconds\n1,0.5\n2,2\n");
  CHECK(ecg::parse_timing(ecg::parse_csv(ecg::timing_csv(seconds), "t")) == seconds);
  CHECK(ecg::parse_timing(ecg::parse_csv(ecg::timing_csv({}), "t")).empty());
  CHECK(says(message([] { ecg::parse_timing(ecg::parse_csv("epoch,minutes\n", "t.csv")); }),
             {"t.csv:1:", "epoch,minutes", "epoch,seconds"}));
}
