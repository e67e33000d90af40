// tests/readers/dump_set.cpp: what Cordis makes of a folder of ECGs, for comparison with another pipeline
//   dump_set FOLDER BAND|none polyphase|decimate z-score|min-max|none OUT [CLASS,...]
// Writes OUT, a safetensors file: x (N, 1000, 12) at 100 Hz, y (N, classes), and as metadata the names of the
// records and classes, a line each.
#include <cordis/ecg/experiment_card.hpp>
#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <cordis/hdf5/tracings.hpp>
#include <cordis/io/safetensors.hpp>
#include <cstdio>
#include <string>

// The choice of that name.
template <class Choices>
auto chosen(const Choices& choices, std::string_view name) {
  for (const auto& [known, value] : choices)
    if (known == name) return value;
  throw std::invalid_argument(cordis::concat("there is no \"", name, "\" to choose"));
}

int main(int argc, char** argv) {
  using namespace cordis;
  if (argc < 6) return 2;
  const std::string band = argv[2];
  try {
    ecg::SourceOptions source{.tracings = hdf5::open_tracings};
    if (argc > 6)
      for (const auto name : ecg::split(argv[6], ",")) source.classes.emplace_back(name);
    ecg::LoadOptions options;
    options.preprocess.band_pass = band != "none";
    if (band != "none") {
      options.preprocess.low = std::stod(band);
      options.preprocess.high = std::stod(band.substr(band.find(',') + 1));
    }
    options.preprocess.resampling = chosen(ecg::kResamplings, argv[3]);
    options.preprocess.scaling = chosen(ecg::kScalings, argv[4]);
    const ecg::EcgData data = ecg::load(ecg::open_source(argv[1], source), options);
    std::string names, classes;
    for (const auto& record : data.records) names += record.name + '\n';
    for (const auto& name : data.classes) classes += name + '\n';
    const auto width = static_cast<std::int64_t>(data.classes.size());
    write_safetensors(argv[5],
                      {{"x", Tensor::of<float>({data.size, data.length, data.leads}, data.samples)},
                       {"y", Tensor::of<float>({data.size, width}, data.labels)}},
                      {{"records", names}, {"classes", classes}});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dump_set: %s\n", error.what());
    return 1;
  }
  return 0;
}
