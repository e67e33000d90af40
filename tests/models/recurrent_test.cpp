// tests/models/recurrent_test.cpp: heads, gradients and messages of the LSTM, BiLSTM and GRU classifiers
#include <doctest/doctest.h>

#include <cordis/models/recurrent.hpp>

#include "end_to_end.hpp"
#include "refusal.hpp"

using namespace cordis;
using end_to_end::drawn;

namespace {

constexpr Head kHeads[] = {Head::flatten, Head::mean, Head::last};

// What the head should see of the outputs y (N, L, D H), worked out here.
Tensor features(const Tensor& y, Head head, std::int64_t directions) {
  const std::int64_t N = y.size(0), L = y.size(1), F = y.size(2), H = F / directions;
  if (head == Head::flatten) return y.reshaped({N, L * F});
  Tensor seen = zeros({N, F}, DType::f64);
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t f = 0; f < F; ++f)
      for (std::int64_t l = 0; l < L; ++l) {
        const double value = y.data<double>()[(n * L + l) * F + f];
        if (head == Head::mean) seen.data<double>()[n * F + f] += value / static_cast<double>(L);
        if (head == Head::last && l == (f < H ? L - 1 : 0)) seen.data<double>()[n * F + f] = value;
      }
  return seen;
}

template <class Net, class Recurrent>
void check_head(Net& net, const Recurrent& layer, Head head, std::int64_t directions) {
  to(net, DType::f64);
  const Tensor x = drawn({3, 13, 2}, DType::f64, 1);
  const Tensor seen = features(layer(x).value(), head, directions), y = net(x).value();
  const double *w = net.fc.weight.value().template data<double>(),
               *b = net.fc.bias.value().template data<double>();
  const std::int64_t F = seen.size(1);
  REQUIRE(net.fc.weight.shape() == (Shape{4, F}));
  for (std::int64_t n = 0; n < 3; ++n)
    for (std::int64_t k = 0; k < 4; ++k) {
      double wanted = b[k];
      for (std::int64_t f = 0; f < F; ++f) wanted += w[k * F + f] * seen.data<double>()[n * F + f];
      CHECK(y.data<double>()[n * 4 + k] == doctest::Approx(wanted).epsilon(1e-12));
    }
}

}  // namespace

TEST_CASE("recurrent: each head sees what it says") {
  for (const Head head : kHeads) {
    const RecurrentClassifierOptions options{
        .leads = 2, .classes = 4, .length = 13, .hidden = 5, .head = head};
    LstmClassifier lstm(options);
    check_head(lstm, lstm.lstm, head, 1);
    BiLstmClassifier both(options);
    check_head(both, both.lstm, head, 2);
    GruClassifier gru(options);
    check_head(gru, gru.gru, head, 1);
  }
}

TEST_CASE("recurrent: odd lengths, leads and hidden units, and other lengths for all heads but flatten") {
  for (const Head head : kHeads)
    for (const std::int64_t length : {1, 2, 17}) {
      const RecurrentClassifierOptions options{
          .leads = 3, .classes = 1, .length = length, .hidden = 7, .head = head};
      LstmClassifier lstm(options);
      BiLstmClassifier both(options);
      GruClassifier gru(options);
      for (const std::int64_t given : {length, length + 4}) {
        if (given != length && head == Head::flatten) continue;
        end_to_end::check_trains(lstm, {2, given, 3}, 1);
        end_to_end::check_trains(both, {1, given, 3}, 1);
        end_to_end::check_trains(gru, {5, given, 3}, 1);
      }
    }
}

TEST_CASE("recurrent: the share that a new top layer leaves is small with flatten, large with the others") {
  const auto share = [](Head head) {
    const LstmClassifier net({.classes = 5, .head = head});
    return static_cast<double>(count_parameters(net.lstm)) / static_cast<double>(count_parameters(net));
  };
  CHECK(share(Head::flatten) == doctest::Approx(45600.0 / 545605));
  CHECK(share(Head::mean) == doctest::Approx(45600.0 / (45600 + 505)));
  CHECK(share(Head::last) == doctest::Approx(45600.0 / (45600 + 505)));
}

TEST_CASE("recurrent: gradients of every net with every head, every element") {
  for (const Head head : kHeads) {
    const RecurrentClassifierOptions options{
        .leads = 2, .classes = 2, .length = 7, .hidden = 3, .head = head};
    LstmClassifier lstm(options);
    end_to_end::check_gradients(lstm, {3, 7, 2}, 1);
    BiLstmClassifier both(options);
    end_to_end::check_gradients(both, {2, 7, 2}, 2);
    GruClassifier gru(options);
    end_to_end::check_gradients(gru, {3, 7, 2}, 3);
  }
}

TEST_CASE("recurrent: replacing the top layer is one line") {
  BiLstmClassifier net({.leads = 2, .classes = 5, .length = 9, .hidden = 4});
  net.fc = Linear(9 * 2 * 4, 3);
  end_to_end::check_trains(net, {2, 9, 2}, 3);
}

TEST_CASE("recurrent: evaluation changes nothing") {
  const Tensor x = drawn({2, 9, 2}, DType::f32, 6);
  const RecurrentClassifierOptions options{.leads = 2, .classes = 2, .length = 9, .hidden = 3};
  LstmClassifier lstm(options);
  end_to_end::check_eval_is_pure(lstm, x);
  GruClassifier gru(options);
  end_to_end::check_eval_is_pure(gru, x);
}

TEST_CASE("recurrent: a wrong input is told the shape that is needed") {
  const RecurrentClassifierOptions options{.leads = 12, .classes = 2, .length = 30, .hidden = 2};
  const LstmClassifier lstm(options);
  const GruClassifier gru(options);
  const auto given = [&](const Variable& x, std::initializer_list<std::string_view> parts) {
    CHECK(says(refusal([&] { lstm(x); }), parts));
    CHECK(says(refusal([&] { gru(x); }), parts));
  };
  given(ones({2, 30, 11}), {"x has shape (2, 30, 11)", "expects 12 features"});
  given(ones({2, 12, 30}), {"x has shape (2, 12, 30)", "expects 12 features"});
  given(ones({30, 12}), {"x has shape (30, 12)", "(N, L, I) is needed"});
  given(ones({2, 29, 12}), {"[classifier] x has 29 samples", "made for 30"});
  given(ones({2, 0, 12}), {"(2, 0, 12)", "no samples"});
  given(ones({2, 30, 12}, DType::f64), {"x is f64", "f32"});
  given({}, {"used before it was given a value"});
}

TEST_CASE("recurrent: options below one are refused") {
  const auto made = [](const RecurrentClassifierOptions& options,
                       std::initializer_list<std::string_view> parts) {
    CHECK(says(refusal([&] { const LstmClassifier net(options); }), parts));
    CHECK(says(refusal([&] { const BiLstmClassifier net(options); }), parts));
    CHECK(says(refusal([&] { const GruClassifier net(options); }), parts));
  };
  made({.leads = 0}, {"input 0", "at least 1"});
  made({.classes = 0}, {"[classifier]", "classes 0", "at least 1"});
  made({.length = 0}, {"[classifier]", "length 0"});
  made({.hidden = -1}, {"hidden -1", "at least 1"});
}
