// examples/ecg/onnx_file_none.cpp: a build without ONNX
#include "onnx_file.hpp"

namespace app {

void write_onnx(const cordis::AnyModel&, const std::filesystem::path& file, std::int64_t,
                const std::map<std::string, std::string>&) {
  throw cordis::IoError(cordis::concat(file.string(),
                                       ": this program was built without ONNX; install it (Debian: "
                                       "libonnx-dev, libprotobuf-dev) and build with -DCORDIS_ONNX=ON"));
}

}  // namespace app
