# cmake/install.cmake: what `cmake --install` and `cpack -G DEB` put where. Component dev: the headers and what CMake
# and pkg-config read; components cuda and compiled, where they are built: libraries of kernels.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(cordis_config_dir ${CMAKE_INSTALL_DATADIR}/cmake/cordis)

install(DIRECTORY include/cordis DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(TARGETS cordis EXPORT cordis-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT cordis-targets NAMESPACE cordis:: DESTINATION ${cordis_config_dir} COMPONENT dev)
configure_package_config_file(cmake/cordis-config.cmake.in cordis-config.cmake INSTALL_DESTINATION ${cordis_config_dir})
write_basic_package_version_file(cordis-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cordis-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/cordis-config-version.cmake
  cmake/FindCUDNN.cmake cmake/FindHDF5C.cmake cmake/FindNCCL.cmake DESTINATION ${cordis_config_dir} COMPONENT dev)

# Where the prefix is, seen from cordis.pc: the tree may be moved.
file(RELATIVE_PATH cordis_pc_to_prefix ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" cordis_pc_to_prefix ${cordis_pc_to_prefix})
configure_file(cmake/cordis.pc.in cordis.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cordis.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT dev)

if(CORDIS_CUDA)
  install(TARGETS cordis_cuda EXPORT cordis-cuda-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cuda)
  install(EXPORT cordis-cuda-targets NAMESPACE cordis:: DESTINATION ${cordis_config_dir} COMPONENT cuda)
  configure_file(cmake/cordis-component-cuda.cmake.in cordis-component-cuda.cmake @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cordis-component-cuda.cmake DESTINATION ${cordis_config_dir} COMPONENT cuda)
endif()

if(CORDIS_COMPILED AND NOT CORDIS_SANITIZE)
  install(TARGETS cordis_compiled EXPORT cordis-compiled-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT compiled)
  install(EXPORT cordis-compiled-targets NAMESPACE cordis:: DESTINATION ${cordis_config_dir} COMPONENT compiled)
endif()

if(PROJECT_IS_TOP_LEVEL)
  include(cmake/debian.cmake)
endif()
