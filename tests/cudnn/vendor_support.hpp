// tests/cudnn/vendor_support.hpp: what the tests of the libraries share
#pragma once

#include "cuda/support.hpp"
#include "vendor.hpp"

inline const Cuda kDevice{0};

inline double tolerance(DType dtype) { return dtype == DType::f32 ? 4e-6 : 1e-13; }

// While alive, TF32 is allowed.
struct AllowTf32 {
  AllowTf32() { allow_tf32(true); }
  ~AllowTf32() { allow_tf32(false); }
};
