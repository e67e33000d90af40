// tests/hdf5/array_test.cpp: slabs of arrays, in files of h5py and of our own; every other file is refused
#include <doctest/doctest.h>

#include <cordis/hdf5/array.hpp>
#include <fstream>
#include <numeric>
#include <random>

#include "ecg/scratch.hpp"

using namespace cordis;
using hdf5::Array;
using hdf5::Handle;
using scratch::message;
using scratch::says;

namespace {

const std::filesystem::path kFixtures = std::filesystem::path(CORDIS_FIXTURES_DIR) / "sources";

// A dataset of `memory` numbers, kept as `type`; rank 0: a scalar.
void write(const std::filesystem::path& path, const char* name, std::vector<hsize_t> shape, hid_t type,
           const std::vector<double>& numbers) {
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  const Handle group(H5Gcreate2(file.get(), "a group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  const Handle data(H5Dcreate2(file.get(), name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                    H5Dclose);
  REQUIRE(data);
  if (H5Tget_class(type) != H5T_STRING)
    REQUIRE(H5Dwrite(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) >= 0);
}

std::vector<double> counting(std::size_t count) {
  std::vector<double> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  return numbers;
}

}  // namespace

TEST_CASE("array: any slab, rows in any order: the numbers that were written") {
  std::mt19937 draw(5);
  for (int trial = 0; trial < 40; ++trial) {
    const scratch::Folder folder;
    std::vector<hsize_t> shape;
    for (unsigned axis = 0; axis < 1 + draw() % 3; ++axis) shape.push_back(1 + draw() % 9);
    std::size_t all = 1;
    for (const auto n : shape) all *= n;
    const auto numbers = counting(all);
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_IEEE_F64BE};
    write(folder.path / "x.hdf5", "x", shape, types[draw() % 4], numbers);
    Array array(folder.path / "x.hdf5", "x", draw() % 200);
    CHECK(array.shape() == std::vector<std::int64_t>(shape.begin(), shape.end()));
    const std::size_t row_size = all / shape[0];
    for (int n = 0; n < 30; ++n) {
      const auto row = draw() % shape[0];
      const auto got = array.row(static_cast<std::int64_t>(row));
      REQUIRE(got.size() == row_size);
      CHECK(
          std::equal(got.begin(), got.end(), numbers.begin() + static_cast<std::ptrdiff_t>(row * row_size)));
    }
    CHECK_THROWS_AS(array.row(static_cast<std::int64_t>(shape[0])), std::invalid_argument);
    CHECK_THROWS_AS(array.row(-1), std::invalid_argument);
  }
}

TEST_CASE("array: a file larger than its slabs takes no more memory than one of them") {
  Array array(kFixtures / "code-test/ecg_tracings.hdf5", "tracings", 1);
  CHECK(array.shape() == std::vector<std::int64_t>{5, 4096, 12});
  const auto first = array.row(4);
  const double* where = first.data();
  const std::vector<double> kept(first.begin(), first.end());
  CHECK(array.row(1).data() == where);
  const auto again = array.row(4);
  CHECK(std::equal(again.begin(), again.end(), kept.begin()));
}

TEST_CASE("array: every other dtype, shape and dataset is refused by what came and what was wanted") {
  const scratch::Folder folder;
  const auto path = folder.path / "x.hdf5";
  const auto refusal = [&](const char* wanted) { return message([&] { Array(path, wanted); }); };
  write(path, "traces", {2, 2}, H5T_IEEE_F32LE, counting(4));
  CHECK(says(refusal("tracings"), {"x.hdf5: no dataset tracings; there is: a group, traces"}));
  CHECK(says(refusal("a group"), {"x.hdf5: dataset a group", "cannot be opened"}));
  write(path, "x", {4}, H5T_STD_I16LE, counting(4));
  CHECK(says(refusal("x"), {"x.hdf5: dataset x has dtype int16, wanted float32 or float64"}));
  write(path, "x", {4}, H5T_STD_I64BE, counting(4));
  CHECK(says(refusal("x"), {"dtype int64"}));
  write(path, "x", {4}, H5T_STD_U32LE, counting(4));
  CHECK(says(refusal("x"), {"dtype uint32"}));
  write(path, "x", {4}, H5T_C_S1, {});
  CHECK(says(refusal("x"), {"dtype string"}));
  const Handle pair(H5Tcreate(H5T_COMPOUND, 16), H5Tclose);
  REQUIRE(H5Tinsert(pair.get(), "a", 0, H5T_IEEE_F64LE) >= 0);
  for (const auto& [type, name] :
       {std::pair(pair.get(), "dtype compound"), {H5T_STD_B8LE, "dtype of HDF5 class 4"}}) {
    const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    const Handle nothing(H5Screate(H5S_NULL), H5Sclose);
    REQUIRE(Handle(H5Dcreate2(file.get(), "x", type, nothing.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                   H5Dclose));
    REQUIRE(Handle(
        H5Dcreate2(file.get(), "null", H5T_IEEE_F32LE, nothing.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose));
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
    CHECK(says(refusal("x"), {name, "wanted float32 or float64"}));
    CHECK(says(refusal("null"), {"x.hdf5: dataset null has no shape"}));
  }
  const Handle half(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
  REQUIRE(H5Tset_fields(half.get(), 15, 10, 5, 0, 10) >= 0);
  REQUIRE(H5Tset_ebias(half.get(), 15) >= 0);
  REQUIRE(H5Tset_size(half.get(), 2) >= 0);
  write(path, "x", {4}, half.get(), counting(4));
  CHECK(says(refusal("x"), {"dtype float16, wanted float32 or float64"}));
  write(path, "x", {}, H5T_IEEE_F32LE, counting(1));
  {
    Array scalar(path, "x");
    CHECK(scalar.shape().empty());
    CHECK_THROWS_AS(scalar.row(0), std::invalid_argument);
  }
  write(path, "x", {0, 5}, H5T_IEEE_F32LE, {});
  Array empty(path, "x");
  CHECK_THROWS_AS(empty.row(0), std::invalid_argument);
}

TEST_CASE("array: what a file could only claim, and what lies in other files, is refused") {
  const scratch::Folder folder;
  const auto path = folder.path / "x.hdf5";
  const auto refused = [&](const std::vector<hsize_t>& shape, auto&& prepare) {
    const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    const Handle made(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
    prepare(made.get());
    REQUIRE(
        Handle(H5Dcreate2(file.get(), "x", H5T_IEEE_F32LE, space.get(), H5P_DEFAULT, made.get(), H5P_DEFAULT),
               H5Dclose));
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
    return message([&] { Array(path, "x").row(0); });
  };
  const auto chunks = [](std::vector<hsize_t> chunk) {
    return [chunk](hid_t made) { H5Pset_chunk(made, static_cast<int>(chunk.size()), chunk.data()); };
  };
  CHECK_THROWS_AS(refused({0, 4}, chunks({2, 2})), std::invalid_argument);  // opened, but there is no row 0
  CHECK(says(refused({4, 4}, chunks({2, 2})),
             {"dataset x has 16 numbers of 4 bytes, but the file holds 0 bytes of them"}));
  const auto deflated = [&](hid_t made) { chunks({64, 64})(made), H5Pset_deflate(made, 1); };
  CHECK(says(refused({64, 128}, deflated), {"8192 numbers of 4 bytes", "0 bytes of them"}));
  CHECK(says(refused({hsize_t{1} << 41, 1}, chunks({1, 1})),
             {"x has an axis of 2199023255552, which is not believed"}));
  CHECK(says(refused({4, 1 << 14, 1 << 14}, chunks({1, 1, 8})),
             {"dataset x has 268435456 numbers in a record, at most 134217728 are read"}));
  CHECK(says(refused({1 << 20, 4096}, chunks({1 << 18, 1 << 10})),
             {"dataset x lies in chunks of more than 268435456 bytes"}));
  CHECK(says(refused({4}, [](hid_t made) { H5Pset_external(made, "/etc/hostname", 0, H5F_UNLIMITED); }),
             {"dataset x keeps its numbers in other files"}));
  CHECK(says(refused({4},
                     [](hid_t made) {
                       const hsize_t four = 4;
                       const Handle space(H5Screate_simple(1, &four, nullptr), H5Sclose);
                       H5Pset_virtual(made, space.get(), "other.hdf5", "x", space.get());
                     }),
             {"dataset x keeps its numbers in other files"}));
  write(folder.path / "other.hdf5", "x", {4}, H5T_IEEE_F32LE, counting(4));
  {
    const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    H5Lcreate_external("other.hdf5", "/x", file.get(), "x", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/x", file.get(), "soft", H5P_DEFAULT, H5P_DEFAULT);
  }
  CHECK(says(message([&] { Array(path, "x"); }), {"dataset x cannot be opened"}));
  CHECK(says(message([&] { Array(path, "soft"); }), {"dataset soft cannot be opened"}));
}

TEST_CASE("array: no file, no HDF5, and one cut anywhere: an error, no wrong number") {
  const scratch::Folder folder;
  const auto path = folder.path / "x.hdf5";
  const auto refusal = [&] { return message([&] { Array(path, "tracings"); }); };
  CHECK(says(refusal(), {"x.hdf5", "no such file"}));
  std::filesystem::create_directory(path);
  CHECK(says(refusal(), {"x.hdf5", "not a regular file"}));
  std::filesystem::remove(path);
  folder.write("x.hdf5", "<html>not found</html>");
  CHECK(says(refusal(), {"x.hdf5: holds 22 bytes, which cannot be opened as HDF5", "signature"}));
  folder.write("x.hdf5", "");
  CHECK(says(refusal(), {"x.hdf5: holds 0 bytes"}));

  const auto whole = kFixtures / "code-test/ecg_tracings.hdf5";
  const auto size = std::filesystem::file_size(whole);
  std::mt19937 draw(9);
  for (int trial = 0; trial < 30; ++trial) {
    std::filesystem::copy_file(whole, path, std::filesystem::copy_options::overwrite_existing);
    const auto cut = trial == 0 ? size - 1 : draw() % size;
    std::filesystem::resize_file(path, cut);
    CHECK(says(refusal(), {concat("x.hdf5: holds ", cut, " bytes, which cannot be opened as HDF5: ")}));
  }
  std::filesystem::copy_file(whole, path, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(path, size - 1);
  CHECK(says(refusal(), {"truncated file"}));

  // Bytes spoilt within: h5py's file has them deflated, which is checked.
  const auto rows_of = [](const std::filesystem::path& file) {
    Array array(file, "tracings", 1);
    std::vector<double> rows;
    for (int row = 0; row < 5; ++row) rows.insert(rows.end(), array.row(row).begin(), array.row(row).end());
    return rows;
  };
  const auto wanted = rows_of(whole);
  int refused = 0;
  for (int trial = 0; trial < 40; ++trial) {
    std::filesystem::copy_file(whole, path, std::filesystem::copy_options::overwrite_existing);
    {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(size - 8 - draw() % (size * 3 / 4)));
      file.write("\xFF\x00\xFF\x00\xFF\x00\xFF\x00", 8);
    }
    std::vector<double> rows;
    const std::string text = message([&] { rows = rows_of(path); });
    if (text.empty()) {
      CHECK(rows == wanted);  // the bytes were of no use, or the same
      continue;
    }
    ++refused;
    CHECK(says(text, {"x.hdf5: dataset tracings", "cannot be read"}));
  }
  CHECK(refused > 10);
}
