// tests/io/safetensors_test.cpp: files written and read, by us and by others; broken ones refused
#include <doctest/doctest.h>

#include <cmath>
#include <cordis/io/safetensors.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "refusal.hpp"
#include "scratch.hpp"

using namespace cordis;
using scratch::file_of;
using scratch::Folder;

namespace {

const std::filesystem::path kFixtures = CORDIS_FIXTURES_DIR;

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

StateDict mixture() {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  return {{"weight", Tensor::of<float>({2, 3}, {1, -0.0F, 1e-45F, 3.4e38F, -5, 6})},
          {"scalar", Tensor::scalar(0.1)},
          {"nothing", Tensor({0, 7}, DType::f64)},
          {"labels", Tensor::of<std::int64_t>({1, 3, 1, 1}, {INT64_MIN, -1, INT64_MAX})},
          {"special", Tensor::of<double>({4}, {nan, -inf, 5e-324, -0.0})},
          {"odd", Tensor::of<float>({3}, {7, 8, 9})},  // what follows is not aligned to 8 bytes
          {"view", Tensor::of<double>({4, 2}, {0, 1, 2, 3, 4, 5, 6, 7}).rows(1, 3)},
          {"nothing.more", Tensor({0}, DType::i64)},
          {"count", Tensor::of<std::int64_t>({}, {42})}};
}

// A tensor of 16-bit patterns under the dtype given.
std::string sixteen_bits(const std::string& dtype, const std::vector<std::uint16_t>& bits) {
  std::string data(bits.size() * 2, '\0');
  std::memcpy(data.data(), bits.data(), data.size());
  return file_of(concat(R"({"x":{"dtype":")", dtype, R"(","shape":[)", bits.size(), R"(],"data_offsets":[0,)",
                        data.size(), "]}}"),
                 data);
}

std::vector<std::uint16_t> all_patterns() {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  return bits;
}

// What is thrown, if it is an IoError of one line that names the file.
std::string refused(const Folder& folder, std::string_view bytes) {
  const auto path = folder.write("broken.safetensors", bytes);
  const auto message = refusal<IoError>([&] { read_safetensors(path); });
  const bool clear = message.starts_with(path.string() + ": ") && message.find('\n') == std::string::npos;
  return clear ? message : "unclear: " + message;
}

}  // namespace

TEST_CASE("safetensors: tensors and metadata come back bit for bit, in their order") {
  const Folder folder;
  const auto path = folder.path / "x.safetensors";
  const auto state = mixture();
  const std::map<std::string, std::string> metadata{{"", ""},
                                                    {"format", "pt"},
                                                    {"quote\"\\", "line\nbreak\ttab\x01\x1F"},
                                                    {"h\xC3\xA9", "\xF0\x9F\x98\x80 \x7F"}};
  write_safetensors(path, state, metadata);
  const auto file = read_safetensors(path);
  CHECK(file.metadata == metadata);
  // Readers go by place in the data: an empty tensor comes in front of the one that begins where it lies.
  REQUIRE(file.tensors.size() == state.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    CAPTURE(state[i].name);
    CHECK(file.tensors[i].name == state[i].name);
    CHECK(same_bits(file.tensors[i].tensor, state[i].tensor));
    CHECK(file.tensors[i].tensor.unique());
  }
  CHECK(folder.names() == std::vector<std::string>{"x.safetensors"});

  write_safetensors(path, {});
  CHECK(read_safetensors(path).tensors.empty());
  CHECK(read_safetensors(path).metadata.empty());
  write_safetensors(path, {}, {{"only", "metadata"}});
  CHECK(read_safetensors(path).metadata.at("only") == "metadata");
}

TEST_CASE("safetensors: any names come back") {
  const Folder folder;
  StateDict state;
  for (const std::string name :
       {"", " ", "a.b.0.c", "\"", "\\", "\n", "\x1F", "dtype", "h\xC3\xA9", "{}[],:", "/../x"})
    state.push_back({name, Tensor::scalar(static_cast<double>(state.size()))});
  write_safetensors(folder.path / "x", state);
  const auto file = read_safetensors(folder.path / "x");
  REQUIRE(file.tensors.size() == state.size());
  for (std::size_t i = 0; i < state.size(); ++i) {
    CHECK(file.tensors[i].name == state[i].name);
    CHECK(file.tensors[i].tensor.item() == static_cast<double>(i));
  }
}

