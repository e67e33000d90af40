// examples/03_own_op.cpp: an op and a layer of one's own, their gradients proved by differences
#include <cmath>
#include <cordis/cordis.hpp>
#include <iostream>

using cordis::Tensor;
using cordis::Variable;

// swish(x) = x s(x), s the logistic function; its derivative is s (1 + x (1 - s)). An op computes its output
// and records how the gradient of that becomes the gradient of its inputs. `slip` forgets a term.
Variable swish(const Variable& x, bool slip = false) {
  CORDIS_CHECK(x.device() == cordis::Device::cpu(), "[swish] x lives on ", x.device(), ", the CPU is needed");
  const auto each = [](const Tensor& out, const Tensor& in, auto&& f) {
    cordis::dispatch_float(in.dtype(), "swish", [&]<class T>() {
      cordis::parallel_for(in.numel(), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t i = begin; i < end; ++i) {
          const T v = in.data<T>()[i], s = 1 / (1 + std::exp(-v));
          out.data<T>()[i] = f(v, s, i);
        }
      });
    });
  };
  const Tensor y = cordis::empty_like(x.value());
  each(y, x.value(), [](auto v, auto s, auto) { return v * s; });
  return cordis::record("swish", y, {x}, [each, slip, x = x.value()](const Tensor& dy) {
    const Tensor dx = cordis::empty_like(x);
    each(dx, x, [&]<class T>(T v, T s, std::int64_t i) {
      return dy.data<T>()[i] * s * (slip ? 1 : 1 + v * (1 - s));
    });
    return cordis::Tensors{dx};
  });
}

// A layer is a struct that names its members once: each channel is scaled by a gate that sees the whole
// record (Hu et al. 2018). x: (N, L, C) -> (N, L, C).
struct Gate {
  cordis::Linear fc;
  explicit Gate(std::int64_t channels) : fc(channels, channels) {}
  static void visit(auto& m, auto&& f) { f("fc", m.fc); }

  Variable operator()(const Variable& x) const {
    const Variable gate = cordis::sigmoid(fc(cordis::global_avg_pool1d(x)));  // (N, C)
    return x * cordis::reshape(gate, {x.size(0), 1, x.size(2)});
  }
};

int main() {
  Tensor x({2, 5, 3}, cordis::DType::f64);
  cordis::fill_normal(x, 0, 2);
  const auto op = cordis::gradcheck([](const auto& in) { return swish(in[0]); }, {x});
  const auto wrong = cordis::gradcheck([](const auto& in) { return swish(in[0], true); }, {x});

  Gate gate(3);
  cordis::to(gate, cordis::DType::f64);
  std::cout << cordis::count_parameters(gate) << " parameters: " << cordis::named_parameters(gate)[0].name
            << ", " << cordis::named_parameters(gate)[1].name << '\n';
  const auto run = [&](const auto& in) { return gate.fc.weight = in[1], gate.fc.bias = in[2], gate(in[0]); };
  const auto layer = cordis::gradcheck(run, {x, gate.fc.weight.value(), gate.fc.bias.value()});

  std::cout << "swish: worst error " << op.worst << (op ? ", proved\n" : ", NOT its gradient\n")
            << "gate:  worst error " << layer.worst << (layer ? ", proved\n" : ", NOT its gradient\n")
            << "swish with a slip: " << wrong.message << '\n';
  return op && layer && !wrong ? 0 : 1;
}
