// tests/nn/summary_test.cpp: the table of layers
#include <doctest/doctest.h>

#include <cordis/nn/batch_norm.hpp>
#include <cordis/nn/conv1d.hpp>
#include <cordis/nn/dropout.hpp>
#include <cordis/nn/linear.hpp>
#include <cordis/nn/recurrent.hpp>
#include <cordis/nn/summary.hpp>
#include <cordis/op/pool1d.hpp>
#include <nn/support.hpp>

using namespace cordis;

namespace {

struct Labelled {
  static constexpr const char* kName = "Net";
  Conv1d conv{2, 4, {.kernel = 3, .padding = 1, .bias = false}};  // shares the net's address
  BatchNorm1d norm{4};
  std::vector<Linear> heads{Linear(4, 5), Linear(5, 5)};
  Dropout dropout;
  bool training = true;

  static void visit(auto& m, auto&& f) {
    f("conv", m.conv), f("norm", m.norm), f("heads", m.heads), f("dropout", m.dropout);
  }
  Variable operator()(const Variable& x) const {
    const Variable y = heads[1](heads[1](dropout(heads[0](global_avg_pool1d(norm(conv(x)))))));
    return observed(*this, y);
  }
};

}  // namespace

TEST_CASE("summary: a row for each call, with shapes and own parameters") {
  Labelled net;
  const auto rows = summary_rows(net, {3, 9, 2});
  struct Row {
    std::string key, type;
    Shape output;
    std::int64_t parameters;
  };
  const std::vector<Row> expected{{"conv", "Conv1d", {3, 9, 4}, 24},
                                  {"norm", "BatchNorm1d", {3, 9, 4}, 8},
                                  {"heads.0", "Linear", {3, 5}, 25},
                                  {"dropout", "Dropout", {3, 5}, 0},
                                  {"heads.1", "Linear", {3, 5}, 30},
                                  {"heads.1", "Linear", {3, 5}, 30},
                                  {"", "Net", {3, 5}, 0}};
  REQUIRE(rows.size() == expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].key == expected[i].key);
    CHECK(rows[i].type == expected[i].type);
    CHECK(rows[i].output == expected[i].output);
    CHECK(rows[i].parameters == expected[i].parameters);
  }
}

TEST_CASE("summary: the net is left as it was") {
  Labelled net;
  net.dropout.training = false;
  seed(4);
  summary_rows(net, {1, 9, 2});
  CHECK((net.training && net.norm.training && !net.dropout.training));
  CHECK(identical(net.norm.running_mean, zeros({4})));
  CHECK(net.norm.num_batches_tracked.item<std::int64_t>() == 0);
  CHECK(default_generator().offset() == 0);
  CHECK(grad_enabled());
  for (const auto& parameter : parameters(net)) CHECK_FALSE(parameter.grad().defined());

  CHECK(refusal([&] {
          summary_rows(net, {1, 9, 3});
        }) == "[conv1d] x has shape (1, 9, 3), but w (4, 2, 3) expects 2 channels");
  CHECK((net.training && net.norm.training && !net.dropout.training));
  CHECK(grad_enabled());
  CHECK_FALSE(detail::observer());
}

TEST_CASE("summary: the net's own element type") {
  Labelled net;
  to(net, DType::f64);
  CHECK(summary_rows(net, {1, 9, 2}).size() == 7);
  Dropout bare;
  REQUIRE(summary_rows(bare, {2, 3}).size() == 1);
  CHECK(summary_rows(bare, {2, 3})[0].output == Shape{2, 3});
}

TEST_CASE("summary: the table") {
  Labelled net;
  requires_grad(net.conv, false);
  CHECK(summary(net, {3, 9, 2}) ==
        "layer    type         output          parameters\n"
        "input                 (3, 9, 2)                 \n"
        "conv     Conv1d       (3, 9, 4)               24\n"
        "norm     BatchNorm1d  (3, 9, 4)                8\n"
        "heads.0  Linear       (3, 5)                  25\n"
        "dropout  Dropout      (3, 5)                   -\n"
        "heads.1  Linear       (3, 5)                  30\n"
        "heads.1  Linear       (3, 5)                  30\n"
        "         Net          (3, 5)                   -\n"
        "parameters 87, trainable 63, buffers 9, state_dict entries 10\n");
}

TEST_CASE("summary: recurrent layers") {
  LSTM lstm({.input = 3, .hidden = 5, .layers = 2, .bidirectional = true});
  const auto rows = summary_rows(lstm, {2, 7, 3});
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].type == "LSTM");
  CHECK(rows[0].output == Shape{2, 7, 10});
  CHECK(rows[0].parameters == count_parameters(lstm));
  GRU gru({.input = 3, .hidden = 5});
  CHECK(summary_rows(gru, {2, 7, 3})[0].parameters == 15 * (3 + 5 + 2));
}
