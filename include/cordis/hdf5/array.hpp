// cordis/hdf5/array.hpp: a dataset of floating-point numbers in an HDF5 file, read row by row
// A row is all that lies under one index of the first axis. Rows are read in slabs of a few, never the whole
// file.
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/hdf5/handle.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI::hdf5 {

namespace detail {

inline std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t k = 0; k < names.size() && k < 20; ++k) text += (k ? ", " : "") + names[k];
  if (names.size() > 20) text += concat(", ... (", names.size(), " in all)");
  return text.empty() ? "nothing" : text;
}

// What the root group holds.
inline std::vector<std::string> names_in(hid_t file) {
  std::vector<std::string> names;
  H5G_info_t info;
  if (H5Gget_info(file, &info) < 0) return names;
  for (hsize_t k = 0; k < info.nlinks; ++k) {
    const auto size = H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, k, nullptr, 0, H5P_DEFAULT);
    if (size < 0) continue;
    std::string name(static_cast<std::size_t>(size) + 1, '\0');
    H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, k, name.data(), name.size(), H5P_DEFAULT);
    name.resize(static_cast<std::size_t>(size));
    names.push_back(std::move(name));
  }
  return names;
}

// "float32", "int16", "string", ...
inline std::string type_name(hid_t type) {
  const auto sized = [&](const char* name) { return concat(name, 8 * H5Tget_size(type)); };
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return sized("float");
    case H5T_INTEGER:
      return sized(H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int");
    case H5T_STRING:
      return "string";
    case H5T_COMPOUND:
      return "compound";
    default:
      return concat("of HDF5 class ", static_cast<int>(H5Tget_class(type)));
  }
}

// Of a dataset that leads to other files by links: H5P_DEFAULT follows them, this does not.
inline Handle own_file_only() {
  Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_elink_cb(
      access.get(), [](auto...) -> herr_t { return -1; }, nullptr);
  return access;
}

}  // namespace detail

// What a file may ask for. To the library, what was never written reads as zeros; here it is missing.
inline constexpr hsize_t kMostNumbers = hsize_t{1} << 40;   // in a dataset
inline constexpr hsize_t kLargestRow = hsize_t{1} << 27;    // numbers: 1 GiB
inline constexpr hsize_t kLargestChunk = hsize_t{1} << 28;  // bytes, which the library takes at once
inline constexpr hsize_t kMostPacked = 4096;                // bytes out of one; deflate comes to 1032

