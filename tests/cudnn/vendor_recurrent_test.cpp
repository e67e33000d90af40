// tests/cudnn/vendor_recurrent_test.cpp: LSTM and GRU layers by cuDNN against the CPU's kernels
#include <array>
#include <cordis/cpu/recurrent.hpp>
#include <thread>

#include "vendor_support.hpp"

namespace {

struct Layer {
  bool lstm, bias, states;
  std::int64_t D, N, L, I, H;
};

vendor::RecurrentPointers pointers(const RecurrentWeights& w) {
  return {w.w_ih.raw(), w.w_hh.raw(), w.b_ih.raw(), w.b_hh.raw()};
}
RecurrentWeights to_device(const RecurrentWeights& w) {
  const Device device = Device::cuda();
  return {w.w_ih.to(device), w.w_hh.to(device), w.b_ih.to(device), w.b_hh.to(device)};
}
RecurrentWeights like(const RecurrentWeights& w, Device device) {
  const auto same = [&](const Tensor& t) {
    return t.defined() ? Tensor(t.shape(), t.dtype(), device) : Tensor{};
  };
  return {same(w.w_ih), same(w.w_hh), same(w.b_ih), same(w.b_hh)};
}

struct Wanted {
  bool dx = true, dh0 = true, dc0 = true, w_hh = true, weights = true, dy = true, d_states = true;
};

template <class Cell>
void check_layer(const Layer& s, DType dtype, const Wanted& wanted = {}, double allowed = 0) {
  if (allowed == 0) allowed = 10 * tolerance(dtype);
  const Device device = Device::cuda();
  const std::int64_t rows = Cell::kGates * s.H;
  const auto state = [&](std::uint64_t seed) { return random_tensor({s.D, s.N, s.H}, dtype, seed); };
  const Tensor x = random_tensor({s.N, s.L, s.I}, dtype, 1), h0 = s.states ? state(2) : Tensor{},
               c0 = s.states && s.lstm ? state(3) : Tensor{},
               dy = wanted.dy ? random_tensor({s.N, s.L, s.D * s.H}, dtype, 4) : Tensor{},
               dh_n = wanted.d_states ? state(5) : Tensor{},
               dc_n = wanted.d_states && s.lstm ? state(6) : Tensor{};
  std::vector<RecurrentWeights> w, w_device, dw, dw_device;
  std::vector<vendor::RecurrentPointers> w_pointers, dw_pointers;
  for (std::uint64_t d = 0; d < static_cast<std::uint64_t>(s.D); ++d) {
    w.push_back({random_tensor({rows, s.I}, dtype, 10 + 9 * d), random_tensor({rows, s.H}, dtype, 11 + 9 * d),
                 s.bias ? random_tensor({rows}, dtype, 12 + 9 * d) : Tensor{},
                 s.bias ? random_tensor({rows}, dtype, 13 + 9 * d) : Tensor{}});
    w_device.push_back(to_device(w.back()));
    w_pointers.push_back(pointers(w_device.back()));
  }
  const auto outputs = [&](Device on) {
    return std::array{Tensor({s.N, s.L, s.D * s.H}, dtype, on), Tensor({s.D, s.N, s.H}, dtype, on),
                      s.lstm ? Tensor({s.D, s.N, s.H}, dtype, on) : Tensor{}};
  };
  const auto gradients = [&](Device on) {
    return std::array{wanted.dx ? Tensor(x.shape(), dtype, on) : Tensor{},
                      h0.defined() && wanted.dh0 ? Tensor(h0.shape(), dtype, on) : Tensor{},
                      c0.defined() && wanted.dc0 ? Tensor(c0.shape(), dtype, on) : Tensor{}};
  };
  const PoisonGuard poison;

  auto [y, h_n, c_n] = outputs(Device::cpu());
  RecurrentSaved saved;
  recurrent_forward<Cell>(Cpu{}, y, h_n, c_n, saved, true, x, h0, c0, w);
  auto [dx, dh0, dc0] = gradients(Device::cpu());
  for (const auto& each : w) {
    dw.push_back(wanted.weights ? like(each, Device::cpu()) : RecurrentWeights{});
    if (!wanted.w_hh) dw.back().w_hh = {};
    dw_device.push_back(like(dw.back(), device));
    dw_pointers.push_back(pointers(dw_device.back()));
  }
  recurrent_backward<Cell>(Cpu{}, dx, dh0, dc0, dw, dy, dh_n, dc_n, x, y, h0, c0, saved, w);

  const vendor::RecurrentShape shape{dtype, s.lstm, s.bias, s.D, s.N, s.L, s.I, s.H};
  const Tensor given[] = {x.to(device),  h0.to(device),   c0.to(device),
                          dy.to(device), dh_n.to(device), dc_n.to(device)};
  const std::string text = concat(Cell::kName, ' ', dtype, " directions ", s.D, " N ", s.N, " L ", s.L, " I ",
                                  s.I, " H ", s.H, s.bias ? " bias" : "", s.states ? " states" : "", ": ");
  for (const bool keep : {false, true}) {
    const auto out = outputs(device);
    vendor::RecurrentReserve reserve;
    vendor::recurrent_forward(kDevice, shape, keep, reserve, given[0].raw(), given[1].raw(), given[2].raw(),
                              w_pointers.data(), out[0].raw(), out[1].raw(), out[2].raw());
    check_same(text + "y", out[0], y, allowed);
    check_same(text + "h_n", out[1], h_n, allowed);
    check_same(text + "c_n", out[2], c_n, allowed);
    CHECK(static_cast<bool>(reserve.reserve) == keep);
    if (!keep) continue;
    const auto gradient = gradients(device);
    const auto backward = [&](bool again) {
      vendor::recurrent_backward(kDevice, shape, reserve, gradient[0].raw(), gradient[1].raw(),
                                 gradient[2].raw(), dw_pointers.data(), given[3].raw(), given[4].raw(),
                                 given[5].raw(), given[0].raw(), out[0].raw(), given[1].raw(), given[2].raw(),
                                 again);
    };
    backward(true);
    for (const Tensor& each : gradient)
      if (each.defined()) Tensor(each).fill(77);
    backward(false);
    check_same(text + "dx", gradient[0], dx, allowed);
    check_same(text + "dh0", gradient[1], dh0, allowed);
    check_same(text + "dc0", gradient[2], dc0, allowed);
    for (std::size_t d = 0; d < dw.size(); ++d) {
      check_same(text + "w_ih", dw_device[d].w_ih, dw[d].w_ih, allowed);
      check_same(text + "w_hh", dw_device[d].w_hh, dw[d].w_hh, allowed);
      check_same(text + "b_ih", dw_device[d].b_ih, dw[d].b_ih, allowed);
      check_same(text + "b_hh", dw_device[d].b_hh, dw[d].b_hh, allowed);
    }
    CHECK_THROWS_AS(backward(false), std::logic_error);  // cuDNN has worked in what forward kept
  }
}

}  // namespace

