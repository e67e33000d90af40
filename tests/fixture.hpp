// tests/fixture.hpp: stored reference numbers by key, and how far two tensors are apart
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cordis/io/safetensors.hpp>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

// One file of CORDIS_FIXTURES_DIR: Fixture("ops") reads ops.safetensors. Keys are CASE.WHAT, and a case is
// known by its CASE.options.
class Fixture {
 public:
  explicit Fixture(const std::string& name) {
    const auto file =
        cordis::read_safetensors(std::filesystem::path(CORDIS_FIXTURES_DIR) / (name + ".safetensors"));
    for (const auto& [key, tensor] : file.tensors) tensors_.emplace(key, tensor);
  }

  bool has(const std::string& key) const { return tensors_.contains(key); }
  // The stored tensor itself: clone() it before changing elements.
  const cordis::Tensor& at(const std::string& key) const {
    const auto found = tensors_.find(key);
    REQUIRE_MESSAGE(found != tensors_.end(), "the fixture has no ", key);
    return found->second;
  }
  // Undefined where the key is absent.
  cordis::Tensor find(const std::string& key) const { return has(key) ? tensors_.at(key) : cordis::Tensor{}; }

  std::vector<std::string> keys(const std::string& prefix = "") const {
    std::vector<std::string> result;
    for (auto each = tensors_.lower_bound(prefix); each != tensors_.end() && each->first.starts_with(prefix);
         ++each)
      result.push_back(each->first);
    return result;
  }
  // Names of the cases that start with prefix ("conv1d."), in alphabetical order.
  std::vector<std::string> cases(const std::string& prefix) const {
    const std::string ending = ".options";
    std::vector<std::string> result;
    for (const auto& key : keys(prefix))
      if (key.ends_with(ending)) result.push_back(key.substr(0, key.size() - ending.size()));
    return result;
  }

  std::vector<std::int64_t> options(const std::string& name) const {
    const auto values = at(name + ".options").values<std::int64_t>();
    return {values.begin(), values.end()};
  }
  std::vector<double> reals(const std::string& name) const {
    const auto values = at(name + ".reals").values<double>();
    return {values.begin(), values.end()};
  }

 private:
  std::map<std::string, cordis::Tensor> tensors_;
};

// max |a - b| / max |b| over the finite elements of b (|a - b| where b is nil throughout). Infinite where
// shapes differ, where a NaN does not meet a NaN, or an infinity not the same one.
inline double deviation(const cordis::Tensor& a, const cordis::Tensor& b) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  if (!a.defined() || !b.defined()) return a.defined() == b.defined() ? 0 : kFar;
  if (!(a.shape() == b.shape())) return kFar;
  const cordis::Tensor left = a.to(cordis::DType::f64), right = b.to(cordis::DType::f64);
  double error = 0, top = 0;
  for (std::int64_t i = 0; i < left.numel(); ++i) {
    const double x = left.data<double>()[i], y = right.data<double>()[i];
    if (std::isfinite(x) && std::isfinite(y)) {
      error = std::max(error, std::abs(x - y));
      top = std::max(top, std::abs(y));
    } else if (!(x == y || (std::isnan(x) && std::isnan(y)))) {
      return kFar;
    }
  }
  return top > 0 ? error / top : error;
}
