# cmake/vcpkg/cordis/portfile.cmake: installs the headers of the clone that it lies in, by
#   vcpkg install cordis --overlay-ports=CLONE/cmake/vcpkg
cmake_path(SET SOURCE_PATH NORMALIZE "${CURRENT_PORT_DIR}/../../..")
set(VCPKG_BUILD_TYPE release)  # nothing is compiled

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}" OPTIONS
  -DCORDIS_TESTS=OFF -DCORDIS_EXAMPLES=OFF -DCORDIS_BENCH=OFF -DCORDIS_CUDA=OFF -DCORDIS_MPI=OFF -DCORDIS_HDF5=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/cordis)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/cmake" "${CURRENT_PACKAGES_DIR}/lib")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
