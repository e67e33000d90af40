// tests/op/recurrent_test.cpp: one LSTM or GRU layer against PyTorch, a plain step, and differences
#include <doctest/doctest.h>

#include <cordis/op/arithmetic.hpp>
#include <cordis/op/recurrent.hpp>
#include <op/recurrent_case.hpp>
#include <op/support.hpp>

using namespace cordis;

namespace {

struct Setup {
  bool lstm = true;
  std::int64_t N = 1, L = 1, I = 1, H = 1, D = 1;
  bool bias = true, h0 = false, c0 = false;

  std::string name() const {
    return concat(lstm ? "lstm" : "gru", " N ", N, " L ", L, " I ", I, " H ", H, " D ", D,
                  bias ? " bias" : "", h0 ? " h0" : "", c0 ? " c0" : "");
  }
  // x, the parameters of each direction, then the initial states given.
  Tensors inputs(std::uint64_t seed) const {
    const std::int64_t rows = (lstm ? 4 : 3) * H;
    Tensors result{random_tensor({N, L, I}, seed)};
    for (std::int64_t d = 0; d < D; ++d) {
      result.push_back(random_tensor({rows, I}, ++seed));
      result.push_back(random_tensor({rows, H}, ++seed));
      if (bias) result.push_back(random_tensor({rows}, ++seed));
      if (bias) result.push_back(random_tensor({rows}, ++seed));
    }
    for (int i = 0; i < h0 + c0; ++i) result.push_back(random_tensor({D, N, H}, ++seed));
    return result;
  }
  RecurrentOutput call(const Variables& v) const {
    std::size_t next = 1;
    std::vector<RecurrentParameters> directions(static_cast<std::size_t>(D));
    for (auto& p : directions) {
      p.w_ih = v[next++], p.w_hh = v[next++];
      if (bias) p.b_ih = v[next++], p.b_hh = v[next++];
    }
    const Variable h = h0 ? v[next++] : Variable{}, c = c0 ? v[next++] : Variable{};
    return lstm ? cordis::lstm(v[0], directions, h, c) : cordis::gru(v[0], directions, h);
  }
  Op op() const {
    return [*this](const Variables& v) -> Variables {
      const auto out = call(v);
      return lstm ? Variables{out.y, out.h_n, out.c_n} : Variables{out.y, out.h_n};
    };
  }
};

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// The textbook equations of PyTorch's documentation, one sample in time after the other.
Tensors textbook(const Setup& s, const Tensors& inputs) {
  const std::int64_t gates = s.lstm ? 4 : 3, H = s.H;
  Tensor y({s.N, s.L, s.D * H}, DType::f64), h_n({s.D, s.N, H}, DType::f64), c_n({s.D, s.N, H}, DType::f64);
  for (std::int64_t d = 0; d < s.D; ++d)
    for (std::int64_t n = 0; n < s.N; ++n) {
      const auto first = static_cast<std::size_t>(1 + d * (s.bias ? 4 : 2));
      const auto state = [&](std::size_t from_end) {
        const double* values = inputs[inputs.size() - from_end].data<double>() + (d * s.N + n) * H;
        return std::vector<double>(values, values + H);
      };
      std::vector<double> h(static_cast<std::size_t>(H), 0.0), c = h;
      if (s.h0) h = state(s.c0 ? 2 : 1);
      if (s.c0) c = state(1);
      for (std::int64_t step = 0; step < s.L; ++step) {
        const std::int64_t t = d == 0 ? step : s.L - 1 - step;
        std::vector<double> of_x(static_cast<std::size_t>(gates * H), 0.0), of_h = of_x;
        for (std::int64_t g = 0; g < gates * H; ++g) {
          double &a = of_x[static_cast<std::size_t>(g)], &b = of_h[static_cast<std::size_t>(g)];
          if (s.bias) a = inputs[first + 2].data<double>()[g], b = inputs[first + 3].data<double>()[g];
          for (std::int64_t i = 0; i < s.I; ++i)
            a +=
                inputs[first].data<double>()[g * s.I + i] * inputs[0].data<double>()[(n * s.L + t) * s.I + i];
          for (std::int64_t k = 0; k < H; ++k)
            b += inputs[first + 1].data<double>()[g * H + k] * h[static_cast<std::size_t>(k)];
        }
        for (std::size_t k = 0; k < static_cast<std::size_t>(H); ++k) {
          const auto at = [&](std::size_t gate) { return gate * static_cast<std::size_t>(H) + k; };
          const auto both = [&](std::size_t gate) { return of_x[at(gate)] + of_h[at(gate)]; };
          if (s.lstm) {
            c[k] = logistic(both(1)) * c[k] + logistic(both(0)) * std::tanh(both(2));
            h[k] = logistic(both(3)) * std::tanh(c[k]);
          } else {
            const double candidate = std::tanh(of_x[at(2)] + logistic(both(0)) * of_h[at(2)]),
                         z = logistic(both(1));
            h[k] = (1 - z) * candidate + z * h[k];
          }
        }
        std::copy(h.begin(), h.end(), y.data<double>() + (n * s.L + t) * s.D * H + d * H);
      }
      std::copy(h.begin(), h.end(), h_n.data<double>() + (d * s.N + n) * H);
      std::copy(c.begin(), c.end(), c_n.data<double>() + (d * s.N + n) * H);
    }
  return s.lstm ? Tensors{y, h_n, c_n} : Tensors{y, h_n};
}

void stored_layer(StoredCase stored, bool lstm) {
  // Weights of ±60 carry the rounding of f32 from sample to sample.
  if (stored.dtype == DType::f32 && stored.name.ends_with("saturated")) stored.bound = 1e-3;
  const auto options = stored.fixture.options(stored.name);
  if (options[0] != 1) return;  // stacks are the layers' business: tests/nn/recurrent_test.cpp
  const Variable x = stored.leaf("x"), h0 = stored.leaf("h_0"), c0 = stored.leaf("c_0");
  std::vector<RecurrentParameters> directions;
  for (const std::string suffix : {"_l0", "_l0_reverse"})
    if (stored.fixture.has(stored.name + ".param.weight_ih" + suffix))
      directions.push_back({stored.leaf("param.weight_ih" + suffix), stored.leaf("param.weight_hh" + suffix),
                            stored.leaf("param.bias_ih" + suffix), stored.leaf("param.bias_hh" + suffix)});
  REQUIRE(static_cast<std::int64_t>(directions.size()) == 1 + options[1]);
  CHECK(h0.defined() == (options[3] == 1));
  const auto out = lstm ? cordis::lstm(x, directions, h0, c0) : cordis::gru(x, directions, h0);
  compare_recurrent(stored, out, x, h0, c0, lstm);
  for (std::size_t d = 0; d < directions.size(); ++d) {
    const std::string suffix = d ? "_l0_reverse" : "_l0";
    stored.compare("grad.weight_ih" + suffix, directions[d].w_ih.grad());
    stored.compare("grad.weight_hh" + suffix, directions[d].w_hh.grad());
    stored.compare_gradient("grad.bias_ih" + suffix, directions[d].b_ih);
    stored.compare_gradient("grad.bias_hh" + suffix, directions[d].b_hh);
  }
}

}  // namespace

