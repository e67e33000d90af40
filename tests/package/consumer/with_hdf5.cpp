// tests/package/consumer/with_hdf5.cpp: writes two rows by HDF5's own calls and reads the second back
#include <cordis/hdf5/array.hpp>
#include <filesystem>
#include <iostream>

int main() {
  const auto path = std::filesystem::temp_directory_path() / "cordis-consumer.hdf5";
  const hsize_t shape[] = {2, 1};
  const double numbers[] = {3, 5};
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(2, shape, nullptr);
  const hid_t data = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  H5Dclose(data);
  H5Sclose(space);
  H5Fclose(file);
  const double second = cordis::hdf5::Array(path, "x").row(1)[0];
  std::filesystem::remove(path);
  std::cout << "hdf5: " << second << '\n';
  return second == 5 ? 0 : 1;
}
