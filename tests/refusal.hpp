// tests/refusal.hpp: the text of what a call throws
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

// What f threw, as text; empty if it threw nothing of that kind.
template <class Exception = std::invalid_argument, class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const Exception& error) {
    return error.what();
  }
  return {};
}

// Every part stands in the text.
inline bool says(const std::string& text, std::initializer_list<std::string_view> parts) {
  bool all = !text.empty();
  for (const auto part : parts) all = all && text.find(part) != std::string::npos;
  return all;
}
