// tests/package/consumer/with_mpi.cpp: a sum over all processes
#include <cordis/mpi/communicator.hpp>
#include <iostream>

int main() {
  cordis::MpiSession mpi;
  const cordis::Communicator ranks(mpi);
  const auto x = cordis::Tensor::of<double>({1}, {1});
  ranks.all_reduce_sum(x);
  std::cout << "mpi: " << x.item() << " of " << ranks.size() << " processes\n";
  return x.item() == ranks.size() ? 0 : 1;
}