// Not for several threads at once.
class Array {
 public:
  // Opens a dataset of float32 or float64; IoError where there is none.
  // slab_bytes: about how much is read at a time, and kept.
  Array(const std::filesystem::path& path, const std::string& dataset, std::size_t slab_bytes = 8u << 20)
      : source_(concat(path.string(), ": dataset ", dataset)) {
    const QuietErrors quiet;
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw IoError(concat(path.string(), ": no such file"));
    if (!std::filesystem::is_regular_file(path, error))
      throw IoError(concat(path.string(), ": not a regular file"));
    file_ = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!file_)
      throw IoError(concat(path.string(), ": holds ", std::filesystem::file_size(path, error),
                           " bytes, which cannot be opened as HDF5: ", last_error()));
    const Handle access = detail::own_file_only();
    if (H5Lexists(file_.get(), dataset.c_str(), H5P_DEFAULT) <= 0)
      throw IoError(concat(path.string(), ": no dataset ", dataset,
                           "; there is: ", detail::list_of(detail::names_in(file_.get()))));
    data_ = Handle(H5Dopen2(file_.get(), dataset.c_str(), access.get()), H5Dclose);
    if (!data_) throw IoError(concat(source_, " cannot be opened: ", last_error()));
    const Handle type(H5Dget_type(data_.get()), H5Tclose);
    if (!type) throw IoError(concat(source_, " has no readable type: ", last_error()));
    if (H5Tget_class(type.get()) != H5T_FLOAT ||
        (H5Tget_size(type.get()) != 4 && H5Tget_size(type.get()) != 8))
      throw IoError(
          concat(source_, " has dtype ", detail::type_name(type.get()), ", wanted float32 or float64"));
    read_shape();
    check_layout(H5Tget_size(type.get()), std::filesystem::file_size(path, error));
    slab_rows_ = std::max<std::size_t>(1, slab_bytes / sizeof(double) / std::max<std::size_t>(1, row_size_));
  }

  // The file and the dataset, as messages name them.
  const std::string& source() const { return source_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }  // its extents

  // All numbers under index `row` of the first axis; valid until the next call.
  std::span<const double> row(std::int64_t row) {
    CORDIS_CHECK(!shape_.empty() && 0 <= row && row < shape_[0], "[hdf5] row ", row, " of ", source_,
                 ", which has ", shape_.empty() ? 0 : shape_[0]);
    if (row < first_ || row >= first_ + rows_) read_slab(row);
    return std::span<const double>(slab_).subspan(static_cast<std::size_t>(row - first_) * row_size_,
                                                  row_size_);
  }

 private:
  void read_shape() {
    const Handle space(H5Dget_space(data_.get()), H5Sclose);
    const int rank = space ? H5Sget_simple_extent_ndims(space.get()) : -1;
    if (rank < 0 || H5Sget_simple_extent_type(space.get()) == H5S_NULL)
      throw IoError(concat(source_, " has no shape: ", last_error()));
    dims_.resize(static_cast<std::size_t>(rank));
    if (rank > 0) H5Sget_simple_extent_dims(space.get(), dims_.data(), nullptr);
    hsize_t row = 1;
    for (std::size_t axis = 0; axis < dims_.size(); ++axis) {
      if (dims_[axis] > kMostNumbers / std::max<hsize_t>(1, row))
        throw IoError(concat(source_, " has an axis of ", dims_[axis], ", which is not believed"));
      if (axis > 0) row *= dims_[axis];
      shape_.push_back(static_cast<std::int64_t>(dims_[axis]));
    }
    if (row > kLargestRow)
      throw IoError(
          concat(source_, " has ", row, " numbers in a record, at most ", kLargestRow, " are read"));
    row_size_ = static_cast<std::size_t>(row);
  }

  // Of a file of so many bytes, whose numbers take `number` each.
  void check_layout(std::size_t number, hsize_t file) const {
    const Handle made(H5Dget_create_plist(data_.get()), H5Pclose);
    const auto layout = made ? H5Pget_layout(made.get()) : H5D_LAYOUT_ERROR;
    if (layout == H5D_LAYOUT_ERROR) throw IoError(concat(source_, " has no layout: ", last_error()));
    if (layout == H5D_VIRTUAL || H5Pget_external_count(made.get()) > 0)
      throw IoError(concat(source_, " keeps its numbers in other files, which are not read"));
    bool packed = false;
    if (layout == H5D_CHUNKED) {
      packed = H5Pget_nfilters(made.get()) != 0;
      std::vector<hsize_t> chunk(dims_.size());
      H5Pget_chunk(made.get(), static_cast<int>(chunk.size()), chunk.data());
      hsize_t bytes = number;
      for (const hsize_t n : chunk)  // each below 2^32
        if ((bytes *= n) > kLargestChunk)
          throw IoError(concat(source_, " lies in chunks of more than ", kLargestChunk, " bytes"));
    }
    hsize_t numbers = 1;
    for (const hsize_t n : dims_) numbers *= n;
    const hsize_t there = std::min(H5Dget_storage_size(data_.get()), file);
    if (numbers * number / (packed ? kMostPacked : 1) > there)
      throw IoError(concat(source_, " has ", numbers, " numbers of ", number, " bytes, but the file holds ",
                           there, " bytes of them"));
  }

  void read_slab(std::int64_t row) {
    const QuietErrors quiet;
    const auto first = static_cast<hsize_t>(row) / slab_rows_ * slab_rows_;
    const hsize_t rows = std::min<hsize_t>(slab_rows_, dims_[0] - first);
    std::vector<hsize_t> start(dims_.size(), 0), count = dims_;
    start[0] = first;
    count[0] = rows;
    const Handle from(H5Dget_space(data_.get()), H5Sclose);
    const Handle to(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), H5Sclose);
    rows_ = 0;
    slab_.resize(static_cast<std::size_t>(rows) * row_size_);
    if (!from || !to ||
        H5Sselect_hyperslab(from.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) < 0 ||
        H5Dread(data_.get(), H5T_NATIVE_DOUBLE, to.get(), from.get(), H5P_DEFAULT, slab_.data()) < 0)
      throw IoError(
          concat(source_, ": records ", first, " to ", first + rows - 1, " cannot be read: ", last_error()));
    first_ = static_cast<std::int64_t>(first);
    rows_ = static_cast<std::int64_t>(rows);
  }

  std::string source_;
  Handle file_, data_;
  std::vector<hsize_t> dims_;
  std::vector<std::int64_t> shape_;
  std::size_t row_size_ = 0, slab_rows_ = 1;
  std::int64_t first_ = 0, rows_ = 0;  // what the slab holds
  std::vector<double> slab_;
};

}  // namespace cordis::inline CORDIS_ABI::hdf5