TEST_CASE("safetensors: the bytes are the format's, padded so that data is aligned") {
  const std::string bytes = safetensors_bytes({{"w", Tensor::of<float>({2}, {1, 2})}}, {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::string padded = header;
  while (padded.size() % 8) padded += ' ';
  CHECK(bytes == file_of(padded, std::string_view("\x00\x00\x80\x3F\x00\x00\x00\x40", 8)));
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string one = safetensors_bytes({{std::string(size, 'n'), Tensor::scalar(1.0)}});
    CHECK(one.size() % 8 == 0);
    CHECK(static_cast<unsigned char>(one[0]) % 8 == 0);
  }
  CHECK(safetensors_bytes(mixture(), {{"k", "v"}}) == safetensors_bytes(mixture(), {{"k", "v"}}));
}

TEST_CASE("safetensors: what no reader could take back is not written") {
  const Folder folder;
  const auto path = folder.path / "x";
  write_safetensors(path, mixture());
  const auto before = read_file(path);
  const Tensor one = Tensor::scalar(1.0);
  CHECK(says(refusal([&] {
               write_safetensors(path, {{"w", {}}});
             }),
             {"[safetensors]", "\"w\"", "undefined"}));
  CHECK(says(refusal([&] {
               write_safetensors(path, {{"w", one}, {"v", one}, {"w", one}});
             }),
             {"\"w\" twice"}));
  CHECK(says(refusal([&] { write_safetensors(path, {{"__metadata__", one}}); }), {"\"__metadata__\""}));
  CHECK(read_file(path) == before);
  CHECK(says(refusal<IoError>([&] { write_safetensors(folder.path / "absent" / "x", {}); }),
             {"absent/x: cannot be written"}));
}

TEST_CASE("safetensors: the Python package's files come out byte for byte when written again") {
  int files = 0;
  for (const std::filesystem::path& folder : {kFixtures, kFixtures / "models"})
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".safetensors") continue;
      CAPTURE(entry.path().string());
      const auto file = read_safetensors(entry.path());
      CHECK(file.tensors.size() > 20);
      CHECK(file.metadata.size() == 1);
      const bool again = safetensors_bytes(file.tensors, file.metadata) == read_file(entry.path());
      CHECK(again);
      ++files;
    }
  CHECK(files == 9);
}

TEST_CASE("safetensors: the Python package's files hold what their scripts say") {
  const auto file = read_safetensors(kFixtures / "numpy_permutation.safetensors");
  const auto cases = nlohmann::json::parse(file.metadata.at("cases"));
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : file.tensors) tensors.emplace(name, tensor);
  int found = 0;
  for (const auto& one : cases) {
    if (one["what"] != "permutation") continue;
    const auto& order = tensors.at(
        concat("permutation.seed", one["seed"].get<std::uint64_t>(), ".n", one["n"].get<std::int64_t>()));
    CHECK(order.dtype() == DType::i64);
    CHECK(order.shape() == Shape{one["n"].get<std::int64_t>()});
    ++found;
  }
  CHECK(found == 28);
  CHECK(tensors.at("philox.words").shape() == Shape{11, 4});
  CHECK(tensors.at("philox.words").data<std::int64_t>()[0] == 0x6627E8D5);
  CHECK(tensors.at("philox.words").data<std::int64_t>()[11] == 0x24126EA1);

  const auto ops = read_safetensors(kFixtures / "ops.safetensors");
  int scalars = 0, empty_options = 0;
  for (const auto& [name, tensor] : ops.tensors) {
    if (name.ends_with(".loss")) scalars += tensor.rank() == 0;
    if (name.ends_with(".options")) {
      CHECK(tensor.dtype() == DType::i64);
      empty_options += tensor.numel() == 0;
    }
  }
  CHECK(scalars > 0);
  CHECK(empty_options > 0);
  const auto model = read_safetensors(kFixtures / "models" / "lstm.safetensors");
  CHECK(nlohmann::json::parse(model.metadata.at("config"))["model"] == "lstm");
  for (const auto& [name, tensor] : model.tensors) CHECK(tensor.dtype() == DType::f32);
}

