// tests/package/consumer/main.cpp: trains a small network, writes its weights, reads them back.  consumer
// [WEIGHTS]
#include <cordis/cordis.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>

#include "data.hpp"

int main(int argc, char** argv) {
  static_assert(CORDIS_VERSION_MAJOR == 0);
  const cordis::TensorDataset data = make_data(24);
  cordis::ResNet1d18 net({.leads = 2, .classes = 1, .width = 4, .fc = 8});
  cordis::Adam adam(net, {.lr = 1e-2});
  double first = 0, last = 0;
  for (int epoch = 1; epoch <= 6; ++epoch) {
    last = cordis::train_epoch(net, adam, data, {.batch = 8, .seed = 1, .epoch = epoch});
    if (epoch == 1) first = last;
  }
  const std::filesystem::path file =
      argc > 1 ? argv[1] : std::filesystem::temp_directory_path() / "cordis-consumer.safetensors";
  cordis::save(net, file);
  cordis::ResNet1d18 other({.leads = 2, .classes = 1, .width = 4, .fc = 8});
  cordis::load(other, file);
  if (argc == 1) std::filesystem::remove(file);
  std::cout << std::setprecision(17) << "cordis " << cordis::kVersion << ": loss " << first << " -> " << last
            << '\n';
  return last < first ? 0 : 1;
}
