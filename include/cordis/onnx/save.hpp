// cordis/onnx/save.hpp: save_onnx(net, file): a trained net for ONNX Runtime and others that read its format
#pragma once

#include <cordis/io/atomic_file.hpp>
#include <cordis/onnx/models.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

namespace cordis::inline CORDIS_ABI {

// What save_onnx() writes beside the net.
struct OnnxOptions {
  std::int64_t length = 0;  // samples of a record; 0: any, where the net takes any
  std::map<std::string, std::string> metadata = {};
};

// The file's input is x (N, L, C) f32, any N, its output y what the net gives in evaluation mode, whatever
// mode it is in. Every layer has an ONNX form, every parameter a place in the file, or std::invalid_argument
// says which has not, and nothing is written. A net of your own needs a form beside it:
//   cordis::OnnxValue onnx_form(const MyNet& net, const cordis::OnnxValue& x) {
//     return apply(net.fc, global_avg_pool1d(relu(apply(net.conv, x))));
//   }
template <Module M>
void save_onnx(const M& net, const std::filesystem::path& file, const OnnxOptions& options = {}) {
  CORDIS_CHECK(options.length >= 0, "[save_onnx] length ", options.length, " is negative");
  OnnxGraph graph(net);
  const OnnxValue y = apply(net, graph.input(options.length));
  ::onnx::ModelProto model;
  *model.mutable_graph() = graph.finish(y);
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  model.set_producer_name("cordis");
  model.set_producer_version(kVersion);
  for (const auto& [key, value] : options.metadata) {
    auto& entry = *model.add_metadata_props();
    entry.set_key(key), entry.set_value(value);
  }
  std::string bytes;
  CORDIS_CHECK(
      model.ByteSizeLong() <= std::numeric_limits<std::int32_t>::max() && model.SerializeToString(&bytes),
      "[save_onnx] ", file.string(), " would take ", model.ByteSizeLong(),
      " bytes, an ONNX file holds 2 GiB");
  atomic_write(file, bytes);
}

}  // namespace cordis::inline CORDIS_ABI
