// examples/ecg/device.cpp: where the networks compute
#include "device.hpp"

#include <charconv>
#include <cordis/cuda/runtime.hpp>

#include "console.hpp"

namespace app {

using cordis::concat;
using cordis::Device;
using cordis::IoError;

void add_device_options(CLI::App& app, DeviceOptions& options) {
  app.add_option(
         "--device", options.name,
         "Where the networks compute: cpu, cuda, cuda:N, or auto, the first GPU where there is one. The last "
         "bits of results depend on it")
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Run");
  app.add_flag("--tf32", options.tf32,
               "On a GPU: products and convolutions with 10 bits of mantissa, faster and less exact")
      ->group("Run");
}

Device use_device(DeviceOptions& options) {
  Device device = Device::cpu();
  const std::string& name = options.name;
  if (name == "auto") {
    device = Device::best();
  } else if (name == "cuda") {
    device = Device::cuda();
  } else if (name.starts_with("cuda:")) {
    int index = 0;
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), index);
    if (error != std::errc() || end != name.data() + name.size() || index < 0)
      throw IoError(concat("--device ", name, ": cuda:N needs a number, as in cuda:0"));
    device = Device::cuda(index);
  } else if (name != "cpu") {
    throw IoError(concat("--device ", name, ": cpu, cuda, cuda:N and auto are possible"));
  }
#ifndef CORDIS_CUDA
  if (device.kind == Device::Kind::cuda)
    throw IoError(
        concat("--device ", name, ": this ecg was built without CUDA; configure with -DCORDIS_CUDA=ON"));
#else
  if (device.kind == Device::Kind::cuda && device.index >= cordis::cuda_device_count())
    throw IoError(concat("--device ", name, ": this machine has ", cordis::cuda_device_count(),
                         " CUDA devices, or no driver for them"));
  cordis::allow_tf32(options.tf32);
#endif
  if (options.tf32 && device.kind == Device::Kind::cpu)
    throw IoError("--tf32 goes with a GPU, and the networks compute on the CPU");
  options.name = concat(device);
  return device;
}

Json device_info(const Device& device) {
  return cordis::on(device, [&](auto kind) -> Json {
    if constexpr (std::is_same_v<decltype(kind), cordis::Cuda>) {
      const auto properties = cordis::properties(kind);
      return {{"name", properties.name},
              {"capability", concat(properties.major, '.', properties.minor)},
              {"libraries", cordis::cuda_versions()},
              {"tf32", cordis::tf32_allowed()}};
    } else {
      return {};
    }
  });
}

}  // namespace app