TEST_CASE("recurrent: every stored case of one layer") {
  stored_cases(
      "lstm.", 20, [](const StoredCase& stored) { stored_layer(stored, true); }, 3e-5);
  stored_cases(
      "gru.", 20, [](const StoredCase& stored) { stored_layer(stored, false); }, 3e-5);
}

TEST_CASE("recurrent: every option, odd sizes: the textbook's numbers, gradients by differences") {
  std::uint64_t seed = 0;
  for (const bool lstm : {true, false})
    for (const std::int64_t D : {1, 2})
      for (const bool bias : {true, false})
        for (const bool h0 : {true, false})
          for (const bool c0 : {true, false}) {
            if (c0 && !lstm) continue;
            for (const Setup& size :
                 {Setup{.N = 1, .L = 1, .I = 1, .H = 1}, Setup{.N = 3, .L = 4, .I = 2, .H = 3},
                  Setup{.N = 2, .L = 1, .I = 5, .H = 2}}) {
              Setup s = size;
              s.lstm = lstm, s.D = D, s.bias = bias, s.h0 = h0, s.c0 = c0;
              const Tensors inputs = s.inputs(seed += 100);
              check_near(outcome(s.op(), inputs).y, textbook(s, inputs), 1e-13, s.name() + " textbook");
              prove(s.name(), s.op(), inputs, 1e-4);
            }
          }
}

