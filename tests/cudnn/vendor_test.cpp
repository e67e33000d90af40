// tests/cudnn/vendor_test.cpp: convolutions by cuDNN and products by cuBLAS against plain loops
#include <thread>

#include "vendor_support.hpp"

namespace {

// f(index of x, of w, of y) for each product of a convolution.
template <class F>
void each_product(const vendor::Conv1dShape& s, F&& f) {
  const std::int64_t in = s.C / s.groups, out = s.O / s.groups;
  for (std::int64_t n = 0; n < s.N; ++n)
    for (std::int64_t t = 0; t < s.L_out; ++t)
      for (std::int64_t o = 0; o < s.O; ++o)
        for (std::int64_t k = 0; k < s.K; ++k) {
          const std::int64_t at = t * s.stride - s.padding + k * s.dilation;
          if (at < 0 || at >= s.L) continue;
          for (std::int64_t c = 0; c < in; ++c)
            f((n * s.L + at) * s.C + o / out * in + c, (o * s.K + k) * in + c, (n * s.L_out + t) * s.O + o);
        }
}

Tensor loop_conv1d(const vendor::Conv1dShape& s, vendor::Conv1dPass pass, const Tensor& x, const Tensor& w,
                   const Tensor& y) {
  const Tensor a = x.to(DType::f64), b = w.to(DType::f64), c = y.to(DType::f64);
  const double *X = a.data<double>(), *W = b.data<double>(), *Y = c.data<double>();
  const Tensor& written = pass == vendor::Conv1dPass::forward         ? y
                          : pass == vendor::Conv1dPass::backward_data ? x
                                                                      : w;
  Tensor result = zeros(written.shape(), DType::f64);
  double* out = result.data<double>();
  each_product(s, [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    if (pass == vendor::Conv1dPass::forward)
      out[k] += X[i] * W[j];
    else if (pass == vendor::Conv1dPass::backward_data)
      out[i] += Y[k] * W[j];
    else
      out[j] += X[i] * Y[k];
  });
  return result.to(s.dtype);
}

constexpr vendor::Conv1dPass kPasses[] = {vendor::Conv1dPass::forward, vendor::Conv1dPass::backward_data,
                                          vendor::Conv1dPass::backward_weight};

void check_conv1d(const vendor::Conv1dShape& s, double allowed) {
  const Tensor x = random_tensor({s.N, s.L, s.C}, s.dtype, 1),
               w = random_tensor({s.O, s.K, s.C / s.groups}, s.dtype, 2),
               y = random_tensor({s.N, s.L_out, s.O}, s.dtype, 3);
  const std::string text =
      concat("conv1d ", s.dtype, " N ", s.N, " L ", s.L, " C ", s.C, " O ", s.O, " K ", s.K, " stride ",
             s.stride, " padding ", s.padding, " dilation ", s.dilation, " groups ", s.groups);
  for (const auto pass : kPasses) {
    Tensor on[] = {x.to(Device::cuda()), w.to(Device::cuda()), y.to(Device::cuda())};
    Tensor& written = on[pass == vendor::Conv1dPass::forward         ? 2
                         : pass == vendor::Conv1dPass::backward_data ? 0
                                                                     : 1];
    const PoisonGuard poison;
    written = Tensor(written.shape(), s.dtype, Device::cuda());
    vendor::conv1d(kDevice, pass, s, on[0].raw(), on[1].raw(), on[2].raw());
    check_same(concat(text, ", pass ", static_cast<int>(pass)), written, loop_conv1d(s, pass, x, w, y),
               allowed);
  }
}

vendor::Conv1dShape random_conv1d(DType dtype, Generator& generator) {
  const auto below = [&](std::uint64_t most) { return static_cast<std::int64_t>(generator.below(most)); };
  vendor::Conv1dShape s{};
  s.dtype = dtype;
  s.groups = 1 + below(3);
  s.N = 1 + below(3), s.L = awkward(generator, 40);
  s.C = s.groups * (1 + below(9)), s.O = s.groups * (1 + below(9));
  s.K = 1 + below(5), s.stride = 1 + below(3), s.padding = below(4), s.dilation = 1 + below(3);
  while ((s.K - 1) * s.dilation + 1 > s.L + 2 * s.padding) --s.K;
  s.L_out = (s.L + 2 * s.padding - (s.K - 1) * s.dilation - 1) / s.stride + 1;
  return s;
}

void check_product(const vendor::Product& s, double allowed) {
  const auto matrix = [&](std::int64_t rows, std::int64_t columns, bool transpose, std::uint64_t seed) {
    return random_tensor(transpose ? Shape{columns, rows} : Shape{rows, columns}, s.dtype, seed);
  };
  const Tensor a = matrix(s.m, s.k, s.transpose_a, 1), b = matrix(s.k, s.n, s.transpose_b, 2),
               before = random_tensor({s.m, s.n}, s.dtype, 3);
  const Tensor a64 = a.to(DType::f64), b64 = b.to(DType::f64), c64 = before.to(DType::f64);
  Tensor expected({s.m, s.n}, DType::f64);
  for (std::int64_t i = 0; i < s.m; ++i)
    for (std::int64_t j = 0; j < s.n; ++j) {
      double sum = s.beta * c64.data<double>()[i * s.n + j];
      for (std::int64_t k = 0; k < s.k; ++k)
        sum += a64.data<double>()[s.transpose_a ? k * s.m + i : i * s.k + k] *
               b64.data<double>()[s.transpose_b ? j * s.k + k : k * s.n + j];
      expected.data<double>()[i * s.n + j] = sum;
    }
  const Tensor x = a.to(Device::cuda()), y = b.to(Device::cuda());
  const PoisonGuard poison;
  Tensor c = s.beta == 0 ? Tensor({s.m, s.n}, s.dtype, Device::cuda()) : before.to(Device::cuda());
  vendor::product(kDevice, s, c.raw(), x.raw(), y.raw());
  check_same(concat("product ", s.dtype, ' ', s.m, ' ', s.n, ' ', s.k, ' ', s.transpose_a, s.transpose_b, ' ',
                    s.beta),
             c, expected.to(s.dtype), allowed);
}

}  // namespace

