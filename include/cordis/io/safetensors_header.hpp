// cordis/io/safetensors_header.hpp: the JSON of a safetensors file, read and checked before a byte of data is
// believed Format: 8 bytes, the header's length in little-endian; the header, an object of {"dtype", "shape",
// "data_offsets"} by tensor name and optionally "__metadata__", strings by string; the data, without holes.
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cstdint>
#include <iomanip>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// One tensor of a file: what it is and where it lies.
struct SafetensorsEntry {
  std::string name, dtype;           // dtype as written: "F32"
  std::vector<std::int64_t> shape;   // any rank
  std::uint64_t begin = 0, end = 0;  // bytes of the data section
};

// All that a file says before its data.
struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by begin
  std::map<std::string, std::string> metadata;
};

namespace detail {

inline std::string json_string(std::string_view text) {
  TextStream out;
  out << '"';
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out << '\\' << c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out << "\\u" << std::hex << std::setw(4) << std::setfill('0') << static_cast<int>(c);
    else
      out << c;
  }
  out << '"';
  return out.str();
}

// A name from a file, for messages: on one line and not without end.
inline std::string quoted(std::string_view name) {
  return json_string(name.substr(0, 100)) + (name.size() > 100 ? "..." : "");
}

// Just the JSON that such a header may hold. `base` is the text's place in the file, for messages.
class HeaderScanner {
 public:
  HeaderScanner(std::string_view text, std::string file, std::size_t base)
      : text_(text), file_(std::move(file)), base_(base) {}

  template <class... Parts>
  [[noreturn]] void complain(const Parts&... parts) const {
    throw IoError(concat(file_, ": byte ", base_ + at_, ": ", parts...));
  }

  char peek() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (take(c)) return;
    if (at_ >= text_.size()) complain("the header ends where '", c, "' is needed");
    complain(json_string(text_.substr(at_, 1)), " where '", c, "' is needed");
  }
  void end() {
    if (peek() != '\0' || at_ < text_.size()) complain("text after the header's closing brace");
  }

  std::string string() {
    expect('"');
    std::string out;
    while (true) {
      if (at_ >= text_.size()) complain("a string without its closing quote");
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) complain("a control character in a string");
      if (c != '\\') {
        out += c;
        continue;
      }
      const char escape = at_ < text_.size() ? text_[at_++] : '\0';
      static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
      if (const auto known = from.find(escape); escape != '\0' && known != std::string_view::npos)
        out += to[known];
      else if (escape == 'u')
        append_utf8(out, code_point());
      else
        complain("unknown escape in a string");
    }
  }

  std::uint64_t integer() {
    peek();
    const std::size_t start = at_;
    std::uint64_t value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > (INT64_MAX - digit) / 10) complain("a number beyond 63 bits");
      value = value * 10 + digit;
      ++at_;
    }
    const std::string_view after = ".eE+-";
    if (at_ == start || (text_[start] == '0' && at_ > start + 1) ||
        (at_ < text_.size() && after.find(text_[at_]) != std::string_view::npos))
      complain("a whole number of at least 0 is needed");
    return value;
  }

  template <class F>
  void object(F&& member) {
    expect('{');
    if (take('}')) return;
    do {
      std::string key = string();
      expect(':');
      member(std::move(key));
    } while (take(','));
    expect('}');
  }
  std::vector<std::uint64_t> integers() {
    std::vector<std::uint64_t> values;
    expect('[');
    if (take(']')) return values;
    do values.push_back(integer());
    while (take(','));
    expect(']');
    return values;
  }

 private:
  std::uint32_t hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = at_ < text_.size() ? text_[at_++] : '\0';
      const auto digit = std::string_view("0123456789abcdefABCDEF").find(c);
      if (c == '\0' || digit == std::string_view::npos) complain("\\u without four hexadecimal digits");
      value = value * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return value;
  }
  std::uint32_t code_point() {
    const std::uint32_t high = hex4();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || text_.substr(at_, 2) != "\\u") complain("half of a surrogate pair");
    at_ += 2;
    const std::uint32_t low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) complain("half of a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }
  static void append_utf8(std::string& out, std::uint32_t c) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xC0 | (c >> 6)), tail(0);
    } else if (c < 0x10000) {
      out += static_cast<char>(0xE0 | (c >> 12)), tail(6), tail(0);
    } else {
      out += static_cast<char>(0xF0 | (c >> 18)), tail(12), tail(6), tail(0);
    }
  }

  std::string_view text_;
  std::string file_;
  std::size_t base_, at_ = 0;
};

