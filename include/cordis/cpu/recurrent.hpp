// cordis/cpu/recurrent.hpp: kernels of op/recurrent.hpp
// One layer over whole records, one or two directions.
#pragma once

#include <cordis/cpu/recurrent_backward.hpp>
#include <cordis/cpu/recurrent_forward.hpp>

namespace cordis::inline CORDIS_ABI {}
