// tests/io/safetensors_header_test.cpp: headers read, and every way of being wrong refused with its place
#include <doctest/doctest.h>

#include <cordis/io/safetensors_header.hpp>

#include "refusal.hpp"

using namespace cordis;

namespace {

SafetensorsHeader parse(const std::string& text, std::uint64_t data = 0) {
  return parse_safetensors_header("dir/f.safetensors", text, data);
}

// What is thrown, if it is an IoError of one line that names the file.
std::string refused(const std::string& text, std::uint64_t data = 0) {
  const auto message = refusal<IoError>([&] { parse(text, data); });
  const bool clear = message.starts_with("dir/f.safetensors: ") && message.find('\n') == std::string::npos &&
                     message.size() < 400;
  return clear ? message : "unclear: " + message;
}

// {"NAME":{...}} for a tensor of 8 bytes, with one field replaced.
std::string one(const std::string& dtype = R"("F32")", const std::string& shape = "[2]",
                const std::string& offsets = "[0,8]") {
  return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

std::string tensor(const std::string& name, int begin, int end, const std::string& shape = "") {
  return concat('"', name, R"(":{"dtype":"U8","shape":[)",
                shape.empty() ? std::to_string(end - begin) : shape, R"(],"data_offsets":[)", begin, ',', end,
                "]}");
}

}  // namespace

TEST_CASE("safetensors_header: tensors by place in the data, and metadata") {
  const auto header = parse(
      " {\"b\" : {\"shape\":[ 2 , 3 ],\n\t\"data_offsets\":[4,28],\"dtype\":\"F32\"},\r\n"
      R"("__metadata__":{"format":"pt","empty":""},)"
      R"("a":{"dtype":"I32","shape":[],"data_offsets":[0,4]},"none":{"dtype":"F64","shape":[7,0],"data_offsets":[4,4]}})"
      "   ",
      28);
  REQUIRE(header.entries.size() == 3);
  CHECK(header.entries[0].name == "a");
  CHECK(header.entries[0].dtype == "I32");
  CHECK(header.entries[0].shape.empty());
  CHECK(header.entries[1].name == "none");
  CHECK(header.entries[1].shape == std::vector<std::int64_t>{7, 0});
  CHECK(header.entries[2].name == "b");
  CHECK(header.entries[2].shape == std::vector<std::int64_t>{2, 3});
  CHECK(header.entries[2].begin == 4);
  CHECK(header.entries[2].end == 28);
  CHECK(header.metadata == std::map<std::string, std::string>{{"empty", ""}, {"format", "pt"}});
  CHECK(parse("{}").entries.empty());
  CHECK(parse(R"({"__metadata__":{}})").metadata.empty());
  CHECK(parse(one(R"("F32")", "[1,2,1,1,1,1]"), 8).entries[0].shape.size() == 6);
}

TEST_CASE("safetensors_header: sizes of all dtypes") {
  const std::vector<std::pair<std::string, int>> sizes{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2},
      {"BF16", 2}, {"U32", 4}, {"I32", 4}, {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};
  for (const auto& [dtype, size] : sizes) {
    const auto text = one('"' + dtype + '"', "[3]", concat("[0,", 3 * size, ']'));
    CHECK(parse(text, static_cast<std::uint64_t>(3 * size)).entries[0].dtype == dtype);
    CHECK(says(refused(one('"' + dtype + '"', "[3]", concat("[0,", 3 * size + 1, ']')),
                       static_cast<std::uint64_t>(3 * size + 1)),
               {"\"w\"", concat("needs ", 3 * size, " bytes"), concat("span ", 3 * size + 1)}));
  }
  for (const auto* dtype : {"F33", "", "f32", "F32 ", "C64"})
    CHECK(says(refused(one(concat('"', dtype, '"')), 8), {"\"w\"", "unknown dtype", dtype}));
}

TEST_CASE("safetensors_header: escapes and UTF-8 in names") {
  const auto name_of = [](const std::string& text) {
    return parse("{\"" + text + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})").entries.at(0).name;
  };
  CHECK(name_of(R"(a\"b\\c\/d\b\f\n\r\t)") == "a\"b\\c/d\b\f\n\r\t");
  CHECK(name_of("h\xC3\xA9") == "h\xC3\xA9");
  CHECK(name_of(R"(\u0041\u00e9\u00E9\u20ac\ud83d\ude00)") ==
        "A\xC3\xA9\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(name_of(R"(\u007f\u0080\u07ff\u0800\uffff\ud800\udc00\udbff\udfff)") ==
        "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
  CHECK(name_of("") == "");
  CHECK(name_of(R"(\u0000x)") == std::string("\0x", 2));
  for (const auto* half :
       {R"(\ud83d)", R"(\ude00)", R"(\ud83dx)", R"(\ud83d\n)", R"(\ud83d\u0041)", R"(\ud83d\ud83d)"})
    CHECK(says(refusal<IoError>([&] { name_of(half); }), {"half of a surrogate pair"}));
  for (const auto* wrong : {R"(\u12)", R"(\u12g4)", R"(\u)"})
    CHECK(says(refusal<IoError>([&] { name_of(wrong); }), {"four hexadecimal digits"}));
  for (const auto* wrong : {R"(\x)", R"(\')", R"(\0)"})
    CHECK(says(refusal<IoError>([&] { name_of(wrong); }), {"unknown escape"}));
  CHECK(says(refusal<IoError>([&] { name_of("a\nb"); }), {"control character"}));
}

TEST_CASE("safetensors_header: text that is no JSON object, with the byte where it goes wrong") {
  CHECK(says(refused(""), {"byte 8", "header ends where '{'"}));
  CHECK(says(refused("   "), {"byte 11", "header ends where '{'"}));
  CHECK(says(refused("[]"), {"byte 8", "\"[\" where '{'"}));
  CHECK(says(refused("null"), {"\"n\" where '{'"}));
  CHECK(says(refused(std::string("\0\0", 2)), {"\\u0000", "where '{'"}));
  CHECK(says(refused("{"), {"byte 9", "header ends where '\"'"}));
  CHECK(says(refused("{w:1}"), {"byte 9", "\"w\" where '\"'"}));
  CHECK(says(refused("{\"w"), {"byte 11", "without its closing quote"}));
  CHECK(says(refused("{\"w\\"), {"unknown escape"}));
  CHECK(says(refused(R"({"w")"), {"header ends where ':'"}));
  CHECK(says(refused(R"({"w":)"), {"header ends where '{'"}));
  CHECK(says(refused(R"({"w":3})"), {"byte 13", "\"3\" where '{'"}));
  CHECK(says(refused(R"({"w":{"dtype" "F32"}})"), {"where ':'"}));
  CHECK(says(refused("{},"), {"byte 10", "after the header's closing brace"}));
  CHECK(says(refused("{}{}"), {"after the header's closing brace"}));
  CHECK(says(refused(std::string("{}\0", 3)), {"byte 10", "after the header's closing brace"}));
  CHECK(says(refused(R"({"__metadata__":{},})"), {"where '\"'"}));
  CHECK(says(refused(one() + "x", 8), {"after the header's closing brace"}));
}

TEST_CASE("safetensors_header: a valid header cut at any place is refused") {
  const std::string text =
      R"({"__metadata__":{"k":"v\u00e9"},)" + tensor("a", 0, 4) + "," + tensor("b", 4, 6, "2,1") + "}";
  CHECK(parse(text, 6).entries.size() == 2);
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK(refused(text.substr(0, size), 6).starts_with("dir/f.safetensors: byte "));
  }
}

TEST_CASE("safetensors_header: fields missing, doubled, unknown, or of the wrong kind") {
  CHECK(says(refused(R"({"w":{}})"), {"\"w\"", "no dtype"}));
  CHECK(says(refused(R"({"w":{"dtype":"F32","data_offsets":[0,8]}})", 8), {"\"w\"", "no shape"}));
  CHECK(says(refused(R"({"w":{"dtype":"F32","shape":[2]}})", 8), {"\"w\"", "no data_offsets"}));
  CHECK(says(refused(R"({"w":{"shape":[2],"data_offsets":[0,8]}})", 8), {"\"w\"", "no dtype"}));
  CHECK(says(refused(R"({"w":{"dtype":"F32","dtype":"F32"}})"), {"\"w\"", "\"dtype\" twice"}));
  CHECK(says(refused(R"({"w":{"shape":[1],"shape":[1]}})"), {"\"shape\" twice"}));
  CHECK(says(refused(R"({"w":{"data_offsets":[0,0],"data_offsets":[0,0]}})"), {"\"data_offsets\" twice"}));
  CHECK(says(refused(R"({"w":{"strides":[1]}})"), {"\"w\"", "unknown field \"strides\""}));
  CHECK(says(refused(one("32"), 8), {"\"3\" where '\"'"}));
  CHECK(says(refused(one("null"), 8), {"\"n\" where '\"'"}));
  CHECK(says(refused(one("\"F32\"", "2"), 8), {"\"2\" where '['"}));
  CHECK(says(refused(one("\"F32\"", "[\"2\"]"), 8), {"whole number"}));
  CHECK(says(refused(one("\"F32\"", "[2 1]"), 8), {"\"1\" where ']'"}));
  CHECK(says(refused(one("\"F32\"", "[[2]]"), 8), {"whole number"}));
  CHECK(says(refused(R"({"__metadata__":{"k":1}})"), {"\"1\" where '\"'"}));
  CHECK(says(refused(R"({"__metadata__":[]})"), {"\"[\" where '{'"}));
  CHECK(says(refused(R"({"__metadata__":{"k":{"k":"v"}}})"), {"\"{\" where '\"'"}));
}

TEST_CASE("safetensors_header: numbers that are negative, broken, written oddly or beyond 63 bits") {
  for (const auto* number :
       {"-1", "2.0", "2.5", "2e0", "2E1", "+2", "", "02", "00", "x", "true", "0x2", "-", "2-"}) {
    CAPTURE(number);
    CHECK(says(refused(one("\"F32\"", concat('[', number, ",1]")), 8), {"byte "}));
    CHECK(says(refused(one("\"F32\"", "[2]", concat('[', number, ",8]")), 8), {"byte "}));
  }
  CHECK(says(refused(one("\"F32\"", "[-2]"), 8), {"whole number of at least 0"}));
  CHECK(says(refused(one("\"F32\"", "[02]"), 8), {"whole number of at least 0"}));
  CHECK(says(refused(one("\"F32\"", "[2.0]"), 8), {"whole number of at least 0"}));
  for (const auto* huge : {"9223372036854775808", "18446744073709551616", "99999999999999999999999999999999"})
    CHECK(says(refused(one("\"F32\"", concat('[', huge, ']')), 8), {"beyond 63 bits"}));
  CHECK(says(refused(one("\"F32\"", "[9223372036854775807]"), 8), {"\"w\"", "2^60 elements"}));
  CHECK(says(refused(one("\"F32\"", "[4294967296,4294967296]"), 8), {"2^60 elements"}));
  CHECK(says(refused(one("\"F32\"", "[1152921504606846976,0]", "[0,0]")), {"2^60 elements"}));
  // 2^63 + 1 elements of 2 bytes wrap to 2; 2^62 of 4 bytes to 0.
  CHECK(says(refused(one("\"F16\"", "[3,3074457345618258603]", "[0,2]"), 2), {"2^60 elements"}));
  CHECK(says(refused(one("\"F32\"", "[4611686018427387904]", "[0,0]")), {"2^60 elements"}));
  CHECK(parse(one("\"F32\"", "[1152921504606846975,0]", "[0,0]")).entries.size() == 1);
  CHECK(says(refused(one("\"F32\"", "[1000000]", "[0,4000000]"), 8), {"bytes 0 to 4000000", "has 8 bytes"}));
  CHECK(
      says(refused(one("\"F32\"", "[2]", "[0,9223372036854775807]"), 8), {"bytes 0 to 9223372036854775807"}));
}

TEST_CASE("safetensors_header: offsets that do not fit the data or each other") {
  const auto two = [](const std::string& a, const std::string& b) { return "{" + a + "," + b + "}"; };
  CHECK(says(refused(one("\"F32\"", "[2]", "[0]"), 8), {"\"w\"", "1 numbers, not 2"}));
  CHECK(says(refused(one("\"F32\"", "[2]", "[]"), 8), {"0 numbers"}));
  CHECK(says(refused(one("\"F32\"", "[2]", "[0,8,16]"), 8), {"3 numbers"}));
  CHECK(says(refused(one("\"F32\"", "[2]", "[8,0]"), 8), {"bytes 8 to 0"}));
  CHECK(says(refused(one("\"F32\"", "[3]"), 8), {"needs 12 bytes", "span 8"}));
  CHECK(says(refused(one("\"F32\"", "[]"), 8), {"needs 4 bytes", "span 8"}));
  CHECK(says(refused(one(), 7), {"bytes 0 to 8", "has 7 bytes"}));
  CHECK(says(refused(one(), 9), {"1 bytes after the last tensor"}));
  CHECK(says(refused("{}", 5), {"5 bytes after the last tensor"}));
  CHECK(says(refused(one("\"F32\"", "[2]", "[4,12]"), 12),
             {"\"w\"", "begins at byte 4", "hole that starts at 0"}));
  CHECK(says(refused(two(tensor("a", 0, 4), tensor("b", 6, 8)), 8),
             {"\"b\"", "byte 6", "hole that starts at 4"}));
  CHECK(says(refused(two(tensor("a", 0, 4), tensor("b", 3, 8)), 8),
             {"\"b\"", "byte 3", "neighbour", "ends at 4"}));
  CHECK(
      says(refused(two(tensor("b", 0, 8), tensor("a", 0, 8)), 8), {"byte 0", "neighbour, which ends at 8"}));
  CHECK(says(refused(two(tensor("a", 0, 8), tensor("b", 2, 4)), 8), {"\"b\"", "neighbour"}));
  CHECK(says(refused(two(tensor("a", 0, 8), tensor("b", 5, 5)), 8), {"\"b\"", "neighbour"}));
  CHECK(parse(two(tensor("a", 0, 8), tensor("b", 8, 8)), 8).entries.size() == 2);
  CHECK(parse(two(tensor("a", 0, 8), tensor("b", 0, 0)), 8).entries[0].name == "b");
}

TEST_CASE("safetensors_header: names and keys given twice") {
  CHECK(says(refused("{" + tensor("a", 0, 4) + "," + tensor("b", 4, 5) + "," + tensor("a", 5, 8) + "}", 8),
             {"tensor \"a\" twice"}));
  CHECK(says(refused("{" + tensor("a", 0, 0) + "," + tensor("\\u0061", 0, 0) + "}"), {"tensor \"a\" twice"}));
  CHECK(says(refused(R"({"__metadata__":{},"__metadata__":{}})"), {"\"__metadata__\" twice"}));
  CHECK(says(refused(R"({"__metadata__":{"k":"1","k":"2"}})"), {"metadata key \"k\" twice"}));
}

TEST_CASE(
    "safetensors_header: deep nesting, long names and names of several lines end in one short message") {
  for (const std::string bracket : {"[", "{", "{\"a\":", "{\"a\":{", "[["}) {
    std::string deep;
    while (deep.size() < 2'000'000) deep += bracket;
    CHECK(says(refused(deep), {"byte "}));
    CHECK(says(refused(one("\"F32\"", deep), 8), {"byte "}));
    CHECK(says(refused(one(deep), 8), {"byte "}));
    CHECK(says(refused("{\"__metadata__\":{\"k\":" + deep), {"byte "}));
  }
  const std::string lengthy(1'000'000, 'n');
  CHECK(says(refused("{" + tensor(lengthy, 0, 4, "3") + "}", 4), {"nnn\"...", "needs 3 bytes"}));
  CHECK(says(refused("{" + tensor("a\\nb\\u001b[2J", 0, 4, "3") + "}", 4), {"\"a\\u000ab\\u001b[2J\""}));
  CHECK(says(refused(one('"' + lengthy + '"'), 8), {"unknown dtype \"nnn"}));
  CHECK(says(refused(R"({"w":{")" + lengthy + R"(":1}})"), {"unknown field \"nnn"}));
}
