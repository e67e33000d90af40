// bench/libtorch/fine_tune_torch.cpp: fine_tune_cordis.cpp in LibTorch, which has no ResNet of its own
//   fine_tune_torch WEIGHTS RECORDS STEPS
// ResNet1d18 from a file's weights, with a new head of 7 classes: Adam steps over the records in batches
// of 32. Prints "ready" once all is read, then the loss of each step.
#include <torch/torch.h>

#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>

using torch::Tensor;
namespace nn = torch::nn;

nn::Conv1d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return nn::Conv1d(nn::Conv1dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

struct BlockImpl : nn::Module {
  nn::Conv1d conv1, conv2;
  nn::BatchNorm1d bn1, bn2;
  nn::Sequential downsample;

  BlockImpl(int64_t in, int64_t width, int64_t stride)
      : conv1(register_module("conv1", conv(in, width, 3, stride))),
        conv2(register_module("conv2", conv(width, width, 3, 1))),
        bn1(register_module("bn1", nn::BatchNorm1d(width))),
        bn2(register_module("bn2", nn::BatchNorm1d(width))) {
    if (stride != 1 || in != width)
      downsample =
          register_module("downsample", nn::Sequential(conv(in, width, 1, stride), nn::BatchNorm1d(width)));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(y + (downsample->is_empty() ? x : downsample->forward(x)));
  }
};
TORCH_MODULE(Block);

struct ResNet1d18 : nn::Module {
  nn::Conv1d conv1 = register_module("conv1", conv(12, 64, 7, 2));
  nn::BatchNorm1d bn1 = register_module("bn1", nn::BatchNorm1d(64));
  nn::Sequential layers[4];
  nn::Linear fc1 = register_module("fc1", nn::Linear(512, 512));
  nn::Linear fc2 = register_module("fc2", nn::Linear(512, 7));

  ResNet1d18() {
    for (int64_t stage = 0, in = 64; stage < 4; ++stage) {
      const int64_t width = 64 << stage;
      layers[stage] =
          register_module("layer" + std::to_string(stage + 1),
                          nn::Sequential(Block(in, width, stage ? 2 : 1), Block(width, width, 1)));
      in = width;
    }
  }
  Tensor forward(const Tensor& x) {
    Tensor y = torch::max_pool1d(torch::relu(bn1(conv1(x))), 3, 2, 1);
    for (auto& layer : layers) y = layer->forward(y);
    return fc2(torch::relu(fc1(y.mean(2))));
  }
};

// What torch.save keeps of a dict of tensors.
c10::impl::GenericDict read(const char* file) {
  std::ifstream in(file, std::ios::binary);
  return torch::pickle_load({std::istreambuf_iterator<char>(in), {}}).toGenericDict();
}

int main(int count, char** arguments) {
  if (count != 4) return 2;
  ResNet1d18 net;
  auto weights = read(arguments[1]), records = read(arguments[2]);
  {
    const torch::NoGradGuard off;
    const auto take = [&](const auto& named) {
      for (const auto& item : named)
        item.value().copy_((item.key().starts_with("fc2.") ? records : weights).at(item.key()).toTensor());
    };
    take(net.named_parameters()), take(net.named_buffers());
  }
  const Tensor x = records.at("x").toTensor(), y = records.at("y").toTensor();
  std::cout << "ready" << std::endl << std::setprecision(9);
  torch::optim::Adam adam(net.parameters(), torch::optim::AdamOptions(1e-4));
  for (int64_t step = 0; step < std::stoll(arguments[3]); ++step) {
    const int64_t begin = 32 * step % x.size(0);
    adam.zero_grad();
    const Tensor loss = torch::binary_cross_entropy_with_logits(net.forward(x.slice(0, begin, begin + 32)),
                                                                y.slice(0, begin, begin + 32));
    loss.backward();
    adam.step();
    std::cout << loss.item<float>() << std::endl;
  }
}