inline std::optional<std::uint64_t> safetensors_element_size(std::string_view dtype) {
  static constexpr std::pair<std::string_view, std::uint64_t> sizes[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2},
      {"BF16", 2}, {"U32", 4}, {"I32", 4}, {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};
  for (const auto& [name, size] : sizes)
    if (name == dtype) return size;
  return std::nullopt;
}

inline SafetensorsEntry safetensors_entry(HeaderScanner& scan, std::string name) {
  SafetensorsEntry entry;
  entry.name = std::move(name);
  bool dtype = false, shape = false, offsets = false;
  scan.object([&](const std::string& field) {
    bool& seen = field == "dtype" ? dtype : field == "shape" ? shape : offsets;
    if (field != "dtype" && field != "shape" && field != "data_offsets")
      scan.complain("tensor ", quoted(entry.name), ": unknown field ", quoted(field));
    if (std::exchange(seen, true))
      scan.complain("tensor ", quoted(entry.name), ": field ", quoted(field), " twice");
    if (field == "dtype") {
      entry.dtype = scan.string();
    } else if (field == "shape") {
      for (const auto extent : scan.integers()) entry.shape.push_back(static_cast<std::int64_t>(extent));
    } else {
      const auto pair = scan.integers();
      if (pair.size() != 2)
        scan.complain("tensor ", quoted(entry.name), ": data_offsets has ", pair.size(), " numbers, not 2");
      entry.begin = pair[0], entry.end = pair[1];
    }
  });
  if (!dtype || !shape || !offsets)
    scan.complain("tensor ", quoted(entry.name), ": no ",
                  !dtype   ? "dtype"
                  : !shape ? "shape"
                           : "data_offsets");
  return entry;
}

}  // namespace detail

// Reads a header and checks it against the data.
// file: the name for messages; text: the header; data: bytes that follow it.
inline SafetensorsHeader parse_safetensors_header(const std::string& file, std::string_view text,
                                                  std::uint64_t data) {
  SafetensorsHeader header;
  detail::HeaderScanner scan(text, file, 8);
  bool metadata = false;
  scan.object([&](std::string name) {
    if (name != "__metadata__") {
      header.entries.push_back(detail::safetensors_entry(scan, std::move(name)));
      return;
    }
    if (std::exchange(metadata, true)) scan.complain("\"__metadata__\" twice");
    scan.object([&](const std::string& key) {
      if (!header.metadata.emplace(key, scan.string()).second)
        scan.complain("metadata key ", detail::quoted(key), " twice");
    });
  });
  scan.end();

  std::vector<std::string> names;
  for (const auto& entry : header.entries) {
    names.push_back(entry.name);
    const auto where = concat(file, ": tensor ", detail::quoted(entry.name), ": ");
    const auto size = detail::safetensors_element_size(entry.dtype);
    if (!size) throw IoError(concat(where, "unknown dtype ", detail::quoted(entry.dtype)));
    std::uint64_t elements = 1;
    for (const auto extent : entry.shape)  // no more than a Shape can hold, even on the way to nil
      if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(extent), &elements) ||
          elements > INT64_MAX / 8)
        throw IoError(concat(where, "its shape holds more than 2^60 elements"));
    const std::uint64_t bytes = elements * *size;
    if (entry.begin > entry.end || entry.end > data)
      throw IoError(concat(where, "bytes ", entry.begin, " to ", entry.end, ", but the file has ", data,
                           " bytes of data"));
    if (entry.end - entry.begin != bytes)
      throw IoError(
          concat(where, "its shape needs ", bytes, " bytes, its offsets span ", entry.end - entry.begin));
  }
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    throw IoError(concat(file, ": tensor ", detail::quoted(*twice), " twice"));
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t end = 0;
  for (const auto& entry : header.entries) {
    if (entry.begin != end)
      throw IoError(concat(
          file, ": tensor ", detail::quoted(entry.name), ": begins at byte ", entry.begin, " of the data, ",
          entry.begin < end ? "inside its neighbour, which ends at " : "after a hole that starts at ", end));
    end = entry.end;
  }
  if (end != data) throw IoError(concat(file, ": ", data - end, " bytes after the last tensor"));
  return header;
}

}  // namespace cordis::inline CORDIS_ABI
