// examples/ecg/main.cpp: ecg: transfer learning on 12-lead ECGs
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cordis/core/storage.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "commands.hpp"
#include "console.hpp"
#include "help.hpp"
#include "run_folder.hpp"
#include "stopping.hpp"

namespace {

// One line: messages of the engine may list keys below each other.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const char blank = c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
    if (blank == ' ' && out.ends_with(' ')) continue;
    out += blank;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

int complain(const std::string& text, int status) {
  app::clear_live_line();
  std::cerr << "ecg: " << one_line(text) << std::endl;
  return status;
}

// As complain(), without memory for a string.
int complain_of_memory(const char* what) {
  app::clear_live_line();
  std::fprintf(stderr, "ecg: out of memory%s%s: try a smaller --batch or fewer records\n", *what ? ": " : "",
               what);
  return 1;
}

// Exceptions that leave a destructor: those of nlohmann::json ask for memory. So do libstdc++'s directory
// iterators, in functions that must not throw; these end it without a current exception, only with what the
// failing allocation has noted.
std::atomic<bool> memory_was_refused = false;
void refuse_memory() {
  memory_was_refused = true;
  throw std::bad_alloc();
}
void end_without_memory() {
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
    if (memory_was_refused) throw std::bad_alloc();
  } catch (const std::bad_alloc&) {
    complain_of_memory("");
    std::_Exit(1);
  } catch (...) {
  }
  std::abort();
}

// The protocol decides the defaults that --help shows, so it is looked for before the rest is read.
bool asks_for_study(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string text = arguments[i];
    if (text == "--protocol=study") return true;
    if (text == "--protocol" && i + 1 < count && std::string(arguments[i + 1]) == "study") return true;
  }
  return false;
}

int run(int count, char** arguments) {
  CLI::App app(
      "Does starting from pretrained weights beat starting at random? Trains networks on 12-lead ECGs and "
      "compares.",
      "ecg");
  app.formatter(std::make_shared<app::HelpFormatter>());
  app.set_version_flag("--version", std::string("ecg ") + cordis::kVersion);
  app.require_subcommand(1);
  app.footer(
      "Start with:\n"
      "  ecg compare                                  the whole comparison on the ECGs of this repository\n"
      "  ecg data examples/data/ludb                  what a folder holds\n"
      "  ecg COMMAND --help                           options, units, defaults, examples\n\n"
      "Exit status: 0 done, 1 bad data or files, 2 bad options, 75 another process is at work on it. Errors "
      "are one line on stderr.");
  app::Action action;
  const bool study = asks_for_study(count, arguments);
  app::add_compare(app, action, study);
  app::add_pretrain(app, action, study);
  app::add_train(app, action, study);
  app::add_predict(app, action);
  app::add_export(app, action);
  app::add_data(app, action);
  app::add_summary(app, action);
  app::add_plan(app, action);
  app::add_cells(app, action);
  app::add_run_cell(app, action);
  app::add_submit(app, action);
  app::add_status(app, action);
  app::add_collect(app, action);
  app::add_report(app, action);
  try {
    app.parse(count, arguments);
    const int status = action();
    if (status == 0 && !std::cout.flush()) return complain("standard output cannot be written", 1);
    return status;
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    const auto used = app.get_subcommands();
    const std::string help = used.empty() ? "ecg --help" : "ecg " + used[0]->get_name() + " --help";
    std::string text = error.what();
    if (used.empty() && count > 1 && arguments[1][0] != '-')
      text = std::string("\"") + arguments[1] + "\" is not a command";
    return complain(text + " (see " + help + ")", 2);
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the limit is then an error of write, told like a full disk
  std::set_new_handler(refuse_memory);
  std::set_terminate(end_without_memory);
  app::catch_stop_signals();
  try {
    return run(count, arguments);
  } catch (const app::FolderBusy& busy) {
    return complain(busy.what(), app::kBusyStatus);
  } catch (const cordis::ecg::Stopped& stopped) {
    return complain(stopped.what(), 128 + app::stop_signal());
  } catch (const cordis::OutOfMemory& error) {
    return complain_of_memory(error.what());
  } catch (const std::bad_alloc&) {
    return complain_of_memory("");
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}