TEST_CASE("safetensors: every half-precision number, widened exactly") {
  const Folder folder;
  const auto file = read_safetensors(folder.write("x", sixteen_bits("F16", all_patterns())));
  const Tensor x = file.tensors.at(0).tensor;
  REQUIRE(x.dtype() == DType::f32);
  REQUIRE(x.numel() == 65536);
  int wrong = 0, subnormal = 0, nan = 0, infinite = 0;
  for (int i = 0; i < 65536; ++i) {
    const float value = x.data<float>()[i];
    const int exponent = (i >> 10) & 31, fraction = i & 1023;
    const bool negative = i >= 32768;
    bool right = std::signbit(value) == negative;
    if (exponent == 31 && fraction) {
      ++nan;
      std::uint32_t bits = 0;
      std::memcpy(&bits, &x.data<float>()[i], 4);
      right = right && std::isnan(value) && static_cast<int>((bits >> 13) & 1023) == fraction &&
              (bits & 8191) == 0;
    } else if (exponent == 31) {
      ++infinite;
      right = right && std::isinf(value);
    } else {
      subnormal += exponent == 0 && fraction;
      const double wanted = exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
      right = right && static_cast<double>(value) == (negative ? -wanted : wanted);
    }
    wrong += !right;
  }
  CHECK(wrong == 0);
  CHECK(subnormal == 2 * 1023);
  CHECK(nan == 2 * 1023);
  CHECK(infinite == 2);
  CHECK(half_to_float(0x3C00) == 1);
  CHECK(half_to_float(0xC000) == -2);
  CHECK(half_to_float(0x7BFF) == 65504);
  CHECK(half_to_float(0x0001) == 0x1p-24F);
  CHECK(half_to_float(0x3555) == 0.333251953125F);
}

TEST_CASE("safetensors: every bfloat16 number, the upper half of a float's bits") {
  const Folder folder;
  const auto file = read_safetensors(folder.write("x", sixteen_bits("BF16", all_patterns())));
  const Tensor x = file.tensors.at(0).tensor;
  REQUIRE(x.dtype() == DType::f32);
  REQUIRE(x.numel() == 65536);
  int wrong = 0;
  for (int i = 0; i < 65536; ++i) {
    const float value = x.data<float>()[i];
    const int exponent = (i >> 7) & 255, fraction = i & 127;
    bool right = std::signbit(value) == (i >= 32768);
    if (exponent == 255)
      right = right && (fraction ? std::isnan(value) : std::isinf(value));
    else
      right =
          right && std::abs(static_cast<double>(value)) ==
                       (exponent ? std::ldexp(128 + fraction, exponent - 134) : std::ldexp(fraction, -133));
    wrong += !right;
  }
  CHECK(wrong == 0);
}

TEST_CASE("safetensors: half-precision tensors of any shape, at odd places") {
  const Folder folder;
  const auto path =
      folder.write("x", file_of(R"({"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]},)"
                                R"("b":{"dtype":"BF16","shape":[1,2],"data_offsets":[2,6]},)"
                                R"("c":{"dtype":"F16","shape":[3,0],"data_offsets":[6,6]},)"
                                R"("d":{"dtype":"F64","shape":[1],"data_offsets":[6,14]}} )",
                                std::string_view("\x00\x3C\x80\x3F\x00\xC0\0\0\0\0\0\0\xE0\x3F", 14)));
  const auto file = read_safetensors(path);
  REQUIRE(file.tensors.size() == 4);
  CHECK(file.tensors[0].tensor.item() == 1);
  CHECK(file.tensors[1].tensor.data<float>()[0] == 1);
  CHECK(file.tensors[1].tensor.data<float>()[1] == -2);
  CHECK(file.tensors[2].tensor.shape() == Shape{3, 0});
  CHECK(file.tensors[2].tensor.dtype() == DType::f32);
  CHECK(file.tensors[3].tensor.item() == 0.5);
}

TEST_CASE("safetensors: dtypes and ranks that are valid but not ours are named") {
  const Folder folder;
  for (const auto& [dtype, size] : std::vector<std::pair<std::string, int>>{{"BOOL", 1},
                                                                            {"U8", 1},
                                                                            {"I8", 1},
                                                                            {"F8_E4M3", 1},
                                                                            {"F8_E5M2", 1},
                                                                            {"I16", 2},
                                                                            {"U16", 2},
                                                                            {"I32", 4},
                                                                            {"U32", 4},
                                                                            {"U64", 8}}) {
    const auto header =
        concat(R"({"w":{"dtype":")", dtype, R"(","shape":[],"data_offsets":[0,)", size, "]}}");
    CHECK(says(refused(folder, file_of(header, std::string(static_cast<std::size_t>(size), 'x'))),
               {"\"w\"", "dtype " + dtype + " is not supported", "F16, BF16, F32, F64 and I64"}));
  }
  CHECK(says(
      refused(folder, file_of(R"({"w":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}})", "abcd")),
      {"\"w\"", "5 axes", "at most 4"}));
}

