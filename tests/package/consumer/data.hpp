// tests/package/consumer/data.hpp: what the program's two files share: both include all of Cordis
#pragma once

#include <cordis/cordis.hpp>

cordis::TensorDataset make_data(std::int64_t records);