TEST_CASE("recurrent: wide layers and long records") {
  for (const bool lstm : {true, false})
    for (const std::int64_t D : {1, 2}) {
      const Setup s{.lstm = lstm, .N = 5, .L = 60, .I = 12, .H = 19, .D = D, .h0 = true, .c0 = lstm};
      Tensors inputs = s.inputs(7);
      for (std::size_t i = 1; i < inputs.size(); ++i)  // PyTorch's range of weights: no chaos
        for (double& value : inputs[i].values<double>()) value = static_cast<float>(value * 0.23);
      check_near(outcome(s.op(), inputs).y, textbook(s, inputs), 1e-12, s.name());
      prove_threads(s.name(), s.op(), inputs);
      Tensors narrow;
      for (const auto& input : inputs) narrow.push_back(input.to(DType::f32));
      check_near(outcome(s.op(), narrow).y, textbook(s, inputs), 1e-5, s.name() + " f32");
      check_near(outcome(s.op(), narrow).dx, outcome(s.op(), inputs).dx, 2e-5, s.name() + " f32 gradient");
    }
}

TEST_CASE("recurrent: units that fill vectors and units left over, tiles of every height") {
  for (const bool lstm : {true, false})
    for (const std::int64_t H : {7, 8, 16, 21, 33})
      for (const std::int64_t N : {1, 2, 5, 13}) {
        const Setup s{.lstm = lstm, .N = N, .L = N == 1 ? 300 : 24, .I = 3, .H = H, .h0 = true, .c0 = lstm};
        Tensors inputs = s.inputs(static_cast<std::uint64_t>(11 * H + N));
        for (std::size_t i = 1; i < inputs.size(); ++i)
          for (double& value : inputs[i].values<double>()) value = static_cast<float>(value * 0.2);
        const Outcome wide = outcome(s.op(), inputs);
        check_near(wide.y, textbook(s, inputs), 1e-12, s.name());
        Tensors narrow;  // twice the lanes
        for (const auto& input : inputs) narrow.push_back(input.to(DType::f32));
        const Outcome single = outcome(s.op(), narrow);
        check_near(single.y, wide.y, 1e-5, s.name() + " f32");
        check_near(single.dx, wide.dx, 2e-5, s.name() + " f32 gradient");
      }
  for (const bool lstm : {true, false})
    for (const std::int64_t H : {8, 9}) {
      const Setup s{.lstm = lstm, .N = 2, .L = 3, .I = 2, .H = H, .D = 2, .h0 = true, .c0 = lstm};
      prove(s.name(), s.op(), s.inputs(static_cast<std::uint64_t>(H)), 1e-4);
    }
}

TEST_CASE("recurrent: another number of threads in backward than in forward") {
  for (const bool lstm : {true, false}) {
    const Setup s{.lstm = lstm, .N = 5, .L = 9, .I = 3, .H = 6, .D = 2};
    Variables leaves;
    for (const auto& input : s.inputs(3)) leaves.emplace_back(input, true);
    Tensors gradients[2];
    for (const int threads : {1, 3}) {
      const auto y = [&] {
        const ThreadGuard guard(threads);
        return s.op()(leaves)[0];
      }();
      const ThreadGuard guard(2);
      backward({y}, {ones(y.shape(), DType::f64)});
      for (auto& leaf : leaves) gradients[threads / 3].push_back(std::exchange(leaf.grad(), {}));
    }
    check_near(gradients[0], gradients[1], 1e-12, s.name());
  }
}

TEST_CASE("recurrent: gradients that come to some outputs only") {
  for (const bool lstm : {true, false})
    for (const std::int64_t D : {1, 2})
      for (std::size_t only = 0; only < (lstm ? 3U : 2U); ++only) {
        const Setup s{.lstm = lstm, .N = 2, .L = 3, .I = 2, .H = 3, .D = D, .h0 = true, .c0 = lstm};
        prove(
            concat(s.name(), ", output ", only),
            [&](const Variables& v) -> Variables {
              const auto out = s.call(v);
              return {only == 0 ? out.y : only == 1 ? out.h_n : out.c_n};
            },
            s.inputs(50));
      }
}

