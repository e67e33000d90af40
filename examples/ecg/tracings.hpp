// examples/ecg/tracings.hpp: how data sets kept as HDF5 are opened, if this program was built with it
#pragma once

#include <cordis/ecg/source_code_test.hpp>

namespace app {

// Empty in a build without HDF5; opening such a set then says so.
cordis::ecg::OpenTracings tracings_reader();

}  // namespace app
