# cmake/debian.cmake: Debian packages, by `cpack -G DEB` in the build folder: libcordis-dev, for every architecture, and
# libcordis-cuda-dev, where the kernels' library is built. Configure with
# -DCMAKE_INSTALL_PREFIX=/usr, and without tests and the like, because CPack builds everything first.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cordis)
if(NOT DEFINED CPACK_PACKAGE_CONTACT)
  set(CPACK_PACKAGE_CONTACT "The Cordis authors <authors@cordis.invalid>")
endif()
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENTS_ALL dev)

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libcordis-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libeigen3-dev (>= 3.4)")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libopenmpi-dev, libhdf5-dev")
set(CPACK_DEBIAN_DEV_DESCRIPTION
"Tensor, autograd, convolutions in one dimension, batch norm, LSTM and GRU,
losses and optimizers, with the parts that train networks on ECGs. Programs
find it by CMake or pkg-config.")

if(CORDIS_CUDA)
  list(APPEND CPACK_COMPONENTS_ALL cuda)
  set(CPACK_DEBIAN_CUDA_PACKAGE_NAME libcordis-cuda-dev)
  set(CPACK_DEBIAN_CUDA_PACKAGE_DEPENDS "libcordis-dev (= ${PROJECT_VERSION})")
  # Of NVIDIA's own repository; Debian's are older than the engine asks for.
  set(CPACK_DEBIAN_CUDA_PACKAGE_RECOMMENDS "cuda-toolkit-${CUDAToolkit_VERSION_MAJOR}-${CUDAToolkit_VERSION_MINOR}")
  if(CORDIS_CUDNN)
    string(APPEND CPACK_DEBIAN_CUDA_PACKAGE_RECOMMENDS ", cudnn9-cuda-${CUDAToolkit_VERSION_MAJOR}")
  endif()
  set(CPACK_DEBIAN_CUDA_DESCRIPTION
"The static library that programs built with Cordis use on NVIDIA GPUs, and
what CMake reads of it.")
endif()

# Debian wants the licence in a form of its own, and a changelog.
file(STRINGS LICENSE licence)
list(POP_FRONT licence)  # "MIT License"
list(FILTER licence EXCLUDE REGEX "^$")
list(POP_FRONT licence copyright)
string(REGEX REPLACE "^Copyright \\(c\\) " "" copyright ${copyright})
list(JOIN licence "\n " licence)
string(REPLACE "\n THE SOFTWARE IS" "\n .\n THE SOFTWARE IS" licence "${licence}")
string(REPLACE "\n The above copyright" "\n .\n The above copyright" licence "${licence}")
file(CONFIGURE OUTPUT copyright @ONLY CONTENT
"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Cordis

Files: *
Copyright: @copyright@
License: Expat
 @licence@
")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT changelog @ONLY CONTENT
"cordis (@PROJECT_VERSION@) unstable; urgency=medium

  * Version @PROJECT_VERSION@.

 -- @CPACK_PACKAGE_CONTACT@  @date@
")
file(ARCHIVE_CREATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz PATHS ${CMAKE_CURRENT_BINARY_DIR}/changelog
  FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/copyright ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
    DESTINATION share/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME} COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
include(CPack)