TEST_CASE("recurrent: one variable in two places") {
  const Tensor w = random_tensor({12, 3}, 1), x = random_tensor({2, 4, 3}, 2), b = random_tensor({12}, 3);
  prove("both directions and both weights alike",
        [](const Variables& v) -> Variables {
          const RecurrentParameters p{v[1], v[1], v[2], v[2]};
          const auto out = lstm(v[0], {p, p});
          return {out.y, out.c_n};
        },
        {x, w, b});
  prove("state and cell alike",
        [](const Variables& v) -> Variables {
          return {lstm(v[0], {{v[1], v[1], {}, {}}}, v[2], v[2]).y};
        },
        {x, w, random_tensor({1, 2, 3}, 4)});
}

TEST_CASE("recurrent: the second direction is the first on the reversed record") {
  for (const bool lstm : {true, false}) {
    const Setup both{.lstm = lstm, .N = 2, .L = 5, .I = 3, .H = 4, .D = 2},
        one{.lstm = lstm, .N = 2, .L = 5, .I = 3, .H = 4};
    const Tensors inputs = both.inputs(3);
    Tensor reversed = inputs[0].clone();
    for (std::int64_t i = 0; i < reversed.numel(); ++i)
      reversed.data<double>()[i] = inputs[0].data<double>()[(i / 15 * 5 + 4 - i / 3 % 5) * 3 + i % 3];
    const Tensor y = outcome(both.op(), inputs).y[0],
                 z = outcome(one.op(), {reversed, inputs[5], inputs[6], inputs[7], inputs[8]}).y[0];
    for (std::int64_t i = 0; i < z.numel(); ++i) {
      const std::int64_t n = i / 20, t = i / 4 % 5, k = i % 4;
      CHECK(y.data<double>()[(n * 5 + 4 - t) * 8 + 4 + k] ==
            doctest::Approx(z.data<double>()[i]).epsilon(1e-13));
    }
  }
}

TEST_CASE("recurrent: no records") {
  for (const bool lstm : {true, false}) {
    const Setup s{.lstm = lstm, .N = 0, .L = 4, .I = 2, .H = 3, .D = 2, .h0 = true, .c0 = lstm};
    const Tensors inputs = s.inputs(1);
    const Outcome none = outcome(s.op(), inputs);
    CHECK(none.y[0].shape() == Shape{0, 4, 6});
    CHECK(none.y[1].shape() == Shape{2, 0, 3});
    for (std::size_t i = 0; i < inputs.size(); ++i)
      CHECK(identical(none.dx[i], zeros(inputs[i].shape(), DType::f64)));
  }
}

TEST_CASE("recurrent: NaN reaches what comes after it in its record, and nothing else") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const bool lstm : {true, false}) {
      const Setup s{.lstm = lstm, .N = 3, .L = 6, .I = 2, .H = 21, .D = 2};
      Tensors inputs = s.inputs(1);
      inputs[0].data<double>()[(1 * 6 + 2) * 2 + 1] = std::nan("");  // record 1, sample 2
      for (auto& input : inputs) input = input.to(dtype);
      const Outcome got = outcome(s.op(), inputs);
      const Tensor y = got.y[0].to(DType::f64), h_n = got.y[1].to(DType::f64);
      std::int64_t wrong = 0;
      for (std::int64_t i = 0; i < y.numel(); ++i) {
        const std::int64_t n = i / 252, t = i / 42 % 6, d = i % 42 / 21;
        wrong += std::isnan(y.data<double>()[i]) != (n == 1 && (d == 0 ? t >= 2 : t <= 2));
      }
      CHECK_MESSAGE(wrong == 0, s.name(), " ", dtype);
      for (std::int64_t i = 0; i < h_n.numel(); ++i)
        CHECK(std::isnan(h_n.data<double>()[i]) == (i / 21 % 3 == 1));
      const Tensor dw = got.dx[1].to(DType::f64);
      for (const double value : dw.values<double>()) CHECK(std::isnan(value));
    }
}