TEST_CASE("lstm against the CPU") {
  for (const DType dtype : kFloats)
    for (const std::int64_t D : {1, 2})
      for (const bool bias : {false, true})
        for (const bool states : {false, true})
          check_layer<LstmCell>({true, bias, states, D, 3, 6, 5, 4}, dtype);
  check_layer<LstmCell>({true, true, true, 2, 1, 1, 1, 1}, DType::f32);
  check_layer<LstmCell>({true, true, false, 2, 4, 17, 12, 33}, DType::f32);
}

TEST_CASE("gru against the CPU") {
  for (const DType dtype : kFloats)
    for (const std::int64_t D : {1, 2})
      for (const bool bias : {false, true})
        for (const bool states : {false, true})
          check_layer<GruCell>({false, bias, states, D, 3, 6, 5, 4}, dtype);
  check_layer<GruCell>({false, true, true, 2, 1, 1, 1, 1}, DType::f32);
  check_layer<GruCell>({false, true, false, 2, 4, 17, 12, 33}, DType::f32);
}

TEST_CASE("recurrent gradients that are not wanted or not given") {
  for (const Wanted& wanted :
       {Wanted{.dx = false}, Wanted{.dh0 = false}, Wanted{.dc0 = false}, Wanted{.w_hh = false},
        Wanted{.weights = false}, Wanted{.dy = false}, Wanted{.d_states = false}}) {
    check_layer<LstmCell>({true, true, true, 2, 2, 4, 3, 5}, DType::f64, wanted);
    check_layer<GruCell>({false, true, true, 2, 2, 4, 3, 5}, DType::f64, wanted);
  }
}

TEST_CASE("recurrent layers in another stream, in threads, in TF32") {
  const Layer lstm{true, true, true, 2, 2, 4, 3, 5}, gru{false, true, true, 1, 2, 4, 3, 5};
  Stream stream(kDevice);
  {
    const StreamGuard guard(stream);
    check_layer<LstmCell>(lstm, DType::f32);
  }
  for (int i = 0; i < 3; ++i) std::thread([&] { check_layer<GruCell>(gru, DType::f32); }).join();
  const AllowTf32 allowed;
  check_layer<LstmCell>(lstm, DType::f32, {}, 2e-2);
}
