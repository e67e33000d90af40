// tests/cuda/recurrent_test.cpp: LSTM and GRU layers against the CPU
#include <cordis/autograd/gradcheck.hpp>
#include <cordis/op/recurrent.hpp>

#include "support.hpp"

namespace {

// Inputs: x, h0, c0, then w_ih, w_hh, b_ih, b_hh of each direction.
Op layer(bool lstm_cell, std::size_t directions) {
  return [=](const Variables& v) {
    std::vector<RecurrentParameters> p;
    for (std::size_t d = 0; d < directions; ++d)
      p.push_back({v[3 + 4 * d], v[4 + 4 * d], v[5 + 4 * d], v[6 + 4 * d]});
    const RecurrentOutput out = lstm_cell ? lstm(v[0], p, v[1], v[2]) : gru(v[0], p, v[1]);
    return lstm_cell ? Variables{out.y, out.h_n, out.c_n} : Variables{out.y, out.h_n};
  };
}

Tensors layer_inputs(bool lstm_cell, std::int64_t D, std::int64_t N, std::int64_t L, std::int64_t I,
                     std::int64_t H, bool bias, bool states, DType dtype) {
  const std::int64_t rows = (lstm_cell ? 4 : 3) * H;
  Tensors inputs{random_tensor({N, L, I}, dtype, 1), states ? random_tensor({D, N, H}, dtype, 2) : Tensor{},
                 states && lstm_cell ? random_tensor({D, N, H}, dtype, 3) : Tensor{}};
  for (std::uint64_t d = 0; d < static_cast<std::uint64_t>(D); ++d) {
    inputs.push_back(random_tensor({rows, I}, dtype, 4 + 10 * d, -0.6, 0.6));
    inputs.push_back(random_tensor({rows, H}, dtype, 5 + 10 * d, -0.6, 0.6));
    inputs.push_back(bias ? random_tensor({rows}, dtype, 6 + 10 * d) : Tensor{});
    inputs.push_back(bias ? random_tensor({rows}, dtype, 7 + 10 * d) : Tensor{});
  }
  return inputs;
}

}  // namespace

TEST_CASE("recurrent layers agree with the CPU's, forward and backward") {
  Generator generator(8);
  for (const DType dtype : kFloats)
    for (const bool cell : {true, false})
      for (const std::int64_t D : {1, 2})
        for (int form = 0; form < 3; ++form) {
          const std::int64_t N = form == 0 ? 1 : 2 + static_cast<std::int64_t>(generator.below(6)),
                             L = 1 + static_cast<std::int64_t>(generator.below(7)),
                             I = awkward(generator, 14), H = form == 2 ? 33 : awkward(generator, 12);
          same_on_device(concat(cell ? "lstm" : "gru", " D ", D, " N ", N, " L ", L, " I ", I, " H ", H),
                         layer(cell, static_cast<std::size_t>(D)),
                         layer_inputs(cell, D, N, L, I, H, form != 1, form != 0, dtype),
                         {.f32 = 1e-5, .f64 = 1e-12, .constant = {}});
        }
}

TEST_CASE("gradients of the device's recurrent layers pass gradcheck") {
  for (const Backend each : backends())
    for (const bool cell : {true, false}) {
      const BackendGuard guard(each);
      Tensors inputs = layer_inputs(cell, 1, 2, 2, 2, 2, true, true, DType::f64);
      for (auto& input : inputs) input = input.to(Device::cuda());
      const auto f = [&](const Variables& v) {
        Variables all{v[0], v[1]};
        all.push_back(cell ? v[2] : Variable{});
        for (std::size_t i = cell ? 3 : 2; i < v.size(); ++i) all.push_back(v[i]);
        return layer(cell, 1)(all)[0];
      };
      Tensors given;
      for (const auto& input : inputs)
        if (input.defined()) given.push_back(input);
      const auto result = gradcheck(f, given);
      CHECK_MESSAGE(result.ok, result.message);
    }
}

TEST_CASE("backward of a retained graph can run twice, with the same gradients") {
  for (const Backend each : backends())
    for (const bool cell : {true, false}) {
      const BackendGuard guard(each);
      Variables v;
      for (const auto& input : layer_inputs(cell, 1, 3, 4, 2, 5, true, false, DType::f32))
        v.push_back(input.defined() ? Variable(input.to(Device::cuda()), true) : Variable{});
      const Variable y = layer(cell, 1)(v)[0];
      const Tensor upstream = random_tensor(y.shape(), DType::f32, 20).to(Device::cuda());
      backward({y}, {upstream}, {.retain_graph = true});
      const Tensor first = std::exchange(v[4].grad(), Tensor{});
      backward({y}, {upstream});
      check_same("second", v[4].grad(), first.to(Device::cpu()), 0);
      CHECK_THROWS_WITH(backward({y}, {upstream}), doctest::Contains("retain_graph"));
    }
}
