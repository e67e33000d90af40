// examples/ecg/options_json.hpp: options as JSON, under their names on the command line
#pragma once

#include "json_reader.hpp"
#include "options.hpp"

namespace app {

// As config.json holds them.
Json options_json(const CompareOptions& options);
Json options_json(const TrainOptions& options, bool pretrain);

// Parts that a grid sets by name; a key that is absent leaves its option as it is.
void read_set(JsonReader& json, SetOptions& set);
void read_fit(JsonReader& json, FitOptions& fit);
void read_split(JsonReader& json, SplitOptions& split);
void read_net(JsonReader& json, NetOptions& net);
void read_signal(JsonReader& json, cordis::ecg::PreprocessOptions& signal);
Json set_json(const SetOptions& set);
Json fit_json(const FitOptions& fit);
Json split_json(const SplitOptions& split);
Json net_json(const NetOptions& net);
Json signal_json(const cordis::ecg::PreprocessOptions& signal);

}  // namespace app
