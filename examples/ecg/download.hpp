// examples/ecg/download.hpp: where the study's public data sets are, and whether one has come whole
#pragma once

#include <string>
#include <vector>

namespace app {

std::vector<std::string> download_names();

// Prints what to type to get the set into root/FOLDER under the name that grids/study.json knows it by, and
// how much it is. Where something lies there already, tells what it is and whether it is all: returns 1 where
// it is not.
int download_help(const std::string& name, const std::string& root);

}  // namespace app
