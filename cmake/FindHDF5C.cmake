# Finds the C library of HDF5, serial: the target HDF5C::HDF5C and HDF5C_VERSION. CMake's own FindHDF5 compiles C, which
# this project does not enable. Looks where HDF5_ROOT says, then where Debian and others put it.
include(FindPackageHandleStandardArgs)

find_path(HDF5C_INCLUDE_DIR hdf5.h
  HINTS ${HDF5_ROOT} $ENV{HDF5_ROOT} PATH_SUFFIXES include include/hdf5/serial hdf5/serial)
find_library(HDF5C_LIBRARY NAMES hdf5_serial hdf5
  HINTS ${HDF5_ROOT} $ENV{HDF5_ROOT} PATH_SUFFIXES lib lib64 hdf5/serial)
mark_as_advanced(HDF5C_INCLUDE_DIR HDF5C_LIBRARY)

unset(HDF5C_VERSION)
if(HDF5C_INCLUDE_DIR AND EXISTS ${HDF5C_INCLUDE_DIR}/H5public.h)
  file(STRINGS ${HDF5C_INCLUDE_DIR}/H5public.h hdf5c_lines REGEX "^#define H5_VERS_(MAJOR|MINOR|RELEASE)[ \t]+[0-9]+")
  if("${hdf5c_lines}" MATCHES "MAJOR[ \t]+([0-9]+).*MINOR[ \t]+([0-9]+).*RELEASE[ \t]+([0-9]+)")
    set(HDF5C_VERSION ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
  endif()
endif()

find_package_handle_standard_args(HDF5C REQUIRED_VARS HDF5C_LIBRARY HDF5C_INCLUDE_DIR VERSION_VAR HDF5C_VERSION
  REASON_FAILURE_MESSAGE
    "install the HDF5 C library (Debian: libhdf5-dev), set HDF5_ROOT, or build without (-DCORDIS_HDF5=OFF)")

if(HDF5C_FOUND AND NOT TARGET HDF5C::HDF5C)
  add_library(HDF5C::HDF5C UNKNOWN IMPORTED)
  set_target_properties(HDF5C::HDF5C PROPERTIES IMPORTED_LOCATION ${HDF5C_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${HDF5C_INCLUDE_DIR})
endif()
