// tests/package/consumer/with_nccl.cpp: compiles and links what sums between GPUs; it is not run
#include <cordis/nccl/communicator.hpp>

int main() { return sizeof(cordis::NcclCommunicator) > 0 ? 0 : 1; }
