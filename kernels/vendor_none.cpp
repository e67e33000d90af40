// kernels/vendor_none.cpp: vendor.hpp in a build without cuDNN and cuBLAS
#include <stdexcept>

#include "vendor.hpp"

namespace cordis::inline CORDIS_ABI::vendor {

namespace {
[[noreturn]] void absent() { throw std::logic_error("[cuda] built without cuDNN (CORDIS_CUDNN=OFF)"); }
}  // namespace

bool available() { return false; }
std::string versions() { return {}; }
void conv1d(Cuda, Conv1dPass, const Conv1dShape&, void*, void*, void*) { absent(); }
void product(Cuda, const Product&, void*, const void*, const void*) { absent(); }
void recurrent_forward(Cuda, const RecurrentShape&, bool, RecurrentReserve&, const void*, const void*,
                       const void*, const RecurrentPointers*, void*, void*, void*) {
  absent();
}
void recurrent_backward(Cuda, const RecurrentShape&, RecurrentReserve&, void*, void*, void*,
                        const RecurrentPointers*, const void*, const void*, const void*, const void*,
                        const void*, const void*, const void*, bool) {
  absent();
}

}  // namespace cordis::inline CORDIS_ABI::vendor
