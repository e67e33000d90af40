// examples/ecg/cmd_summary.cpp: ecg summary: layers, shapes and parameters of a network
#include <cordis/models/any_model.hpp>
#include <iostream>
#include <memory>

#include "commands.hpp"
#include "options.hpp"

namespace app {

void add_summary(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("summary",
                         "Layers, output shapes and parameters of a network\n\n"
                         "Shapes are (records, samples, channels); the parameters of a row are its own.");
  struct Options {
    std::string model = "resnet1d18";
    NetOptions net;
    std::int64_t length = 1000, leads = 12, classes = 5;
  };
  const auto o = std::make_shared<Options>();
  add_model(*command, o->model, "Network")->group("Network");
  add_net_options(*command, o->net);
  add_whole(*command, "--leads", o->leads, 1, 1024, "Leads of a record")->group("Network");
  add_whole(*command, "--classes", o->classes, 1, 10000, "Classes, each with its own yes or no")
      ->group("Network");
  add_whole(*command, "--length", o->length, 16, 1000000, "Samples of a record")->group("Network");
  command->footer("Examples:\n  ecg summary\n  ecg summary --model gru --head mean --classes 9\n");
  command->callback([o, &action] {
    action = [o] {
      cordis::AnyModel net = cordis::make_model(o->model, {.leads = o->leads,
                                                           .classes = o->classes,
                                                           .width = o->net.width,
                                                           .fc = o->net.fc,
                                                           .length = o->length,
                                                           .hidden = o->net.hidden,
                                                           .head = o->net.head});
      std::cout << o->model << '\n' << cordis::summary(net, {1, o->length, o->leads});
      return 0;
    };
  });
}

}  // namespace app
