// examples/05_fine_tune.cpp: fine-tunes what 04_resnet1d saved on another data set, beside random weights
//   05_fine_tune [WEIGHTS [FOLDER]]
// LUDB comes from another country, device and list of labels. Three seeds and 40 test records, as here, show
// how it is done and decide nothing: with a smaller head, or without the band-pass filter, random weights
// were the better ones. `ecg compare` does it with more of both, and gives intervals.
#include <cordis/cordis.hpp>
#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <iostream>

int main(int argc, char** argv) {
  const std::string weights = argc > 1 ? argv[1] : "resnet1d18.safetensors";
  const std::string folder = argc > 2 ? argv[2] : "examples/data/ludb";

  // The same preprocessing as upstream; LUDB has 500 samples a second, so they are resampled to 100.
  auto records = cordis::ecg::load(cordis::ecg::open_source(folder),
                                   {.preprocess = {.band_pass = true,
                                                   .resampling = cordis::ecg::Resampling::polyphase,
                                                   .scaling = cordis::ecg::Scaling::z_score}});
  const std::int64_t K = std::ssize(records.classes), tests = records.size / 4;
  const cordis::TensorDataset all{
      cordis::Tensor::of({records.size, records.length, records.leads}, records.samples),
      cordis::Tensor::of({records.size, K}, records.labels)};
  const auto parts = cordis::partition({records.size - tests, tests}, {.labels = all.y});
  const auto train = all.subset(parts[0]), test = all.subset(parts[1]);
  std::cout << train.x.shape() << " train, " << test.x.shape() << " test, labels";
  for (const auto& name : records.classes) std::cout << ' ' << name;
  std::cout << '\n';

  double loss[2] = {}, auroc[2] = {};  // means over the seeds, of random and of pretrained weights
  bool learnt = true;
  for (const std::uint64_t seed : {1U, 2U, 3U})
    for (const bool pretrained : {false, true}) {
      cordis::seed(seed);
      cordis::ResNet1d18 net({.leads = records.leads, .classes = 5, .width = 16});
      if (pretrained) cordis::load(net, weights);  // strict: every key and shape has to fit
      net.fc2 = cordis::Linear(512, K);  // a new head for the new labels; every layer stays trainable

      cordis::Adam adam(net, {.lr = 1e-3});
      std::cout << "seed " << seed << (pretrained ? ", pretrained:" : ", random:    ");
      double first = 0, last = 0;
      for (int epoch = 1; epoch <= 6; ++epoch) {
        last = cordis::train_epoch(net, adam, train, {.batch = 32, .seed = seed, .epoch = epoch});
        if (epoch == 1) first = last;
        std::cout << ' ' << last;
      }
      learnt = learnt && last < first;
      const cordis::Scorer score(cordis::probabilities(cordis::evaluate(net, test, 64).logits), test.y);
      std::cout << ", test AUROC " << score(cordis::Metric::auroc) << '\n';
      loss[pretrained] += last / 3;
      auroc[pretrained] += score(cordis::Metric::auroc) / 3;
    }
  std::cout << "means: training loss " << loss[0] << " from random and " << loss[1]
            << " from pretrained weights, test AUROC " << auroc[0] << " and " << auroc[1] << '\n';
  return learnt ? 0 : 1;
}
