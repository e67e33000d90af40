// tests/interop/round_trip.cpp: Cordis's half of round_trip.py
//   round_trip MODEL CLASSES WEIGHTS|fresh X OUT SAVED
// Loads the network's weights strictly (or draws them), applies it in evaluation mode to x (N, 1000, 12) of
// the file X, writes y to OUT and the weights to SAVED; all are safetensors files.
#include <cordis/cordis.hpp>
#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  using namespace cordis;
  if (argc != 7) return 2;
  try {
    seed(7);
    AnyModel net = make_model(argv[1], {.classes = std::stoll(argv[2])});
    if (std::string(argv[3]) != "fresh") load(net, argv[3]);
    eval(net);
    const NoGrad off;
    const Tensor x = read_safetensors(argv[4]).tensors.at(0).tensor;
    write_safetensors(argv[5], {{"y", net(x).value()}});
    save(net, argv[6]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "round_trip: %s\n", error.what());
    return 1;
  }
  return 0;
}
