// examples/ecg/help.hpp: --help in lines of at most 100 columns, defaults in brackets
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace app {

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_description(const CLI::App* command) const override;
};

}  // namespace app
