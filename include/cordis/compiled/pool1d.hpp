// cordis/compiled/pool1d.hpp: kernels of op/pool1d.hpp, compiled in cordis::compiled; contracts as in
// cpu/pool1d.hpp
#pragma once

#include <cordis/contract/pool1d.hpp>

namespace cordis::inline CORDIS_ABI {

void max_pool1d_forward(Compiled, Tensor& y, const Storage& winner, const Tensor& x,
                        const MaxPool1dOptions& options);
void max_pool1d_backward(Compiled, Tensor& dx, const Tensor& dy, const Storage& winner,
                         const MaxPool1dOptions& options);
void global_avg_pool1d_forward(Compiled, Tensor& y, const Tensor& x);
void global_avg_pool1d_backward(Compiled, Tensor& dx, const Tensor& dy);

}  // namespace cordis::inline CORDIS_ABI
