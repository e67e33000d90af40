// cordis/io/safetensors.hpp: named tensors in the safetensors format
// Read: F32, F64, I64 as they are, F16 and BF16 widened to f32. Written: F32, F64, I64.
#pragma once

#include <bit>
#include <cordis/io/atomic_file.hpp>
#include <cordis/io/mapped_file.hpp>
#include <cordis/io/safetensors_header.hpp>
#include <cordis/nn/module.hpp>
#include <memory>
#include <set>

namespace cordis::inline CORDIS_ABI {

static_assert(std::endian::native == std::endian::little, "cordis: safetensors files are little-endian");

// The content of a file.
struct SafetensorsFile {
  StateDict tensors;  // in the order of the data
  std::map<std::string, std::string> metadata;
};

// IEEE 754 binary16 in 16 bits to float, exactly.
inline float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU, fraction = bits & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
  if (exponent == 0) {  // zero or subnormal: fraction * 2^-24
    const float value = static_cast<float>(fraction) * 0x1p-24F;
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

namespace detail {
// Throws IoError naming file, tensor or byte, what came and what was needed. Nothing is allocated on a
// header's word alone: every size is checked against the file's first.
// `bytes`: the whole file. make(dtype, shape, elements): the tensor of elements that lie in it.
template <class Make>
SafetensorsFile parse_safetensors(const std::string& file, std::string_view bytes, Make&& make) {
  if (bytes.size() < 8)
    throw IoError(concat(file, ": ", bytes.size(), " bytes, a safetensors file has at least 8"));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8)
    throw IoError(concat(file, ": byte 0: a header of ", length, " bytes, but only ", bytes.size() - 8,
                         " follow: no safetensors file, or a part of one"));
  const std::string_view text(bytes.data() + 8, static_cast<std::size_t>(length));
  const char* data = bytes.data() + 8 + length;
  auto header = parse_safetensors_header(file, text, bytes.size() - 8 - length);

  SafetensorsFile result;
  result.metadata = std::move(header.metadata);
  for (const auto& entry : header.entries) {
    const auto where = concat(file, ": tensor ", detail::quoted(entry.name), ": ");
    if (entry.shape.size() > Shape::kMaxRank)
      throw IoError(concat(where, entry.shape.size(), " axes, at most ", Shape::kMaxRank, " are supported"));
    Shape shape;
    for (const auto extent : entry.shape) shape.append(extent);
    const char* source = data + entry.begin;
    Tensor tensor;
    if (entry.dtype == "F16" || entry.dtype == "BF16") {
      tensor = Tensor(shape, DType::f32);
      for (std::int64_t i = 0; i < shape.numel(); ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, source + 2 * i, 2);
        tensor.data<float>()[i] = entry.dtype == "F16"
                                      ? half_to_float(bits)
                                      : std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
      }
    } else if (entry.dtype == "F32" || entry.dtype == "F64" || entry.dtype == "I64") {
      tensor = make(entry.dtype == "F32"   ? DType::f32
                    : entry.dtype == "F64" ? DType::f64
                                           : DType::i64,
                    shape, source);
    } else {
      throw IoError(
          concat(where, "dtype ", entry.dtype, " is not supported; F16, BF16, F32, F64 and I64 are"));
    }
    result.tensors.push_back({entry.name, tensor});
  }
  return result;
}
}  // namespace detail

// Throws IoError naming file, tensor or byte, what came and what was needed.
inline SafetensorsFile read_safetensors(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  return detail::parse_safetensors(path.string(), bytes,
                                   [](DType dtype, const Shape& shape, const char* elements) {
                                     Tensor tensor(shape, dtype);
                                     if (tensor.bytes()) std::memcpy(tensor.raw(), elements, tensor.bytes());
                                     return tensor;
                                   });
}

// The same without reading: the tensors' elements are the file's pages, brought in when they are touched and
// shared by all processes that map it. What is written to them is this process's own. The file must not
// shrink meanwhile.
inline SafetensorsFile map_safetensors(const std::filesystem::path& path) {
  const auto file = std::make_shared<MappedFile>(path);
  return detail::parse_safetensors(
      path.string(), file->bytes(), [&](DType dtype, const Shape& shape, const char* elements) {
        if (reinterpret_cast<std::uintptr_t>(elements) % size_of(dtype) == 0)
          return Tensor(shape, dtype, Storage(const_cast<char*>(elements), file));
        Tensor tensor(shape, dtype);  // a file that is not padded
        if (tensor.bytes()) std::memcpy(tensor.raw(), elements, tensor.bytes());
        return tensor;
      });
}

namespace detail {
// What stands before the tensors' elements.
inline std::string safetensors_head(const StateDict& tensors,
                                    const std::map<std::string, std::string>& metadata) {
  std::set<std::string_view> names;
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata)
      header +=
          (header.back() == '{' ? "" : ",") + detail::json_string(key) + ":" + detail::json_string(value);
    header += "}";
  }
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    CORDIS_CHECK(tensor.defined(), "[safetensors] tensor ", detail::quoted(name), " is undefined");
    CORDIS_CHECK(name != "__metadata__", "[safetensors] no tensor can be named \"__metadata__\"");
    CORDIS_CHECK(names.insert(name).second, "[safetensors] tensor ", detail::quoted(name), " twice");
    const char* dtype = tensor.dtype() == DType::f32 ? "F32" : tensor.dtype() == DType::f64 ? "F64" : "I64";
    header += (header.size() > 1 ? "," : "") + detail::json_string(name) + ":{\"dtype\":\"" + dtype +
              "\",\"shape\":[";
    for (int axis = 0; axis < tensor.rank(); ++axis)
      header += (axis ? "," : "") + std::to_string(tensor.size(axis));
    header += concat("],\"data_offsets\":[", offset, ",", offset + tensor.bytes(), "]}");
    offset += tensor.bytes();
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header;
}
inline std::string_view elements_of(const Tensor& here) {
  return {static_cast<const char*>(here.raw()), here.bytes()};
}
}  // namespace detail

// The same bytes for the same input. Tensors lie in the order given; the header is padded so that the data is
// aligned to 8 bytes.
inline std::string safetensors_bytes(const StateDict& tensors,
                                     const std::map<std::string, std::string>& metadata = {}) {
  std::string bytes = detail::safetensors_head(tensors, metadata);
  for (const auto& [name, tensor] : tensors) bytes += detail::elements_of(tensor.to(Device::cpu()));
  return bytes;
}

// Written piece by piece: the file needs no memory beside the tensors.
inline void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  AtomicFile file(path);
  file.write(detail::safetensors_head(tensors, metadata));
  for (const auto& [name, tensor] : tensors) file.write(detail::elements_of(tensor.to(Device::cpu())));
  file.commit();
}

}  // namespace cordis::inline CORDIS_ABI
