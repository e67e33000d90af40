// cordis/ecg/experiment_compare.hpp: from finished trainings to the answer: means, differences, convergence,
// verdict
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cordis/ecg/experiment_record.hpp>
#include <cordis/train/statistics.hpp>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Which training this was. Cells differ in one thing from their partner: `pretrained`.
struct CellKey {
  std::string model;
  int size = 0;  // training records
  int fold = 0;  // of the cross-validation; 0 without one
  int seed = 0;
  bool pretrained = false;
};

// A finished training, as read from its folder.
struct CellResult {
  CellKey key;
  std::vector<EpochRow> epochs;
  std::vector<Prediction> predictions;
  TestSet test;
  std::vector<int> patients = {};  // of each test record, from 0; empty: not known
};

// At which epoch of a training a score is taken. `best` is the epoch with the highest score on the test set
// itself: the study's number, and optimistic, since the test set chose it.
enum class Moment { first, selected, last, best };
// All of them, in the order of tables.
inline constexpr std::array<Moment, 4> kContrastMoments = {Moment::first, Moment::selected, Moment::last,
                                                           Moment::best};

// As it stands in tables.
inline const char* name_of(Moment moment) {
  constexpr std::array<const char*, 4> names = {"first", "selected", "last", "best"};
  return names[static_cast<std::size_t>(moment)];
}

// The prediction kept for a moment; F1 and AUROC have their best epochs apart. Nothing where there was no
// validation part to select by.
inline const Prediction* prediction_at(const CellResult& cell, Moment moment, Metric metric) {
  std::string name = name_of(moment);
  if (moment == Moment::best) name += metric == Metric::auroc ? "_auroc" : "_f1_weighted";
  for (const auto& prediction : cell.predictions)
    if (prediction.at == name) return &prediction;
  return nullptr;
}

// One metric at one moment, both inits side by side over all seeds and folds.
struct Contrast {
  std::string model;
  int size = 0;
  Moment moment = Moment::last;
  Metric metric = Metric::auroc;
  Spread pretrained = {}, random = {};
  double floor = kUndefined;  // of a net that says yes to everything; 0.5 for AUROC
  Interval difference = {};   // pretrained − random
  // The mean over seeds and folds of each class's AUROC (metric auroc) or F1, and of their difference.
  std::vector<Spread> class_pretrained = {}, class_random = {};

  // +1 pretrained better, -1 random better, 0 not decided: the interval holds zero, or there is none.
  int decided() const { return difference.low > 0 ? 1 : difference.high < 0 ? -1 : 0; }
};

// Epochs until a training's test score first reaches the highest of its random-weights partner.
struct Convergence {
  std::string model;
  int size = 0, fold = 0, seed = 0;
  Metric metric = Metric::auroc;
  double target = kUndefined;  // the random run's best
  int random_epochs = 0;       // at which that was
  int pretrained_epochs = 0;   // 0: not within the run
};

// What comes of comparing all cells.
struct Comparison {
  std::vector<Contrast> contrasts;
  std::vector<Convergence> convergence;
};

// One metric of a set's scores; average precision is not among them.
inline double score_of(const Scores& scores, Metric metric) {
  return metric == Metric::auroc         ? scores.auroc
         : metric == Metric::f1_weighted ? scores.f1_weighted
                                         : scores.f1_macro;
}

using CellPair = std::pair<const CellResult*, const CellResult*>;  // pretrained, random

// The pairs' predictions at a moment; nothing where one was not kept.
inline std::vector<PairedScores> scored(const std::vector<CellPair>& pairs, Moment moment, Metric metric) {
  std::vector<PairedScores> out;
  for (const auto& [a, b] : pairs) {
    const Prediction *pa = prediction_at(*a, moment, metric), *pb = prediction_at(*b, moment, metric);
    if (!pa || !pb) return {};
    const std::size_t classes = a->test.classes.size();
    out.push_back({a->key.fold, a->key.seed, Scorer(pa->probability, a->test.truth, classes),
                   Scorer(pb->probability, b->test.truth, classes), a->patients});
  }
  return out;
}

