// examples/ecg/onnx_file.hpp: a network as an ONNX file, if this program was built with it
#pragma once

#include <cordis/models/any_model.hpp>
#include <filesystem>
#include <map>
#include <string>

namespace app {

// Records (N, length, leads) in, logits out. Throws in a build without ONNX.
void write_onnx(const cordis::AnyModel& net, const std::filesystem::path& file, std::int64_t length,
                const std::map<std::string, std::string>& metadata);

}  // namespace app
