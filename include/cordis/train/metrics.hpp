// cordis/train/metrics.hpp: F1, AUROC and average precision of multi-label predictions
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cordis/core/tensor.hpp>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace cordis::inline CORDIS_ABI {

// What a score is where it is not defined.
inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// Over all classes: the mean of the classes' scores, for f1_weighted weighted by their positives.
enum class Metric { f1_weighted, f1_macro, auroc, average_precision };
// Those that are followed through a training.
inline constexpr std::array<Metric, 3> kMetrics = {Metric::f1_weighted, Metric::f1_macro, Metric::auroc};

// As it stands in files.
inline const char* name_of(Metric metric) {
  switch (metric) {
    case Metric::f1_weighted:
      return "f1_weighted";
    case Metric::f1_macro:
      return "f1_macro";
    case Metric::auroc:
      return "auroc";
    case Metric::average_precision:
      return "average_precision";
  }
  return "?";
}

// One set of predictions, prepared to be scored many times: with each record once, or `times[i]` times, as a
// bootstrap draws them. A class without positives has no score, one without negatives no AUROC: those are
// NaN, and left out of the means. An F1 of a class that nobody is predicted to be in is 0.
class Scorer {
 public:
  // probability, truth: row-major (records, classes). A class is said yes to above the threshold.
  // Throws where the sizes do not fit, and where a probability is NaN.
  Scorer(std::vector<float> probability, std::vector<std::uint8_t> truth, std::size_t classes,
         float threshold = 0.5F)
      : classes_(classes),
        records_(classes ? truth.size() / classes : 0),
        threshold_(threshold),
        p_(std::move(probability)),
        y_(std::move(truth)) {
    CORDIS_CHECK(classes > 0 && p_.size() == y_.size() && y_.size() % classes == 0, "[Scorer] ", p_.size(),
                 " probabilities and ", y_.size(), " labels of ", classes, " classes");
    CORDIS_CHECK(std::ranges::none_of(p_, [](float p) { return std::isnan(p); }),
                 "[Scorer] a probability is NaN");
    order_.resize(classes_ * records_);
    for (std::size_t k = 0; k < classes_; ++k) {
      const auto of_class = std::span(order_).subspan(k * records_, records_);
      std::iota(of_class.begin(), of_class.end(), 0U);
      std::ranges::stable_sort(of_class, {}, [&](std::uint32_t i) { return p_[i * classes_ + k]; });
    }
  }
  // Both (records, classes); labels above 0 are positive.
  Scorer(const Tensor& probability, const Tensor& labels)
      : Scorer(numbers(probability), positive(labels), columns(probability, labels)) {}

  std::size_t records() const { return records_; }                         // how many
  std::size_t classes() const { return classes_; }                         // how many
  std::vector<int> once() const { return std::vector<int>(records_, 1); }  // times of 1 each

  // Records of class k, each counted as often as `times` says.
  double positives(std::size_t k, const std::vector<int>& times) const {
    double sum = 0;
    for (std::size_t i = 0; i < records_; ++i) sum += y_[i * classes_ + k] ? times[i] : 0;
    return sum;
  }

  // 2 TP / (2 TP + FP + FN).
  double f1(std::size_t k, const std::vector<int>& times) const {
    double hit = 0, predicted = 0, positive = 0;
    for (std::size_t i = 0; i < records_; ++i) {
      const bool says = p_[i * classes_ + k] > threshold_, is = y_[i * classes_ + k] != 0;
      hit += says && is ? times[i] : 0;
      predicted += says ? times[i] : 0;
      positive += is ? times[i] : 0;
    }
    return positive > 0 ? 2 * hit / (predicted + positive) : kUndefined;
  }
  double f1(std::size_t k) const { return f1(k, once()); }  // each record once

  // The chance that a positive scores above a negative, ties counted half (Mann and Whitney 1947).
  double auroc(std::size_t k, const std::vector<int>& times) const {
    double negatives = 0, positives = 0, area = 0;
    each_tie(k, times, false, [&](double tied_positives, double tied_negatives) {
      area += tied_positives * (negatives + tied_negatives / 2);
      negatives += tied_negatives;
      positives += tied_positives;
    });
    return negatives > 0 && positives > 0 ? area / (negatives * positives) : kUndefined;
  }
  double auroc(std::size_t k) const { return auroc(k, once()); }  // each record once

  // Precision averaged over the steps of recall, without interpolation: scikit-learn's
  // average_precision_score.
  double average_precision(std::size_t k, const std::vector<int>& times) const {
    double negatives = 0, positives = 0, sum = 0;
    each_tie(k, times, true, [&](double tied_positives, double tied_negatives) {
      negatives += tied_negatives;
      positives += tied_positives;
      if (tied_positives > 0) sum += tied_positives * positives / (positives + negatives);
    });
    return positives > 0 ? sum / positives : kUndefined;
  }
  double average_precision(std::size_t k) const { return average_precision(k, once()); }  // each record once

  // Of one class.
  double operator()(Metric metric, std::size_t k, const std::vector<int>& times) const {
    return metric == Metric::auroc               ? auroc(k, times)
           : metric == Metric::average_precision ? average_precision(k, times)
                                                 : f1(k, times);
  }

  // Over all classes; NaN where none has a score.
  double operator()(Metric metric, const std::vector<int>& times) const {
    double sum = 0, weight = 0;
    for (std::size_t k = 0; k < classes_; ++k) {
      const double value = (*this)(metric, k, times);
      if (std::isnan(value)) continue;
      const double share = metric == Metric::f1_weighted ? positives(k, times) : 1;
      sum += share * value;
      weight += share;
    }
    return weight > 0 ? sum / weight : kUndefined;
  }
  double operator()(Metric metric) const { return (*this)(metric, once()); }  // each record once

 private:
  static std::vector<float> numbers(const Tensor& x) {
    CORDIS_CHECK(x.defined(), "[Scorer] probabilities or labels are undefined");
    const Tensor floats = x.to(DType::f32);
    return {floats.values<float>().begin(), floats.values<float>().end()};
  }
  static std::vector<std::uint8_t> positive(const Tensor& labels) {
    std::vector<std::uint8_t> truth;
    for (const float label : numbers(labels)) truth.push_back(label > 0);
    return truth;
  }
  static std::size_t columns(const Tensor& probability, const Tensor& labels) {
    CORDIS_CHECK(probability.rank() == 2 && probability.shape() == labels.shape(),
                 "[Scorer] probabilities have shape ", probability.shape(), ", labels ", labels.shape(),
                 ", (records, classes) is needed");
    return static_cast<std::size_t>(labels.size(1));
  }

  // f(positives, negatives) of each set of equal probabilities, by rising probability or by falling.
  template <class F>
  void each_tie(std::size_t k, const std::vector<int>& times, bool falling, F&& f) const {
    const auto at = [&](std::size_t i) {
      return order_[k * records_ + (falling ? records_ - 1 - i : i)] * classes_ + k;
    };
    for (std::size_t i = 0; i < records_;) {
      double tied[2] = {0, 0};
      const float score = p_[at(i)];
      for (; i < records_ && p_[at(i)] == score; ++i) tied[y_[at(i)] ? 1 : 0] += times[at(i) / classes_];
      f(tied[1], tied[0]);
    }
  }

  std::size_t classes_, records_;
  float threshold_;
  std::vector<float> p_;
  std::vector<std::uint8_t> y_;
  std::vector<std::uint32_t> order_;  // (classes, records): by rising probability
};

// The score of a net that says yes to everything: a weighted F1 below it shows that nothing was learnt.
// 0.5 for AUROC. truth: row-major (records, classes).
inline double score_floor(Metric metric, const std::vector<std::uint8_t>& truth, std::size_t classes) {
  if (metric == Metric::auroc) return 0.5;
  return Scorer(std::vector<float>(truth.size(), 1), truth, classes)(metric);
}

}  // namespace cordis::inline CORDIS_ABI
