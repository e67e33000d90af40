// cordis/op/recurrent.hpp: one LSTM or GRU layer over whole records, one or two directions, one node on the
// tape. Kernels: cordis/cpu/recurrent.hpp.
#pragma once

#include <algorithm>
#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/recurrent.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/recurrent.hpp>
#else
#include <cordis/cpu/recurrent.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// One direction's parameters, PyTorch's layout; gates i, f, g, o (LSTM) or r, z, n (GRU) one below the other.
struct RecurrentParameters {
  Variable w_ih;        // (G H, I), G = 4 or 3
  Variable w_hh;        // (G H, H)
  Variable b_ih, b_hh;  // (G H,), or both undefined
};

// What a recurrent layer gives.
struct RecurrentOutput {
  Variable y;    // (N, L, D H), the second direction's outputs beside the first's
  Variable h_n;  // (D, N, H), the last output of each direction
  Variable c_n;  // (D, N, H), of an LSTM
};

namespace detail {

inline std::vector<RecurrentWeights> recurrent_values(const std::vector<RecurrentParameters>& directions) {
  const auto value = [](const Variable& v) { return v.defined() ? v.value() : Tensor{}; };
  std::vector<RecurrentWeights> weights;
  for (const auto& p : directions)
    weights.push_back({value(p.w_ih), value(p.w_hh), value(p.b_ih), value(p.b_hh)});
  return weights;
}

template <class Cell>
void check_recurrent(const Variable& x, const std::vector<RecurrentParameters>& directions,
                     const Variable& h0, const Variable& c0) {
  const char* op = Cell::kName;
  CORDIS_CHECK(directions.size() == 1 || directions.size() == 2, "[", op, "] ", directions.size(),
               " directions, 1 or 2 are possible");
  CORDIS_CHECK(x.value().rank() == 3, "[", op, "] x has shape ", x.shape(), ", (N, L, I) is needed");
  CORDIS_CHECK(x.size(1) > 0, "[", op, "] x has shape ", x.shape(),
               ": a record of no samples has no last state");
  CORDIS_CHECK(directions[0].w_ih.value().rank() == 2 && directions[0].w_hh.value().rank() == 2, "[", op,
               "] weight_ih has shape ", directions[0].w_ih.shape(), ", weight_hh ",
               directions[0].w_hh.shape(), "; (", Cell::kGates, " H, I) and (", Cell::kGates,
               " H, H) are needed");
  const std::int64_t H = directions[0].w_hh.size(1), rows = Cell::kGates * H;
  CORDIS_CHECK(directions[0].w_ih.size(1) == x.size(2), "[", op, "] x has shape ", x.shape(),
               ", but weight_ih ", directions[0].w_ih.shape(), " expects ", directions[0].w_ih.size(1),
               " features", detail::layout_hint(x, directions[0].w_ih.size(1)));
  for (const auto& p : directions) {
    CORDIS_CHECK(p.w_ih.shape() == (Shape{rows, x.size(2)}) && p.w_hh.shape() == (Shape{rows, H}), "[", op,
                 "] weight_ih ", p.w_ih.shape(), " and weight_hh ", p.w_hh.shape(), " do not fit ", H,
                 " hidden units");
    CORDIS_CHECK(p.b_ih.defined() == p.b_hh.defined(), "[", op,
                 "] bias_ih and bias_hh come together or not at all");
    for (const auto* each : {&p.w_ih, &p.w_hh, &p.b_ih, &p.b_hh})
      CORDIS_CHECK(!each->defined() || each->dtype() == x.dtype(), "[", op, "] x is ", x.dtype(),
                   ", a parameter ", each->dtype());
    for (const auto* each : {&p.b_ih, &p.b_hh})
      CORDIS_CHECK(!each->defined() || each->shape() == Shape{rows}, "[", op, "] a bias has shape ",
                   each->shape(), ", (", rows, ",) is needed");
  }
  for (const auto& p : directions) check_device(op, x, p.w_ih, p.w_hh, p.b_ih, p.b_hh, h0, c0);
  const Shape state{static_cast<std::int64_t>(directions.size()), x.size(0), H};
  for (const auto* each : {&h0, &c0})
    CORDIS_CHECK(!each->defined() || (each->shape() == state && each->dtype() == x.dtype()), "[", op,
                 "] an initial state is ", each->dtype(), ' ', each->shape(), ", ", x.dtype(), ' ', state,
                 " is needed");
}

template <class Cell>
RecurrentOutput recurrent(const Variable& x, const std::vector<RecurrentParameters>& directions,
                          const Variable& h0, const Variable& c0) {
  check_recurrent<Cell>(x, directions, h0, c0);
  const std::int64_t N = x.size(0), L = x.size(1), H = directions[0].w_hh.size(1),
                     D = static_cast<std::int64_t>(directions.size());
  const auto value = [](const Variable& v) { return v.defined() ? v.value() : Tensor{}; };
  const auto weights = recurrent_values(directions);
  const auto make = [&](const Shape& shape) { return Tensor(shape, x.dtype(), x.device()); };
  Tensor y = make({N, L, D * H}), h_n = make({D, N, H}), c_n = Cell::kHasCell ? make({D, N, H}) : Tensor{};
  Variables inputs{x, h0, c0};
  for (const auto& p : directions) inputs.insert(inputs.end(), {p.w_ih, p.w_hh, p.b_ih, p.b_hh});
  const bool keep = grad_enabled() && std::any_of(inputs.begin(), inputs.end(),
                                                  [](const Variable& v) { return v.requires_grad(); });
  RecurrentSaved saved;
  on(x.device(), [&](auto device) {
    recurrent_forward<Cell>(device, y, h_n, c_n, saved, keep, x.value(), value(h0), value(c0), weights);
  });

  Tensors outputs{y, h_n};
  if (Cell::kHasCell) outputs.push_back(c_n);
  auto results = record_outputs(
      Cell::kName, outputs, inputs,
      [x = x.value(), y, h0 = value(h0), c0 = value(c0), saved, weights](const Tensors& dy,
                                                                         const Needs& needs) {
        Tensor dx = needs[0] ? empty_like(x) : Tensor{}, dh0 = needs[1] ? empty_like(h0) : Tensor{},
               dc0 = needs[2] ? empty_like(c0) : Tensor{};
        std::vector<RecurrentWeights> dw(weights.size());
        for (std::size_t d = 0; d < dw.size(); ++d) {
          const auto wanted = [&](std::size_t i, const Tensor& like) {
            return needs[3 + 4 * d + i] ? empty_like(like) : Tensor{};
          };
          dw[d] = {wanted(0, weights[d].w_ih), wanted(1, weights[d].w_hh), wanted(2, weights[d].b_ih),
                   wanted(3, weights[d].b_hh)};
        }
        RecurrentSaved kept = saved;
        kept.again = needs.again;
        on(x.device(), [&](auto device) {
          recurrent_backward<Cell>(device, dx, dh0, dc0, dw, dy[0], dy[1], Cell::kHasCell ? dy[2] : Tensor{},
                                   x, y, h0, c0, kept, weights);
        });
        Tensors gradients{dx, dh0, dc0};
        for (const auto& d : dw) gradients.insert(gradients.end(), {d.w_ih, d.w_hh, d.b_ih, d.b_hh});
        return gradients;
      });
  return {results[0], results[1], Cell::kHasCell ? results[2] : Variable{}};
}

}  // namespace detail

// An LSTM layer (Hochreiter and Schmidhuber 1997) over whole records.
// x: (N, L, I); directions: one or two, the second running backwards in time; h0, c0: (D, N, H) or undefined
// for zeros.
inline RecurrentOutput lstm(const Variable& x, const std::vector<RecurrentParameters>& directions,
                            const Variable& h0 = {}, const Variable& c0 = {}) {
  return detail::recurrent<LstmCell>(x, directions, h0, c0);
}
// The same for a GRU (Cho et al. 2014, in PyTorch's form: the reset gate acts on the product with w_hh).
inline RecurrentOutput gru(const Variable& x, const std::vector<RecurrentParameters>& directions,
                           const Variable& h0 = {}) {
  return detail::recurrent<GruCell>(x, directions, h0, {});
}

}  // namespace cordis::inline CORDIS_ABI
