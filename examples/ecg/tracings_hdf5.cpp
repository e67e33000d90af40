// examples/ecg/tracings_hdf5.cpp: data sets kept as HDF5, read with cordis::hdf5
#include <cordis/hdf5/tracings.hpp>

#include "tracings.hpp"

namespace app {

cordis::ecg::OpenTracings tracings_reader() { return cordis::hdf5::open_tracings; }

}  // namespace app
