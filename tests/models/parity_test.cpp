// tests/models/parity_test.cpp: the six networks against PyTorch's numbers
#include "parity.hpp"

TEST_CASE("parity with PyTorch: every network, f32 and f64") {
  for (const auto& name : cordis::model_names()) {
    SUBCASE((name + " f32").c_str()) { parity::check(name, cordis::DType::f32); }
    SUBCASE((name + " f64").c_str()) { parity::check(name, cordis::DType::f64); }
  }
}
