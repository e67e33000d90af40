// cordis/cuda/recurrent.hpp: kernels of op/recurrent.hpp for Cuda; contracts as in cpu/recurrent.hpp
#pragma once

#include <cordis/contract/recurrent.hpp>

namespace cordis::inline CORDIS_ABI {

struct LstmCell;
struct GruCell;

template <class Cell>
void recurrent_forward(Cuda, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, bool keep,
                       const Tensor& x, const Tensor& h0, const Tensor& c0,
                       const std::vector<RecurrentWeights>& weights);
template <class Cell>
void recurrent_backward(Cuda, Tensor& dx, Tensor& dh0, Tensor& dc0, std::vector<RecurrentWeights>& dw,
                        const Tensor& dy, const Tensor& dh_n, const Tensor& dc_n, const Tensor& x,
                        const Tensor& y, const Tensor& h0, const Tensor& c0, const RecurrentSaved& saved,
                        const std::vector<RecurrentWeights>& weights);

}  // namespace cordis::inline CORDIS_ABI
