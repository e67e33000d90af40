// cordis/compiled/recurrent.hpp: kernels of op/recurrent.hpp, compiled in cordis::compiled for LstmCell and
// GruCell; contracts as in cpu/recurrent.hpp
#pragma once

#include <cordis/contract/recurrent.hpp>
#include <cordis/cpu/recurrent_cell.hpp>

namespace cordis::inline CORDIS_ABI {

template <class Cell>
void recurrent_forward(Compiled, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, bool keep,
                       const Tensor& x, const Tensor& h0, const Tensor& c0,
                       const std::vector<RecurrentWeights>& weights);
template <class Cell>
void recurrent_backward(Compiled, Tensor& dx, Tensor& dh0, Tensor& dc0,
                        std::vector<RecurrentWeights>& dweights, const Tensor& dy, const Tensor& dh_n,
                        const Tensor& dc_n, const Tensor& x, const Tensor& y, const Tensor& h0,
                        const Tensor& c0, const RecurrentSaved& saved,
                        const std::vector<RecurrentWeights>& weights);

}  // namespace cordis::inline CORDIS_ABI
