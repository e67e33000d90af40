// bench/op/conv1d_bench.cpp: conv1d and both its gradients at the shapes of ResNet1d18 and ResNet1d50, f32
#include <cordis/op/conv1d.hpp>

#include "op_bench.hpp"

namespace {

using namespace cordis;

// Arguments: N, L, C_in, C_out, K, stride.
struct Convolution {
  Variable x, w;
  Conv1dOptions options;
  bench::Work work;

  explicit Convolution(const benchmark::State& state)
      : x(bench::leaf({state.range(0), state.range(1), state.range(2)})),
        w(bench::leaf({state.range(3), state.range(2), state.range(4)})),
        options{.stride = state.range(5), .padding = state.range(4) / 2} {
    const Tensor y = conv1d(x, w, {}, options).value();
    work.flop = 2.0 * static_cast<double>(y.numel() * w.value().numel() / w.size(0));
    work.bytes = bench::bytes({x.value(), w.value(), y});
  }
};

void conv1d_forward(benchmark::State& state) {
  const Convolution c(state);
  bench::measure_forward(state, c.work, [&] { return conv1d(c.x, c.w, {}, c.options); });
}
void conv1d_backward_data(benchmark::State& state) {
  const Convolution c(state);
  bench::measure_backward(state, c.work, conv1d(c.x, c.w.detach(), {}, c.options));
}
void conv1d_backward_weight(benchmark::State& state) {
  const Convolution c(state);
  bench::measure_backward(state, c.work, conv1d(c.x.detach(), c.w, {}, c.options));
}

struct Shape1d {
  std::int64_t L, C_in, C_out, K, stride;
};
constexpr Shape1d kShapes[] = {
    {1000, 12, 64, 7, 2},                                                  // the stem of both
    {250, 64, 64, 3, 1},   {250, 64, 128, 3, 2},   {125, 128, 128, 3, 1},  // ResNet1d18; k3 s1 of both
    {125, 128, 256, 3, 2}, {63, 256, 256, 3, 1},   {63, 256, 512, 3, 2},   {32, 512, 512, 3, 1},
    {250, 64, 128, 1, 2},  {125, 128, 256, 1, 2},  {63, 256, 512, 1, 2},  // its shortcuts
    {250, 64, 64, 1, 1},   {250, 64, 256, 1, 1},   {250, 256, 64, 1, 1},  // ResNet1d50
    {250, 256, 128, 1, 1}, {250, 128, 128, 3, 2},  {125, 128, 512, 1, 1},  {125, 512, 128, 1, 1},
    {125, 512, 256, 1, 1}, {125, 256, 256, 3, 2},  {63, 256, 1024, 1, 1},  {63, 1024, 256, 1, 1},
    {63, 1024, 512, 1, 1}, {63, 512, 512, 3, 2},   {32, 512, 2048, 1, 1},  {32, 2048, 512, 1, 1},
    {250, 256, 512, 1, 2}, {125, 512, 1024, 1, 2}, {63, 1024, 2048, 1, 2},  // its shortcuts
};

void shapes(benchmark::internal::Benchmark* each, std::int64_t batch) {
  bench::milliseconds(each);
  each->ArgNames({"N", "L", "C_in", "C_out", "K", "stride"});
  for (const auto& s : kShapes) each->Args({batch, s.L, s.C_in, s.C_out, s.K, s.stride});
}
void training(benchmark::internal::Benchmark* each) { shapes(each, 32); }
void single(benchmark::internal::Benchmark* each) { shapes(each, 1); }

BENCHMARK(conv1d_forward)->Apply(training)->Apply(single);
BENCHMARK(conv1d_backward_data)->Apply(training);
BENCHMARK(conv1d_backward_weight)->Apply(training);

}  // namespace
