# Finds cuDNN: the target CUDNN::cudnn and CUDNN_VERSION. Looks where CUDNN_ROOT (variable or environment) says, then in
# the CUDA toolkit that find_package(CUDAToolkit) found, then where CMake always looks.
include(FindPackageHandleStandardArgs)

find_path(CUDNN_INCLUDE_DIR cudnn.h
  HINTS ${CUDAToolkit_INCLUDE_DIRS} ${CUDAToolkit_LIBRARY_ROOT} PATH_SUFFIXES include)
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9
  HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT} PATH_SUFFIXES lib64 lib lib/x64)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)

unset(CUDNN_VERSION)
if(CUDNN_INCLUDE_DIR AND EXISTS ${CUDNN_INCLUDE_DIR}/cudnn_version.h)
  file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h cudnn_lines REGEX "^#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) +[0-9]+")
  if("${cudnn_lines}" MATCHES "MAJOR +([0-9]+).*MINOR +([0-9]+).*PATCHLEVEL +([0-9]+)")
    set(CUDNN_VERSION ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
  endif()
endif()

set(cudnn_missing)
if(NOT CUDNN_INCLUDE_DIR)
  string(APPEND cudnn_missing " the header cudnn.h is in neither CUDNN_ROOT nor ${CUDAToolkit_INCLUDE_DIRS},")
elseif(NOT CUDNN_VERSION)
  string(APPEND cudnn_missing " ${CUDNN_INCLUDE_DIR}/cudnn_version.h does not tell the version,")
elseif(CUDNN_FIND_VERSION AND CUDNN_VERSION VERSION_LESS CUDNN_FIND_VERSION)
  string(APPEND cudnn_missing
    " ${CUDNN_INCLUDE_DIR} holds version ${CUDNN_VERSION}, at least ${CUDNN_FIND_VERSION} is needed,")
endif()
if(NOT CUDNN_LIBRARY)
  string(APPEND cudnn_missing " the library cudnn is in neither CUDNN_ROOT nor ${CUDAToolkit_LIBRARY_DIR},")
endif()
if(cudnn_missing)
  set(cudnn_missing "cuDNN:${cudnn_missing} so install cuDNN, set CUDNN_ROOT, or build without (-DCORDIS_CUDNN=OFF)")
else()
  set(cudnn_missing DEFAULT_MSG)
endif()
find_package_handle_standard_args(CUDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR CUDNN_VERSION
  VERSION_VAR CUDNN_VERSION REASON_FAILURE_MESSAGE "${cudnn_missing}")

if(CUDNN_FOUND AND NOT TARGET CUDNN::cudnn)
  add_library(CUDNN::cudnn UNKNOWN IMPORTED)
  set_target_properties(CUDNN::cudnn PROPERTIES IMPORTED_LOCATION ${CUDNN_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CUDNN_INCLUDE_DIR})
endif()
