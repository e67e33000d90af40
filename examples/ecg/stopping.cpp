// examples/ecg/stopping.cpp: SIGTERM and SIGINT end the work at the next batch, with its state saved
#include "stopping.hpp"

#include <csignal>

namespace app {
namespace {
volatile std::sig_atomic_t came = 0;
}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { came = signal; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

int stop_signal() { return came; }

void stop_point() {
  if (came != 0)
    throw cordis::ecg::Stopped(cordis::concat("stopped by ", came == SIGINT ? "SIGINT" : "SIGTERM",
                                              "; the same command goes on from the end of the last epoch"));
}

}  // namespace app
