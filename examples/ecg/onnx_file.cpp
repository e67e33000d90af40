// examples/ecg/onnx_file.cpp: networks as ONNX files, written with cordis::onnx
#include "onnx_file.hpp"

#include <cordis/onnx/save.hpp>

namespace app {

void write_onnx(const cordis::AnyModel& net, const std::filesystem::path& file, std::int64_t length,
                const std::map<std::string, std::string>& metadata) {
  cordis::save_onnx(net, file, {.length = length, .metadata = metadata});
}

}  // namespace app
