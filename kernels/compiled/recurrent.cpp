// kernels/compiled/recurrent.cpp: cordis/compiled/recurrent.hpp
#include <cordis/compiled/recurrent.hpp>
#include <cordis/cpu/recurrent.hpp>

namespace cordis::inline CORDIS_ABI {

template <class Cell>
void recurrent_forward(Compiled, Tensor& y, Tensor& h_n, Tensor& c_n, RecurrentSaved& saved, bool keep,
                       const Tensor& x, const Tensor& h0, const Tensor& c0,
                       const std::vector<RecurrentWeights>& weights) {
  recurrent_forward<Cell>(Cpu{}, y, h_n, c_n, saved, keep, x, h0, c0, weights);
}
template <class Cell>
void recurrent_backward(Compiled, Tensor& dx, Tensor& dh0, Tensor& dc0,
                        std::vector<RecurrentWeights>& dweights, const Tensor& dy, const Tensor& dh_n,
                        const Tensor& dc_n, const Tensor& x, const Tensor& y, const Tensor& h0,
                        const Tensor& c0, const RecurrentSaved& saved,
                        const std::vector<RecurrentWeights>& weights) {
  recurrent_backward<Cell>(Cpu{}, dx, dh0, dc0, dweights, dy, dh_n, dc_n, x, y, h0, c0, saved, weights);
}

template void recurrent_forward<LstmCell>(Compiled, Tensor&, Tensor&, Tensor&, RecurrentSaved&, bool,
                                          const Tensor&, const Tensor&, const Tensor&,
                                          const std::vector<RecurrentWeights>&);
template void recurrent_forward<GruCell>(Compiled, Tensor&, Tensor&, Tensor&, RecurrentSaved&, bool,
                                         const Tensor&, const Tensor&, const Tensor&,
                                         const std::vector<RecurrentWeights>&);
template void recurrent_backward<LstmCell>(Compiled, Tensor&, Tensor&, Tensor&,
                                           std::vector<RecurrentWeights>&, const Tensor&, const Tensor&,
                                           const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                           const Tensor&, const RecurrentSaved&,
                                           const std::vector<RecurrentWeights>&);
template void recurrent_backward<GruCell>(Compiled, Tensor&, Tensor&, Tensor&, std::vector<RecurrentWeights>&,
                                          const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                          const Tensor&, const Tensor&, const Tensor&, const RecurrentSaved&,
                                          const std::vector<RecurrentWeights>&);

}  // namespace cordis::inline CORDIS_ABI
