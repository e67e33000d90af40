// tests/op/batch_norm_gather_test.cpp: a batch whose rows lie with several threads is normalised as one
#include <doctest/doctest.h>

#include <barrier>
#include <cordis/core/random.hpp>
#include <cordis/op/batch_norm.hpp>
#include <thread>

#include "refusal.hpp"

using namespace cordis;

namespace {

// What `of` threads that stand for processes hand each other.
class Meeting {
 public:
  explicit Meeting(std::int64_t of) : brought_(static_cast<std::size_t>(of)), barrier_(of) {}
  BatchNormGather gather(std::size_t who) {
    return [this, who](const Tensor& own) {
      brought_[who] = own;
      barrier_.arrive_and_wait();
      Tensor all({std::ssize(brought_), own.size(0), own.size(1)}, own.dtype());
      for (std::int64_t i = 0; i < std::ssize(brought_); ++i)
        all.rows(i, i + 1).reshaped(own.shape()).copy_from(brought_[static_cast<std::size_t>(i)]);
      barrier_.arrive_and_wait();
      return all;
    };
  }

 private:
  Tensors brought_;
  std::barrier<> barrier_;
};

struct Case {
  Tensor x, residual, dy;                  // (N, L, C)
  Tensor w, b, running_mean, running_var;  // (C,)
};
struct Result {
  Tensor y, dx, dresidual, dw, db, running_mean, running_var;
};

Result run(const Case& on, bool relu, const BatchNormGather& gather) {
  const Variable x(on.x, true), w(on.w, true), b(on.b, true), residual(on.residual, on.residual.defined());
  const Tensor mean = on.running_mean.clone(), var = on.running_var.clone();
  const Variable y =
      batch_norm(x, w, b, mean, var, {.momentum = 0.3, .eps = 1e-3, .relu = relu, .gather = gather},
                 on.residual.defined() ? residual : Variable());
  backward({y}, {on.dy});
  return {y.value(), x.grad(), on.residual.defined() ? residual.grad() : Tensor{}, w.grad(), b.grad(),
          mean,      var};
}

double apart(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double error = std::abs(a.data<double>()[i] - b.data<double>()[i]);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

}  // namespace

TEST_CASE(
    "batch_norm over several processes: forward, gradients and running statistics are the whole batch's") {
  const std::int64_t C = 5, L = 4;
  for (const bool relu : {false, true})
    for (const bool add : {false, true})
      for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{7}, {3, 4}, {1, 5, 2}}) {
        CAPTURE(relu);
        CAPTURE(add);
        CAPTURE(rows.size());
        const std::int64_t N = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
        Generator generator(1);
        const auto random = [&](const Shape& shape, double low, double high) {
          Tensor t(shape, DType::f64);
          return fill_uniform(t, low, high, generator);
        };
        const Case whole{random({N, L, C}, 10, 14), add ? random({N, L, C}, -1, 1) : Tensor{},
                         random({N, L, C}, -1, 1),  random({C}, 0.5, 2),
                         random({C}, -1, 1),        random({C}, -1, 1),
                         random({C}, 1, 2)};
        const Result expected = run(whole, relu, {});
        Meeting meeting(std::ssize(rows));
        std::vector<Result> parts(rows.size());
        std::vector<std::thread> threads;
        std::int64_t begin = 0;
        std::vector<std::int64_t> begins;
        for (std::size_t who = 0; who < rows.size(); ++who) {
          begins.push_back(begin);
          Case part = whole;
          const auto cut = [&](Tensor& t) {
            if (t.defined()) t = t.rows(begin, begin + rows[who]).clone();
          };
          cut(part.x), cut(part.residual), cut(part.dy);
          begin += rows[who];
          threads.emplace_back([&, part, who] { parts[who] = run(part, relu, meeting.gather(who)); });
        }
        for (auto& thread : threads) thread.join();
        Tensor dw = zeros({C}, DType::f64), db = zeros({C}, DType::f64);
        for (std::size_t who = 0; who < rows.size(); ++who) {
          const auto& part = parts[who];
          const auto of = [&](const Tensor& t) { return t.rows(begins[who], begins[who] + rows[who]); };
          CHECK(apart(part.y, of(expected.y)) < 1e-13);
          CHECK(apart(part.dx, of(expected.dx)) < 1e-13);
          if (add) CHECK(apart(part.dresidual, of(expected.dresidual)) == 0);
          CHECK(apart(part.running_mean, expected.running_mean) < 1e-13);
          CHECK(apart(part.running_var, expected.running_var) < 1e-13);
          accumulate(Cpu{}, dw, part.dw);
          accumulate(Cpu{}, db, part.db);
        }
        CHECK(apart(dw, expected.dw) < 1e-12);
        CHECK(apart(db, expected.db) < 1e-12);
      }
}

TEST_CASE("batch_norm over several processes: one value per channel here is enough, one in all is not") {
  const auto one = [](const BatchNormGather& gather) {
    batch_norm(Variable(ones({1, 3}, DType::f64)), {}, {}, {}, {}, {.gather = gather});
  };
  CHECK(says(refusal([&] {
               one([](const Tensor& own) { return own.reshaped({1, own.size(0), own.size(1)}); });
             }),
             {"[batch_norm] x has shape (1, 3) here", "all 1 values", "more than one"}));
  one([](const Tensor& own) {
    Tensor two({2, own.size(0), own.size(1)}, own.dtype());
    for (const std::int64_t i : {0, 1}) two.rows(i, i + 1).reshaped(own.shape()).copy_from(own);
    return two;
  });
}
