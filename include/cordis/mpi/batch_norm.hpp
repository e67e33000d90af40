// cordis/mpi/batch_norm.hpp: batch norm whose statistics are those of all ranks' rows
#pragma once

#include <cordis/mpi/communicator.hpp>
#include <cordis/nn/batch_norm.hpp>

namespace cordis::inline CORDIS_ABI {

// Every BatchNorm1d in net, from now on, normalises over the rows of all ranks, as PyTorch's SyncBatchNorm:
// in training each forward and each backward of one is a collective. Statistics are merged in the ranks'
// order in double. On the CPU alone: a net on a GPU is refused when it runs. Copies of the net are
// synchronised too. Collective.
template <Walkable Net>
void synchronise_batch_norm(Net& net, const Communicator& ranks) {
  const Communicator own = ranks.duplicate();
  walk_modules(net, [&](const std::string& key, auto& module) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(module)>, BatchNorm1d>)
      module.options.gather = [own, what = concat("statistics of batch norm \"", key, '"')](const Tensor& x) {
        return own.all_gather(x, what);
      };
  });
}

}  // namespace cordis::inline CORDIS_ABI
