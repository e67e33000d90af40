// examples/04_resnet1d.cpp: trains a ResNet on real ECGs, scores it on records it has not seen, and saves it
//   04_resnet1d [FOLDER [WEIGHTS]]
#include <cordis/cordis.hpp>
#include <cordis/ecg/load.hpp>
#include <cordis/ecg/sources.hpp>
#include <iostream>

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : "examples/data/ptb-xl-mini";
  const std::string weights = argc > 2 ? argv[2] : "resnet1d18.safetensors";

  // 10 s at 100 Hz of the twelve leads, each z-scored: x (N, 1000, 12), y (N, classes) of 0 and 1.
  auto records =
      cordis::ecg::load(cordis::ecg::open_source(folder),
                        {.preprocess = {.band_pass = true, .scaling = cordis::ecg::Scaling::z_score}});
  const std::int64_t K = std::ssize(records.classes);
  const cordis::TensorDataset all{
      cordis::Tensor::of({records.size, records.length, records.leads}, records.samples),
      cordis::Tensor::of({records.size, K}, records.labels)};

  // A quarter for testing, with the same share of each class, and no patient in both parts.
  std::vector<std::string> patients;
  for (const auto& record : records.records) patients.push_back(record.patient);
  const std::int64_t tests = records.size / 4;
  const auto parts = cordis::partition({records.size - tests, tests}, {.labels = all.y, .groups = patients});
  const auto train = all.subset(parts[0]), test = all.subset(parts[1]);
  std::cout << train.x.shape() << " train, " << test.x.shape() << " test\n";

  // A quarter of ResNet1d18's width, so that this takes seconds.
  cordis::seed(1);
  cordis::ResNet1d18 net({.leads = records.leads, .classes = K, .width = 16});
  std::cout << cordis::count_parameters(net) << " parameters\n";

  cordis::Adam adam(net, {.lr = 2e-3});
  double first = 0, loss = 0;
  for (int epoch = 1; epoch <= 8; ++epoch) {
    loss = cordis::train_epoch(net, adam, train, {.batch = 32, .seed = 1, .epoch = epoch});
    if (epoch == 1) first = loss;
    std::cout << "epoch " << epoch << ": loss " << loss << '\n';
  }

  const auto result = cordis::evaluate(net, test, 64);
  const cordis::Scorer score(cordis::probabilities(result.logits), test.y);
  for (std::size_t k = 0; k < records.classes.size(); ++k)
    std::cout << "  AUROC of " << records.classes[k] << ": " << score.auroc(k) << ", "
              << score.positives(k, score.once()) << " of " << score.records() << " have it\n";
  const double auroc = score(cordis::Metric::auroc);
  std::cout << "test: loss " << result.loss << ", macro AUROC " << auroc << '\n';

  std::string names;  // in the order of the logits, for whoever reads the file
  for (const auto& name : records.classes) names += name + ' ';
  cordis::save(net, weights, {{"classes", names}});
  std::cout << "saved: " << weights << '\n';
  return loss < first && auroc > 0.6 ? 0 : 1;
}
