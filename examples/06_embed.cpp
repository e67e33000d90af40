// examples/06_embed.cpp: a trained net in a program of one's own: a record is classified window by window
//   06_embed [WEIGHTS [RECORD]]
// One window is in memory at a time, however long the record. The weights are those of 04_resnet1d, trained
// on 10 s; its mean over time takes windows of any length. Two seconds hold two or three beats: a
// demonstration, no diagnosis.
#include <cordis/cordis.hpp>
#include <cordis/ecg/preprocess.hpp>
#include <cordis/ecg/wfdb_stream.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  const std::string weights = argc > 1 ? argv[1] : "resnet1d18.safetensors";
  const std::string record = argc > 2 ? argv[2] : "examples/data/ludb/data/1";
  constexpr double kSeconds = 2, kRate = 100;

  cordis::ResNet1d18 net({.leads = 12, .classes = 5, .width = 16});
  const cordis::SafetensorsFile file = cordis::read_safetensors(weights);
  cordis::load_state_dict(net, file.tensors, {}, weights);
  const auto fast = cordis::fuse(net);  // batch norm folded into the convolutions; records no tape

  cordis::ecg::RecordStream stream(record);
  const double rate = stream.header().fs;
  std::printf("%s: %lld samples at %g Hz\nseconds", record.c_str(), static_cast<long long>(stream.length()),
              rate);
  for (const auto name : cordis::ecg::split(file.metadata.at("classes"), " "))
    std::printf("%7s", std::string(name).c_str());

  int windows = 0;
  bool sound = true;
  std::size_t blocks = 0;  // that the system was asked for, once the first window was through
  while (true) {
    const auto piece = stream.read(static_cast<std::int64_t>(kSeconds * rate));
    if (static_cast<double>(piece.length) < kSeconds * rate)
      break;  // a rest shorter than a window is left out
    for (const auto& warning : piece.warnings) std::fprintf(stderr, "%s\n", warning.text.c_str());

    // The leads in standard order, at 100 Hz, each z-scored over the window: (1, 200, 12).
    const auto prepared = cordis::ecg::preprocess(cordis::ecg::reorder_leads(piece),
                                                  {.rate = kRate,
                                                   .length = static_cast<std::int64_t>(kSeconds * kRate),
                                                   .band_pass = true,
                                                   .resampling = cordis::ecg::Resampling::polyphase,
                                                   .scaling = cordis::ecg::Scaling::z_score});
    if (prepared.rejected) {
      std::printf("\n%7g  %s", windows++ * kSeconds, prepared.rejected->text.c_str());
      continue;
    }
    const auto x = cordis::Tensor::of({1, static_cast<std::int64_t>(kSeconds * kRate), 12}, prepared.samples);
    const cordis::Tensor p = cordis::probabilities(fast(x).value());  // (1, 5)

    std::printf("\n%7g", windows * kSeconds);
    for (const float probability : p.values<float>()) {
      std::printf("%7.3f", static_cast<double>(probability));
      sound = sound && probability > 0 && probability < 1;
    }
    const auto asked = cordis::memory_stats().system_allocs;
    sound = sound && (windows++ == 0 || asked == blocks);
    blocks = asked;
  }
  std::printf("\n%d windows, at most %.1f MB of tensors\n", windows,
              static_cast<double>(cordis::memory_stats().peak) / 1e6);
  return sound && windows == static_cast<int>(static_cast<double>(stream.length()) / rate / kSeconds) ? 0 : 1;
}