TEST_CASE("recurrent: huge and infinite inputs saturate the gates") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double size : {1e4, 1e30, std::numeric_limits<double>::infinity()})
      for (const bool lstm : {true, false}) {
        const std::int64_t gates = lstm ? 4 : 3, H = 9;
        const Variable x = full({1, 1, 1}, size, dtype), w = ones({gates * H, 1}, dtype),
                       u = zeros({gates * H, H}, dtype);
        const auto out = lstm ? cordis::lstm(x, {{w, u, {}, {}}}) : cordis::gru(x, {{w, u, {}, {}}});
        const Tensor y = out.y.value().to(DType::f64);
        for (const double value : y.values<double>())  // of the GRU z = 1 keeps the state at 0
          CHECK(value == doctest::Approx(lstm ? std::tanh(1.0) : 0).epsilon(1e-6));
      }
}

TEST_CASE("recurrent: misuse") {
  const auto parameters = [](std::int64_t gates, std::int64_t I, std::int64_t H) {
    return RecurrentParameters{zeros({gates * H, I}), zeros({gates * H, H}), zeros({gates * H}),
                               zeros({gates * H})};
  };
  const RecurrentParameters p = parameters(4, 3, 2);
  const Variable x = zeros({5, 7, 3});
  CHECK(refusal([&] { lstm(x, {}); }) == "[lstm] 0 directions, 1 or 2 are possible");
  CHECK(refusal([&] { gru(x, {p, p, p}); }) == "[gru] 3 directions, 1 or 2 are possible");
  CHECK(refusal([&] { lstm(zeros({7, 3}), {p}); }) == "[lstm] x has shape (7, 3), (N, L, I) is needed");
  CHECK(refusal([&] {
          lstm(zeros({5, 0, 3}), {p});
        }) == "[lstm] x has shape (5, 0, 3): a record of no samples has no last state");
  CHECK(refusal([&] {
          lstm(zeros({5, 7, 4}), {p});
        }) == "[lstm] x has shape (5, 7, 4), but weight_ih (8, 3) expects 3 features");
  CHECK(refusal([&] { gru(x, {p}); }) ==
        "[gru] weight_ih (8, 3) and weight_hh (8, 2) do not fit 2 hidden units");
  CHECK(refusal([&] {
          lstm(x, {p, parameters(4, 3, 5)});
        }) == "[lstm] weight_ih (20, 3) and weight_hh (20, 5) do not fit 2 hidden units");
  for (const std::int64_t rows : {7, 9})
    CHECK(refusal([&] {
            lstm(x, {{p.w_ih, zeros({rows, 2}), {}, {}}});
          }) == concat("[lstm] weight_ih (8, 3) and weight_hh (", rows, ", 2) do not fit 2 hidden units"));
  CHECK(refusal([&] {
          lstm(x, {p, {p.w_ih, zeros({8, 3}), {}, {}}});
        }) == "[lstm] weight_ih (8, 3) and weight_hh (8, 3) do not fit 2 hidden units");
  CHECK(refusal([&] {
          lstm(x, {{p.w_ih, zeros({8}), {}, {}}});
        }) == "[lstm] weight_ih has shape (8, 3), weight_hh (8,); (4 H, I) and (4 H, H) are needed");
  CHECK(refusal([&] {
          lstm(x, {{zeros({8}), p.w_hh, {}, {}}});
        }) == "[lstm] weight_ih has shape (8,), weight_hh (8, 2); (4 H, I) and (4 H, H) are needed");
  CHECK(refusal([&] {
          lstm(x, {{p.w_ih, p.w_hh, p.b_ih, {}}});
        }) == "[lstm] bias_ih and bias_hh come together or not at all");
  CHECK(refusal([&] {
          lstm(x, {{p.w_ih, p.w_hh, p.b_ih, zeros({2})}});
        }) == "[lstm] a bias has shape (2,), (8,) is needed");
  CHECK(refusal([&] {
          lstm(x, {{p.w_ih, p.w_hh, p.b_ih, zeros({8}, DType::f64)}});
        }) == "[lstm] x is f32, a parameter f64");
  CHECK(refusal([&] {
          lstm(x, {p}, zeros({5, 2}));
        }) == "[lstm] an initial state is f32 (5, 2), f32 (1, 5, 2) is needed");
  CHECK(refusal([&] {
          lstm(x, {p, p}, {}, zeros({2, 5, 2}, DType::f64));
        }) == "[lstm] an initial state is f64 (2, 5, 2), f32 (2, 5, 2) is needed");
  CHECK(refusal([&] { lstm(x, {RecurrentParameters{}}); }) == "[variable] used before it was given a value");
}
