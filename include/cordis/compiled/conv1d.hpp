// cordis/compiled/conv1d.hpp: kernels of op/conv1d.hpp and op/conv1d_packed.hpp, compiled in
// cordis::compiled; contracts as in cpu/conv1d.hpp
#pragma once

#include <cordis/contract/conv1d.hpp>

namespace cordis::inline CORDIS_ABI {

void conv1d_forward(Compiled, Tensor& y, const Tensor& x, const Tensor& w, const Tensor& b,
                    const Conv1dOptions& options);
void conv1d_backward_data(Compiled, Tensor& dx, const Tensor& dy, const Tensor& w,
                          const Conv1dOptions& options);
void conv1d_backward_weight(Compiled, Tensor& dw, const Tensor& dy, const Tensor& x,
                            const Conv1dOptions& options);
void conv1d_backward_bias(Compiled, Tensor& db, const Tensor& dy);
PackedConv1d pack_conv1d(Compiled, const Tensor& w, const Tensor& b, const Conv1dOptions& options);
void conv1d_packed_forward(Compiled, Tensor& y, const Tensor& x, const PackedConv1d& w, const Conv1dEnd& end);

}  // namespace cordis::inline CORDIS_ABI
