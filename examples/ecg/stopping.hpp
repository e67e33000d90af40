// examples/ecg/stopping.hpp: SIGTERM and SIGINT end the work at the next batch, with its state saved
#pragma once

#include <cordis/ecg/experiment.hpp>

namespace app {

// The first such signal asks for an end; a second one ends the process as usual.
void catch_stop_signals();
int stop_signal();  // 0: none came
// Throws Stopped where a signal came.
void stop_point();

}  // namespace app
