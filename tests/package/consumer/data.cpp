// tests/package/consumer/data.cpp: records of which a slow wave tells the class
#include "data.hpp"

#include <cmath>

cordis::TensorDataset make_data(std::int64_t records) {
  const std::int64_t length = 64, leads = 2;
  cordis::TensorDataset data{cordis::Tensor({records, length, leads}), cordis::Tensor({records, 1})};
  for (std::int64_t i = 0; i < records; ++i) {
    const bool wave = i % 3 == 0;
    data.y.data<float>()[i] = wave ? 1.0f : 0.0f;
    for (std::int64_t t = 0; t < length; ++t)
      for (std::int64_t k = 0; k < leads; ++k) {
        const auto phase = static_cast<float>(t + 7 * i + 3 * k);
        data.x.data<float>()[(i * length + t) * leads + k] =
            std::sin(phase) + (wave ? std::sin(phase / 9) : 0.0f);
      }
  }
  return data;
}
