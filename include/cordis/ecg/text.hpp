// cordis/ecg/text.hpp: small helpers for text files: trim, fields, numbers that must be the whole text
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cordis/config.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

inline constexpr std::string_view kBlanks = " \t\r\n\f\v";

// Without blanks at both ends.
inline std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// ASCII only: lead names, units and keys of these files hold nothing else.
inline std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Whether two texts differ in nothing but the case of ASCII letters.
inline bool same_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && lower(a) == lower(b);
}

// The next field of a line, cut off its front; empty at the end.
inline std::string_view next_field(std::string_view& line, std::string_view separators = kBlanks) {
  line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
  const std::string_view field = line.substr(0, line.find_first_of(separators));
  line.remove_prefix(field.size());
  return field;
}

// The fields between separators; none of them is empty.
inline std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (auto field = next_field(text, separators); !field.empty(); field = next_field(text, separators))
    out.push_back(field);
  return out;
}

// nullopt unless the whole text is one decimal integer that fits.
inline std::optional<std::int64_t> to_int(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// nullopt unless the whole text is one finite decimal number. Ignores the locale.
inline std::optional<double> to_real(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// A text from a file as an error message shows it: on one line, and not too long.
inline std::string shown(std::string_view text, std::size_t most = 80) {
  std::string out(text.substr(0, most));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return text.size() > most ? out + "..." : out;
}

// "a, b, c", for error messages; long lists end in "... (n in all)".
template <class List>
std::string join(const List& list, std::size_t most = 20) {
  std::string out;
  std::size_t n = 0;
  for (const auto& item : list) {
    if (n < most) out += concat(n ? ", " : "", shown(concat(item)));
    ++n;
  }
  return n > most ? concat(out, ", ... (", n, " in all)") : out;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
