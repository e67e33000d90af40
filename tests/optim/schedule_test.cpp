// tests/optim/schedule_test.cpp: learning rates against PyTorch's, state and misuse
#include <doctest/doctest.h>

#include <cordis/optim/schedule.hpp>
#include <cordis/optim/sgd.hpp>

#include "fixture.hpp"
#include "refusal.hpp"

using namespace cordis;

namespace {

SGD optimizer_of(const std::vector<double>& rates) {
  std::vector<SGD::Group> groups;
  for (const double lr : rates) groups.push_back({{Variable(zeros({1}), true)}, {.lr = lr}});
  return SGD(groups);
}
std::vector<double> rates_of(const SGD& optimizer) {
  std::vector<double> rates;
  for (const auto& group : optimizer.groups()) rates.push_back(group.options.lr);
  return rates;
}

StepLR step_of(const double* o) {
  return StepLR({.step_size = static_cast<std::int64_t>(o[0]), .gamma = o[1]});
}
CosineAnnealingLR cosine_of(const double* o) {
  return CosineAnnealingLR({.T_max = static_cast<std::int64_t>(o[0]), .eta_min = o[1]});
}
ReduceLROnPlateau plateau_of(const double* o) {
  return ReduceLROnPlateau({.mode = o[0] != 0 ? ReduceLROnPlateau::Mode::max : ReduceLROnPlateau::Mode::min,
                            .factor = o[1],
                            .patience = static_cast<std::int64_t>(o[2]),
                            .threshold = o[3],
                            .threshold_mode = o[4] != 0 ? ReduceLROnPlateau::ThresholdMode::abs
                                                        : ReduceLROnPlateau::ThresholdMode::rel,
                            .cooldown = static_cast<std::int64_t>(o[5]),
                            .min_lr = o[6],
                            .eps = o[7]});
}

// Each stored case of `kind`, straight through, and saved and restored into new objects before each step.
// Returns the number of cases.
template <class Make>
int follow(const std::string& kind, Make make) {
  const Fixture fixture("optim");
  int cases = 0;
  for (const auto& name : fixture.cases("schedule." + kind))
    for (const bool restored : {false, true}) {
      cases += restored ? 0 : 1;
      CAPTURE(name);
      const double* options = fixture.at(name + ".options").template data<double>();
      const Tensor lr = fixture.at(name + ".lr"), metric = fixture.find(name + ".metric");
      REQUIRE(lr.size(0) == 21);
      const auto row = [&](std::int64_t step) {
        const Tensor range = lr.rows(step, step + 1);
        const auto values = range.template values<double>();
        return std::vector<double>(values.begin(), values.end());
      };
      SGD optimizer = optimizer_of(row(0));
      auto schedule = make(options);
      for (std::int64_t step = 1; step <= 20; ++step) {
        if (restored) {
          const StateDict state = schedule.state();
          schedule = make(options);
          schedule.restore(state);
        }
        if constexpr (requires { schedule.step(optimizer); })
          schedule.step(optimizer);
        else
          schedule.step(optimizer, metric.template data<double>()[step - 1]);
        const auto got = rates_of(optimizer), wanted = row(step);
        REQUIRE(got.size() == wanted.size());
        for (std::size_t g = 0; g < got.size(); ++g)
          CHECK(std::abs(got[g] - wanted[g]) <= 1e-14 * wanted[g] + 1e-18);
      }
    }
  return cases;
}

}  // namespace

TEST_CASE("schedule: StepLR as PyTorch") { CHECK(follow("step", step_of) == 3); }

TEST_CASE("schedule: CosineAnnealingLR as PyTorch, and up again past T_max") {
  CHECK(follow("cosine", cosine_of) == 3);
}

TEST_CASE("schedule: ReduceLROnPlateau as PyTorch") { CHECK(follow("plateau.", plateau_of) == 17); }

TEST_CASE("schedule: a cosine comes to eta_min after T_max epochs, to its start after twice that") {
  for (const std::int64_t half : {1, 2, 5, 30}) {
    SGD optimizer = optimizer_of({0.5, 0.25});
    CosineAnnealingLR cosine({.T_max = half, .eta_min = 0.125});
    for (int round = 0; round < 3; ++round) {
      for (std::int64_t i = 0; i < half; ++i) cosine.step(optimizer);
      for (const double rate : rates_of(optimizer)) CHECK(rate == doctest::Approx(0.125).epsilon(1e-9));
      for (std::int64_t i = 0; i < half; ++i) cosine.step(optimizer);
      CHECK(rates_of(optimizer)[0] == doctest::Approx(0.5).epsilon(1e-9));
      CHECK(rates_of(optimizer)[1] == doctest::Approx(0.25).epsilon(1e-9));
    }
  }
}

TEST_CASE("schedule: a cosine of other groups is refused") {
  CosineAnnealingLR cosine({.T_max = 3});
  SGD one = optimizer_of({0.1}), two = optimizer_of({0.1, 0.2});
  cosine.step(one);
  CHECK(says(refusal([&] { cosine.step(two); }), {"[CosineAnnealingLR] made for 1 groups", "has 2"}));
}

TEST_CASE("schedule: options out of range are refused") {
  CHECK(says(refusal([] { StepLR({.step_size = 0}); }), {"[StepLR] step_size 0", "at least 1"}));
  CHECK(says(refusal([] { CosineAnnealingLR({.T_max = 0}); }), {"[CosineAnnealingLR] T_max 0"}));
  for (const double factor : {1.0, 2.0, std::nan("")})
    CHECK(says(refusal([&] { ReduceLROnPlateau({.factor = factor}); }),
               {concat("[ReduceLROnPlateau] factor ", factor), "below 1"}));
  CHECK(says(refusal([] { ReduceLROnPlateau({.patience = -1}); }), {"patience -1", "may be negative"}));
  CHECK(says(refusal([] { ReduceLROnPlateau({.cooldown = -2}); }), {"cooldown -2"}));
}

TEST_CASE("schedule: a state that lacks an entry is refused, and changes nothing") {
  const auto check = [](auto schedule, const char* missing) {
    SGD optimizer = optimizer_of({0.5});
    const auto step = [&](auto& each) {
      if constexpr (requires { each.step(optimizer); })
        each.step(optimizer);
      else
        each.step(optimizer, 1);
    };
    step(schedule);
    const StateDict before = schedule.state();
    StateDict state;
    for (const auto& entry : before)
      if (entry.name != missing) state.push_back({entry.name, entry.tensor.clone().fill(7)});
    CHECK(says(refusal([&] { schedule.restore(state); }), {"[schedule] the state has no", missing}));
    const StateDict after = schedule.state();
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(deviation(after[i].tensor, before[i].tensor) == 0);
  };
  check(StepLR({.step_size = 2}), "epoch");
  for (const char* missing : {"epoch", "base"}) check(CosineAnnealingLR({.T_max = 4}), missing);
  for (const char* missing : {"best", "bad", "cooling"}) check(ReduceLROnPlateau({}), missing);
}
