// examples/ecg/help.cpp: --help in lines of at most 100 columns, defaults in brackets
#include "help.hpp"

#include <sstream>

namespace app {
namespace {

constexpr std::size_t kWidth = 100, kIndent = 30;

// Words of text in lines that begin at column `indent`; the first one begins where the caller's line ends.
std::string wrap(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string out, word;
  std::size_t column = indent;
  while (words >> word) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) out += ' ', ++column;
    out += word;
    column += word.size();
  }
  return out;
}

std::string entry(const std::string& name, const std::string& text) {
  std::string line = "  " + name;
  line +=
      line.size() + 2 <= kIndent ? std::string(kIndent - line.size(), ' ') : '\n' + std::string(kIndent, ' ');
  return line + wrap(text, kIndent) + '\n';
}

}  // namespace

std::string HelpFormatter::make_option(const CLI::Option* option, bool positional) const {
  std::string name = option->get_name(positional, !positional);
  if (option->get_type_size() != 0 && !option->get_type_name().empty()) name += ' ' + option->get_type_name();
  if (positional && option->get_expected_max() > 1) name += "...";
  std::string text = option->get_description();
  if (option->get_type_size() != 0 && !option->get_default_str().empty())
    text += " [" + option->get_default_str() + ']';
  return entry(name, text);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  const std::string text = command->get_description();
  return entry(command->get_name(), text.substr(0, text.find('\n')));
}

// A blank line in a description parts paragraphs.
std::string HelpFormatter::make_description(const CLI::App* command) const {
  std::istringstream paragraphs(command->get_description());
  std::string out, paragraph;
  while (std::getline(paragraphs, paragraph)) out += wrap(paragraph, 0) + '\n';
  return out;
}

}  // namespace app