// Means and deviations of both sides; the difference's interval is left to whoever draws it.
inline Contrast side_by_side(const std::vector<CellPair>& pairs, const std::vector<PairedScores>& scores,
                             Moment moment, Metric metric) {
  Contrast out{.model = pairs.at(0).first->key.model,
               .size = pairs[0].first->key.size,
               .moment = moment,
               .metric = metric};
  if (scores.empty()) return out;
  std::vector<double> pretrained, random, floors;
  const std::size_t classes = scores[0].first.classes();
  std::vector<std::vector<double>> class_pretrained(classes), class_random(classes);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    pretrained.push_back(scores[i].first(metric));
    random.push_back(scores[i].second(metric));
    floors.push_back(score_floor(metric, pairs[i].first->test.truth, classes));
    for (std::size_t k = 0; k < classes; ++k) {
      const auto of = [&](const Scorer& s) { return s(metric, k, s.once()); };
      class_pretrained[k].push_back(of(scores[i].first));
      class_random[k].push_back(of(scores[i].second));
    }
  }
  out.pretrained = spread(pretrained);
  out.random = spread(random);
  out.floor = spread(floors).mean;
  for (std::size_t k = 0; k < classes; ++k) {
    out.class_pretrained.push_back(spread(class_pretrained[k]));
    out.class_random.push_back(spread(class_random[k]));
  }
  return out;
}

// Of one pair, by one metric on the test set.
inline Convergence convergence(const CellPair& pair, Metric metric) {
  const auto& [pretrained, random] = pair;
  Convergence out{.model = random->key.model,
                  .size = random->key.size,
                  .fold = random->key.fold,
                  .seed = random->key.seed,
                  .metric = metric};
  for (const auto& row : random->epochs)
    if (const double v = score_of(row.test, metric); !std::isnan(v) && !(v <= out.target)) {
      out.target = v;
      out.random_epochs = row.epoch;
    }
  for (const auto& row : pretrained->epochs)
    if (out.pretrained_epochs == 0 && score_of(row.test, metric) >= out.target)
      out.pretrained_epochs = row.epoch;
  return out;
}

// Cells are paired by model, size, fold and seed; one without its partner throws std::invalid_argument.
inline Comparison compare(const std::vector<CellResult>& cells, int resamples, std::uint64_t seed) {
  std::vector<std::pair<std::pair<std::string, int>, std::vector<CellPair>>> groups;  // in order met
  for (const auto& cell : cells) {
    if (!cell.key.pretrained) continue;
    const auto partner = std::ranges::find_if(cells, [&](const CellResult& other) {
      return !other.key.pretrained && other.key.model == cell.key.model && other.key.size == cell.key.size &&
             other.key.fold == cell.key.fold && other.key.seed == cell.key.seed;
    });
    CORDIS_CHECK(partner != cells.end() && partner->test.records == cell.test.records, "[compare] ",
                 cell.key.model, " seed ", cell.key.seed, " has no random-weights partner on its test set");
    const std::pair<std::string, int> name{cell.key.model, cell.key.size};
    auto group = std::ranges::find_if(groups, [&](const auto& g) { return g.first == name; });
    if (group == groups.end()) group = groups.insert(group, {name, {}});
    group->second.emplace_back(&cell, &*partner);
  }
  Comparison out;
  for (const auto& [name, pairs] : groups) {
    for (const Moment moment : kContrastMoments)
      for (const Metric metric : kMetrics) {
        const auto scores = scored(pairs, moment, metric);
        auto contrast = side_by_side(pairs, scores, moment, metric);
        if (contrast.pretrained.count == 0) continue;
        contrast.difference = paired_difference(scores, metric, resamples, seed);
        out.contrasts.push_back(std::move(contrast));
      }
    for (const Metric metric : kMetrics)
      for (const auto& pair : pairs) out.convergence.push_back(convergence(pair, metric));
  }
  return out;
}

// The contrast of a network and size at a moment, by a metric; null where there is none.
inline const Contrast* find(const Comparison& comparison, const std::string& model, int size, Moment moment,
                            Metric metric) {
  for (const auto& c : comparison.contrasts)
    if (c.model == model && c.size == size && c.moment == moment && c.metric == metric) return &c;
  return nullptr;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
