// cordis/op/loss.hpp: binary and categorical cross-entropy on logits
// Kernels: cordis/cpu/loss.hpp.
#pragma once

#include <cordis/autograd/variable.hpp>
#include <cordis/cuda/loss.hpp>
#ifdef CORDIS_COMPILED
#include <cordis/compiled/loss.hpp>
#else
#include <cordis/cpu/loss.hpp>
#endif

namespace cordis::inline CORDIS_ABI {

// Of bce_with_logits.
struct BceWithLogitsOptions {
  Tensor pos_weight{};  // (K,) or undefined: weight of the positive term of each class
  Reduction reduction = Reduction::mean;
};

// Binary cross-entropy, for each class by itself.
// -[p y log s(x) + (1 - y) log(1 - s(x))], s the logistic function, p = pos_weight; the numerically safe
// form. x: logits, y: targets in [0, 1], both (..., K). Mean over all elements, as PyTorch's
// BCEWithLogitsLoss.
inline Variable bce_with_logits(const Variable& x, const Variable& y,
                                const BceWithLogitsOptions& options = {}) {
  CORDIS_CHECK(x.shape() == y.shape(), "[bce_with_logits] logits have shape ", x.shape(), ", targets ",
               y.shape());
  CORDIS_CHECK(x.dtype() == y.dtype(), "[bce_with_logits] logits are ", x.dtype(), ", targets ", y.dtype());
  CORDIS_CHECK(!y.requires_grad(),
               "[bce_with_logits] targets require a gradient, which this loss does not give");
  const Tensor& p = options.pos_weight;
  CORDIS_CHECK(
      !p.defined() || (x.value().rank() > 0 && p.shape() == Shape{x.size(-1)} && p.dtype() == x.dtype()),
      "[bce_with_logits] pos_weight is ", p.dtype(), ' ', p.shape(), " for ", x.dtype(), " logits ",
      x.shape());
  check_device("bce_with_logits", x, y, p);
  Tensor loss(options.reduction == Reduction::none ? x.shape() : Shape{}, x.dtype(), x.device());
  on(x.device(),
     [&](auto device) { bce_with_logits_forward(device, loss, x.value(), y.value(), p, options.reduction); });
  return record("bce_with_logits", loss, {x},
                [x = x.value(), y = y.value(), p, reduction = options.reduction](const Tensor& dy) {
                  Tensor dx = empty_like(x);
                  on(x.device(),
                     [&](auto device) { bce_with_logits_backward(device, dx, dy, x, y, p, reduction); });
                  return Tensors{dx};
                });
}

// Of cross_entropy.
struct CrossEntropyOptions {
  Tensor weight{};                   // (K,) or undefined
  std::int64_t ignore_index = -100;  // targets of this value count nowhere
  double label_smoothing = 0;        // share of the target spread evenly over the classes
  Reduction reduction = Reduction::mean;
};

// -log softmax(x)[y]. x: logits (N, K); y: class indices (N,) i64. The mean divides by the summed weights of
// the targets, as PyTorch's CrossEntropyLoss.
inline Variable cross_entropy(const Variable& x, const Variable& y, const CrossEntropyOptions& options = {}) {
  CORDIS_CHECK(x.value().rank() == 2, "[cross_entropy] logits have shape ", x.shape(), ", (N, K) is needed");
  CORDIS_CHECK(y.dtype() == DType::i64 && y.shape() == Shape{x.size(0)}, "[cross_entropy] targets are ",
               y.dtype(), ' ', y.shape(), ", i64 (", x.size(0), ",) is needed");
  CORDIS_CHECK(options.label_smoothing >= 0 && options.label_smoothing <= 1,
               "[cross_entropy] label_smoothing ", options.label_smoothing, " is not in [0, 1]");
  const Tensor& w = options.weight;
  CORDIS_CHECK(!w.defined() || (w.shape() == Shape{x.size(1)} && w.dtype() == x.dtype()),
               "[cross_entropy] weight is ", w.dtype(), ' ', w.shape(), " for ", x.dtype(), " logits ",
               x.shape());
  check_device("cross_entropy", x, y, w);
  const std::int64_t bad = on(x.device(), [&](auto device) {
    return first_bad_target(device, y.value(), x.size(1), options.ignore_index);
  });
  CORDIS_CHECK(bad == y.size(0), "[cross_entropy] target ", y.value().rows(bad, bad + 1).item<std::int64_t>(),
               " of row ", bad, " is not in 0 .. ", x.size(1) - 1);
  const SoftTarget soft{options.ignore_index, options.label_smoothing};
  Tensor loss(options.reduction == Reduction::none ? y.shape() : Shape{}, x.dtype(), x.device());
  on(x.device(), [&](auto device) {
    cross_entropy_forward(device, loss, x.value(), y.value(), w, soft, options.reduction);
  });
  return record("cross_entropy", loss, {x},
                [x = x.value(), y = y.value(), w, soft, reduction = options.reduction](const Tensor& dy) {
                  Tensor dx = empty_like(x);
                  on(x.device(),
                     [&](auto device) { cross_entropy_backward(device, dx, dy, x, y, w, soft, reduction); });
                  return Tensors{dx};
                });
}

}  // namespace cordis::inline CORDIS_ABI
