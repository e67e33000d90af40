// examples/ecg/commands.hpp: the subcommands; each adds itself to the command line and leaves what is to be
// done
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace app {

// The exit status: 0, or 1 where something is wrong that has been told already.
using Action = std::function<int()>;

// study: defaults are those of `--protocol study`.
void add_summary(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_pretrain(CLI::App& app, Action& action, bool study);
void add_train(CLI::App& app, Action& action, bool study);
void add_compare(CLI::App& app, Action& action, bool study);
void add_predict(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_cells(CLI::App& app, Action& action);
void add_run_cell(CLI::App& app, Action& action);
void add_submit(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_collect(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);

}  // namespace app
