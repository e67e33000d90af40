// cordis/io/load.hpp: a net's state from and to safetensors files
#pragma once

#include <cordis/io/safetensors.hpp>
#include <map>

namespace cordis::inline CORDIS_ABI {

// How a file's state is taken over.
struct LoadOptions {
  bool strict = true;  // every key of the net and of the file must match; else what fits is loaded
  std::vector<std::string> skip = {};  // keys that begin so keep the net's values, in either mode: {"fc2."}
};

// What did not fit, each with its shapes.
struct LoadReport {
  std::vector<std::string> missing;     // in the net, not in the file
  std::vector<std::string> unexpected;  // in the file, not in the net
  std::vector<std::string> misshapen;   // in both, of different shape or kind
  // whether all fitted
  bool complete() const { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

namespace detail {
inline std::string list_keys(const char* title, const std::vector<std::string>& keys) {
  std::string text;
  for (const auto& key : keys) text += "\n    " + key;
  return keys.empty() ? text : concat("\n  ", title, " (", keys.size(), "):", text);
}
}  // namespace detail

// Copies `state` into the net's own tensors; floating values take the net's element type. `origin` is named
// in messages. Strict: throws with the full lists before anything is changed.
template <Walkable M>
LoadReport load_state_dict(M& net, const StateDict& state, const LoadOptions& options = {},
                           const std::string& origin = "state_dict") {
  const auto skipped = [&](const std::string& key) {
    for (const auto& prefix : options.skip)
      if (key.starts_with(prefix)) return true;
    return false;
  };
  std::map<std::string, Tensor> source;
  for (const auto& [name, tensor] : state) {
    CORDIS_CHECK(tensor.defined(), "[load] ", origin, ": key ", name, " is undefined");
    CORDIS_CHECK(source.emplace(name, tensor).second, "[load] ", origin, ": key ", name, " twice");
  }

  LoadReport report;
  std::vector<std::pair<Tensor, Tensor>> copies;  // into, from
  for (const auto& [name, into] : state_dict(net)) {
    const auto found = source.find(name);
    if (skipped(name)) {
      if (found != source.end()) source.erase(found);
      continue;
    }
    if (found == source.end()) {
      report.missing.push_back(concat(name, ' ', into.shape()));
      continue;
    }
    const Tensor& from = found->second;
    if (from.shape() != into.shape() || (from.dtype() == DType::i64) != (into.dtype() == DType::i64))
      report.misshapen.push_back(concat(name, ": file ", from.dtype(), ' ', from.shape(), ", net ",
                                        into.dtype(), ' ', into.shape()));
    else
      copies.emplace_back(into, from);
    source.erase(found);
  }
  for (const auto& [name, tensor] : source)
    if (!skipped(name)) report.unexpected.push_back(concat(name, ' ', tensor.shape()));

  if (options.strict && !report.complete())
    throw std::invalid_argument(concat("[load] ", origin, " does not fit the net",
                                       detail::list_keys("missing", report.missing),
                                       detail::list_keys("unexpected", report.unexpected),
                                       detail::list_keys("misshapen", report.misshapen)));
  for (auto& [into, from] : copies) into.copy_from(from.to(into.dtype()));
  return report;
}

// load_state_dict from a safetensors file, also one that PyTorch made; IoError where it cannot be read.
template <Walkable M>
LoadReport load(M& net, const std::filesystem::path& path, const LoadOptions& options = {}) {
  return load_state_dict(net, read_safetensors(path).tensors, options, path.string());
}

// Writes the net's state_dict, and metadata if there is any, as a safetensors file, which PyTorch reads;
// IoError where it cannot. A reader sees the old file or the new one.
template <Walkable M>
void save(const M& net, const std::filesystem::path& path,
          const std::map<std::string, std::string>& metadata = {}) {
  write_safetensors(path, state_dict(net), metadata);
}

}  // namespace cordis::inline CORDIS_ABI
