// tests/fuzz/hdf5.cpp: an array in an HDF5 file, through the library as it is installed
// Input: an odd first byte: the file itself. An even one: a dataset, described; the library writes it, bytes
// of the file are replaced by what is left of the input. What was not damaged has to come back as it was
// written.
#include <cordis/ecg/file.hpp>
#include <cordis/hdf5/tracings.hpp>

#include "target.hpp"

namespace {

using cordis::hdf5::Handle;

struct Input {
  std::string_view bytes;

  std::uint8_t byte() {
    if (bytes.empty()) return 0;
    const char first = bytes[0];
    bytes.remove_prefix(1);
    return static_cast<std::uint8_t>(first);
  }
  // Mostly small; some up to 2^64.
  hsize_t size() {
    const std::uint8_t first = byte();
    return first < 200 ? first % 10U : hsize_t{byte() + 1U} << (first - 192);
  }
};

hid_t type_of(std::uint8_t choice) {
  const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_IEEE_F32BE,
                         H5T_IEEE_F64BE, H5T_STD_I16LE,  H5T_C_S1};
  return types[choice % std::size(types)];
}

// Returns the numbers where all of them were written, and the file was left so.
std::vector<double> write(const std::filesystem::path& path, Input& in) {
  const cordis::hdf5::QuietErrors quiet;
  const hid_t type = type_of(in.byte());
  std::vector<hsize_t> shape(in.byte() % 5), chunk;
  for (auto& n : shape) n = in.size();
  const Handle made(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  const std::uint8_t layout = in.byte();
  if (layout & 1) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) chunk.push_back(std::max<hsize_t>(1, in.size()));
    H5Pset_chunk(made.get(), static_cast<int>(chunk.size()), chunk.data());
    if (layout & 2) H5Pset_deflate(made.get(), 1);
    if (layout & 4) H5Pset_fletcher32(made.get());
  } else if (layout & 2) {
    H5Pset_layout(made.get(), H5D_COMPACT);
  } else if (layout & 4) {
    H5Pset_external(made.get(), "/proc/self/cmdline", 0, H5F_UNLIMITED);
  }
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  if (layout & 8) {
    H5Lcreate_external("/proc/self/exe", "/x", file.get(), "tracings", H5P_DEFAULT, H5P_DEFAULT);
    return {};
  }
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose);
  const Handle data(
      H5Dcreate2(file.get(), "tracings", type, space.get(), H5P_DEFAULT, made.get(), H5P_DEFAULT), H5Dclose);
  hsize_t all = 1, chunk_bytes = 8;
  for (const auto n : shape) all = n > 5000 ? 5000 : std::min<hsize_t>(5000, all * n);
  for (const auto n : chunk) chunk_bytes = n > 100000 ? 100000 : std::min<hsize_t>(100000, chunk_bytes * n);
  if (!data || shape.empty() || all >= 5000 || chunk_bytes >= 100000 || H5Tget_class(type) != H5T_FLOAT ||
      (!(layout & 3) && (layout & 4)))
    return {};
  std::vector<double> numbers(static_cast<std::size_t>(all));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i) - 0.5;
  if (H5Dwrite(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) < 0) return {};
  return numbers;
}

void damage(const std::filesystem::path& path, Input& in) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  while (in.bytes.size() >= 3) {
    file.seekp(in.byte() + 256 * in.byte());
    file.put(static_cast<char>(in.byte()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  fuzz::offer_seeds(*argc, *argv, [](auto put) {
    for (const std::string shape : {"", "\3", "\2\5", "\3\4\2", "\xF0\3\2", "\2\xE8\1\3"})
      for (const char layout : {'\0', '\1', '\3', '\5', '\2', '\4', '\10'})
        put(std::string(1, '\0') + '\1' + static_cast<char>(shape.size()) + shape + layout + "\2\2\2");
    Input in{std::string_view("\0\2\5\3\1\2\2", 7)};
    const auto path = fuzz::folder() / "seed.hdf5";
    write(path, in);
    put('\1' + cordis::ecg::read_text(path));
  });
  return 0;
}

// Whether something that could be closed was left open, read or refused. The library itself cannot close some
// damaged files.
bool left_open() {
  const cordis::hdf5::QuietErrors quiet;
  std::vector<hid_t> ids(
      static_cast<std::size_t>(std::max<ssize_t>(0, H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL))));
  if (!ids.empty()) H5Fget_obj_ids(H5F_OBJ_ALL, H5F_OBJ_ALL, ids.size(), ids.data());
  return std::ranges::any_of(ids, [](hid_t id) { return H5Iget_type(id) != H5I_FILE || H5Fclose(id) >= 0; });
}

void one_input(std::string_view bytes) {
  Input in{bytes};
  const auto path = fuzz::folder() / "x.hdf5";
  std::vector<double> wanted;
  if (in.byte() & 1) {
    fuzz::write("x.hdf5", in.bytes);
  } else {
    wanted = write(path, in);
    if (in.bytes.size() >= 3) wanted.clear();
    damage(path, in);
  }
  bool read = false;
  fuzz::try_it([&] {
    const auto tracings = cordis::hdf5::open_tracings(path, "tracings");
    if (tracings.shape.empty() || tracings.shape[0] == 0) {
      read = true;
      return;
    }
    const auto row = tracings.read(0), last = tracings.read(tracings.shape[0] - 1);
    if (row.size() != last.size() || row.size() > cordis::hdf5::kLargestRow) std::abort();
    read = true;
    if (wanted.empty()) return;
    if (!std::equal(row.begin(), row.end(), wanted.begin()) ||
        !std::equal(last.rbegin(), last.rend(), wanted.rbegin()))
      std::abort();
  });
  if (!wanted.empty() && !read) std::abort();
  if (left_open()) std::abort();
}
