// examples/ecg/device.hpp: where the networks compute: --device, --tf32
#pragma once

#include <CLI/CLI.hpp>
#include <cordis/core/device.hpp>
#include <string>

#include "run_folder.hpp"

namespace app {

struct DeviceOptions {
  std::string name = "cpu";  // cpu, cuda, cuda:N or auto
  bool tf32 = false;         // products and convolutions on a GPU with 10 bits of mantissa
};

void add_device_options(CLI::App& app, DeviceOptions& options);

// The device that is meant, made ready; throws where it is not there. Writes its full name into options.
cordis::Device use_device(DeviceOptions& options);

// What results depend on there: the GPU's name, versions of its libraries, TF32. null for the CPU.
Json device_info(const cordis::Device& device);

}  // namespace app
