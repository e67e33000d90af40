// tests/fuzz/safetensors.cpp: weights and caches, read and mapped: both take the same files and see the same
// bytes
#include <cordis/io/safetensors.hpp>

#include "target.hpp"

void one_input(std::string_view bytes) {
  const auto path = fuzz::write("w.safetensors", bytes);
  cordis::SafetensorsFile read, mapped;
  bool taken = false;
  fuzz::try_it([&] { read = cordis::read_safetensors(path), taken = true; });
  bool taken_too = false;
  fuzz::try_it([&] { mapped = cordis::map_safetensors(path), taken_too = true; });
  if (taken != taken_too || read.tensors.size() != mapped.tensors.size()) std::abort();
  for (std::size_t i = 0; i < read.tensors.size(); ++i) {
    const auto &a = read.tensors[i].tensor, &b = mapped.tensors[i].tensor;
    if (!(a.shape() == b.shape()) || (a.bytes() && std::memcmp(a.raw(), b.raw(), a.bytes()) != 0))
      std::abort();
  }
}