TEST_CASE("safetensors: a file cut at any length is refused, and so is one that goes on") {
  const Folder folder;
  const std::string bytes = safetensors_bytes(mixture(), {{"k", "v"}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const auto message = refused(folder, std::string_view(bytes).substr(0, size));
    CHECK(message.find("unclear") == std::string::npos);
    if (size < 8) CHECK(says(message, {concat(size, " bytes"), "at least 8"}));
  }
  CHECK(says(refused(folder, bytes + "x"), {"1 bytes after the last tensor"}));
  CHECK(says(refused(folder, bytes + bytes), {"bytes after the last tensor"}));
  folder.write("whole", bytes);
  CHECK(read_safetensors(folder.path / "whole").tensors.size() == mixture().size());
}

TEST_CASE("safetensors: header lengths that cannot be true") {
  const Folder folder;
  const auto with_length = [&](std::uint64_t length) {
    std::string bytes = file_of("{}");
    std::memcpy(bytes.data(), &length, 8);
    return refused(folder, bytes);
  };
  for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{1} << 32, std::uint64_t{1} << 60,
                                     std::uint64_t{1} << 63, UINT64_MAX - 7, UINT64_MAX})
    CHECK(says(with_length(length), {concat("a header of ", length, " bytes"), "only 2 follow"}));
  CHECK(says(with_length(0), {"header ends where '{'"}));
  CHECK(says(with_length(1), {"header ends where '\"'"}));
}

TEST_CASE("safetensors: any byte of the header changed gives a clear error or another valid file") {
  const Folder folder;
  const std::string bytes = safetensors_bytes(
      {{"a", Tensor::of<float>({2, 1}, {1, 2})}, {"b", Tensor::of<std::int64_t>({1}, {3})}}, {{"k", "v"}});
  const std::size_t header = bytes.size() - 16;
  int read = 0, unclear = 0;
  std::string broken = bytes;
  for (std::size_t place = 0; place < header; ++place) {
    for (const char c : std::string("\0\x01\t\"\\,:{}[]0129-.eaF\x7F\xFF ", 24)) {
      broken[place] = c;
      try {
        parse_safetensors_header("f", std::string_view(broken).substr(8, header - 8), 16);
        ++read;
      } catch (const IoError& error) {
        unclear += !std::string_view(error.what()).starts_with("f: ") ||
                   std::string_view(error.what()).find('\n') != std::string_view::npos;
      }
    }
    if (place % 3 == 0) {  // and the whole file with what came last
      folder.write("f", broken);
      try {
        read_safetensors(folder.path / "f");
      } catch (const IoError&) {
      }
    }
    broken[place] = bytes[place];
  }
  CHECK(unclear == 0);
  CHECK(read > 0);
}

TEST_CASE("safetensors: a missing file, a folder, a text") {
  const Folder folder;
  CHECK(says(refusal<IoError>([&] { read_safetensors(folder.path / "absent"); }),
             {"absent: cannot be opened"}));
  CHECK(says(refusal<IoError>([&] { read_safetensors(folder.path); }), {"is a folder"}));
  CHECK(says(refused(folder, "PK\x03\x04 a zip file, as torch.save writes"), {"a header of "}));
  CHECK(says(refused(folder, std::string_view("\x10\0\0\0\0\0\0\0not JSON at all.", 24)),
             {"byte 8", "where '{'"}));
}

TEST_CASE(
    "safetensors: a mapped file holds what a read one does, and is not changed by writing to the tensors") {
  const Folder folder;
  const auto path = folder.path / "mapped.safetensors";
  write_safetensors(path, mixture(), {{"k", "v"}});
  const std::string before = read_file(path);
  CHECK(before == safetensors_bytes(mixture(), {{"k", "v"}}));
  const auto read = read_safetensors(path);
  auto mapped = map_safetensors(path);
  CHECK(mapped.metadata == read.metadata);
  REQUIRE(mapped.tensors.size() == read.tensors.size());
  for (std::size_t i = 0; i < read.tensors.size(); ++i) {
    CHECK(mapped.tensors[i].name == read.tensors[i].name);
    CHECK(same_bits(mapped.tensors[i].tensor, read.tensors[i].tensor));
  }
  const Tensor kept = mapped.tensors[0].tensor;  // keeps the mapping alive
  mapped = {};
  kept.data<float>()[0] = 77;
  CHECK(kept.data<float>()[0] == 77);
  CHECK(read_file(path) == before);
  // Replaced while it is mapped, as atomic files are: the mapping stays what it was.
  write_safetensors(path, {{"other", Tensor::scalar(1.0)}});
  CHECK(kept.data<float>()[1] == -0.0F);
  for (const auto& bytes : {std::string(), std::string(7, 'x'), before.substr(0, before.size() - 1)}) {
    atomic_write(path, bytes);
    CHECK(!refusal<IoError>([&] { map_safetensors(path); }).empty());
  }
  CHECK(says(refusal<IoError>([&] { map_safetensors(folder.path); }), {"not a regular file"}));
  CHECK(says(refusal<IoError>([&] { map_safetensors(folder.path / "no"); }), {"cannot be opened"}));
}
