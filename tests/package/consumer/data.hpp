// tests/package/consumer/data.hpp: what the program's two files share
#pragma once

#include <cordis/data/dataset.hpp>

cordis::TensorDataset make_data(std::int64_t records);
