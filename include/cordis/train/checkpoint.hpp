// cordis/train/checkpoint.hpp: net, optimizer and random state in one file that is there in full or not at
// all
#pragma once

#include <bit>
#include <cordis/core/random.hpp>
#include <cordis/io/load.hpp>
#include <cordis/optim/optimizer.hpp>

namespace cordis::inline CORDIS_ABI {

// What a training needs to go on with the same bits: the states of net, optimizer and default generator, and
// what the caller adds.
struct Checkpoint {
  StateDict net, optimizer;
  Generator generator;
  StateDict more;
  std::map<std::string, std::string> metadata;
};

// Copies of the tensors.
inline StateDict clone(const StateDict& state) {
  StateDict copy;
  for (const auto& [name, tensor] : state) copy.push_back({name, tensor.clone()});
  return copy;
}

// The tensors are those of net and optimizer themselves: for a copy of this moment, clone() them.
template <Walkable Net, Optimizer O>
Checkpoint checkpoint_of(const Net& net, const O& optimizer) {
  return {state_dict(net), optimizer.state(), default_generator(), {}, {}};
}

// As one safetensors file; IoError where it cannot be written.
inline void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  StateDict all;
  const auto put = [&](const char* prefix, const StateDict& state) {
    for (const auto& [name, tensor] : state) all.push_back({prefix + name, tensor});
  };
  put("net.", checkpoint.net);
  put("optimizer.", checkpoint.optimizer);
  put("more.", checkpoint.more);
  Tensor random({2}, DType::i64);
  random.data<std::int64_t>()[0] = std::bit_cast<std::int64_t>(checkpoint.generator.seed());
  random.data<std::int64_t>()[1] = std::bit_cast<std::int64_t>(checkpoint.generator.offset());
  all.push_back({"generator", random});
  write_safetensors(path, all, checkpoint.metadata);
}

// Throws IoError where the file is damaged or no checkpoint.
inline Checkpoint read_checkpoint(const std::filesystem::path& path) {
  SafetensorsFile file = read_safetensors(path);
  Checkpoint result;
  result.metadata = std::move(file.metadata);
  bool generator = false;
  for (auto& [name, tensor] : file.tensors) {
    const auto take = [&, &key = name, &value = tensor](std::string_view prefix, StateDict& state) {
      if (key.starts_with(prefix)) state.push_back({key.substr(prefix.size()), value});
      return key.starts_with(prefix);
    };
    if (take("net.", result.net) || take("optimizer.", result.optimizer) || take("more.", result.more))
      continue;
    if (name != "generator" || tensor.dtype() != DType::i64 || tensor.shape() != Shape{2})
      throw IoError(concat(path.string(), ": tensor \"", name, "\" ", tensor.dtype(), ' ', tensor.shape(),
                           " does not belong into a checkpoint"));
    const auto* state = tensor.data<std::int64_t>();
    result.generator =
        Generator(std::bit_cast<std::uint64_t>(state[0]), std::bit_cast<std::uint64_t>(state[1]));
    generator = true;
  }
  if (!generator) throw IoError(concat(path.string(), ": holds no generator state, so it is no checkpoint"));
  return result;
}

// Puts the state into net, optimizer and default generator. Throws std::invalid_argument where it belongs to
// another net; `origin` is named in messages.
template <Walkable Net, Optimizer O>
void restore(const Checkpoint& checkpoint, Net& net, O& optimizer, const std::string& origin = "checkpoint") {
  O trial = optimizer;
  trial.restore(checkpoint.optimizer);
  load_state_dict(net, checkpoint.net, {}, origin);
  optimizer = std::move(trial);
  default_generator() = checkpoint.generator;
}

// write_checkpoint of net and optimizer as they are now.
template <Walkable Net, Optimizer O>
void save_checkpoint(const std::filesystem::path& path, const Net& net, const O& optimizer,
                     std::map<std::string, std::string> metadata = {}) {
  Checkpoint checkpoint = checkpoint_of(net, optimizer);
  checkpoint.metadata = std::move(metadata);
  write_checkpoint(path, checkpoint);
}

// Returns the metadata.
template <Walkable Net, Optimizer O>
std::map<std::string, std::string> load_checkpoint(const std::filesystem::path& path, Net& net,
                                                   O& optimizer) {
  Checkpoint checkpoint = read_checkpoint(path);
  restore(checkpoint, net, optimizer, path.string());
  return std::move(checkpoint.metadata);
}

}  // namespace cordis::inline CORDIS_ABI