TEST_CASE("versions") {
  CHECK(vendor::available());
  CHECK(vendor::versions().find("cuDNN 9.") == 0);
  CHECK(vendor::versions().find(", cuBLAS ") != std::string::npos);
}

TEST_CASE("conv1d in every pass against loops") {
  Generator generator(5, 1);
  for (const DType dtype : kFloats)
    for (int i = 0; i < 12; ++i) check_conv1d(random_conv1d(dtype, generator), tolerance(dtype));
  check_conv1d({DType::f32, 2, 100, 12, 64, 7, 50, 2, 3, 1, 1}, tolerance(DType::f32));
  check_conv1d({DType::f32, 2, 20, 8, 8, 3, 20, 1, 1, 1, 8}, tolerance(DType::f32));
}

TEST_CASE("conv1d of a view at an odd address") {
  const vendor::Conv1dShape s{DType::f32, 1, 7, 3, 5, 3, 7, 1, 1, 1, 1};
  const Tensor whole = random_tensor({2, 7, 3}, DType::f32, 1), w = random_tensor({5, 3, 3}, DType::f32, 2);
  const Tensor x = whole.to(Device::cuda()).rows(1, 2), filter = w.to(Device::cuda());
  Tensor y({1, 7, 5}, DType::f32, Device::cuda());
  vendor::conv1d(kDevice, vendor::Conv1dPass::forward, s, x.raw(), filter.raw(), y.raw());
  check_same("view", y,
             loop_conv1d(s, vendor::Conv1dPass::forward, whole.rows(1, 2).clone(), w, y.to(Device::cpu())),
             tolerance(DType::f32));
}

TEST_CASE("conv1d refuses what does not fit") {
  const vendor::Conv1dShape s{DType::f32, 1, 7, 3, 5, 3, 8, 1, 1, 1, 1};
  const Tensor x({1, 7, 3}, DType::f32, Device::cuda()), w({5, 3, 3}, DType::f32, Device::cuda()),
      y({1, 8, 5}, DType::f32, Device::cuda());
  CHECK_THROWS_AS(vendor::conv1d(kDevice, vendor::Conv1dPass::forward, s, x.raw(), w.raw(), y.raw()),
                  CudaError);
}

TEST_CASE("products in every orientation against loops") {
  Generator generator(6, 1);
  for (const DType dtype : kFloats)
    for (const bool a : {false, true})
      for (const bool b : {false, true})
        for (const double beta : {0.0, 1.0, 0.5})
          check_product(
              {dtype, awkward(generator, 40), awkward(generator, 40), awkward(generator, 40), a, b, beta},
              tolerance(dtype));
}

TEST_CASE("work goes into the current stream") {
  Stream stream(kDevice);
  {
    const StreamGuard guard(stream);
    check_conv1d({DType::f32, 2, 10, 4, 6, 3, 10, 1, 1, 1, 1}, tolerance(DType::f32));
    check_product({DType::f32, 5, 6, 7}, tolerance(DType::f32));
  }
  check_product({DType::f32, 5, 6, 7}, tolerance(DType::f32));
}

TEST_CASE("each thread has its handles, and passes them on when it ends") {
  for (int i = 0; i < 3; ++i)
    std::thread([] {
      check_conv1d({DType::f32, 2, 10, 4, 6, 3, 10, 1, 1, 1, 1}, tolerance(DType::f32));
      check_product({DType::f32, 5, 6, 7}, tolerance(DType::f32));
    }).join();
}

TEST_CASE("TF32 where it is allowed") {
  const AllowTf32 allowed;
  check_conv1d({DType::f32, 2, 30, 16, 24, 3, 30, 1, 1, 1, 1}, 4e-3);
  check_conv1d({DType::f64, 2, 30, 16, 24, 3, 30, 1, 1, 1, 1}, tolerance(DType::f64));
  check_product({DType::f32, 30, 20, 50}, 4e-3);
  check_product({DType::f64, 30, 20, 50}, tolerance(DType::f64));
}
