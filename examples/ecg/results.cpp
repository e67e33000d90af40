// examples/ecg/results.cpp: a comparison as CSV, JSON, console table and sentences
#include "results.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "console.hpp"

namespace app {
namespace {

using cordis::concat;
using cordis::Interval;
using cordis::kMetrics;
using cordis::Metric;
using cordis::Spread;
using cordis::ecg::Convergence;
using cordis::ecg::exact;
using cordis::ecg::Moment;
using cordis::ecg::name_of;

Json number(double value) { return std::isnan(value) ? Json() : Json(value); }
Json json_of(const Spread& s) {
  return {{"mean", number(s.mean)}, {"deviation", number(s.deviation)}, {"count", s.count}};
}

const char* decision(int decided) {
  return decided > 0 ? "pretrained better" : decided < 0 ? "random better" : "not decided";
}

// The contrast that the verdict rests on: validation-selected where there is validation, else the last epoch.
const Contrast* final_contrast(const Comparison& comparison, const std::string& model, int size,
                               Metric metric) {
  const auto* chosen = find(comparison, model, size, Moment::selected, metric);
  return chosen ? chosen : find(comparison, model, size, Moment::last, metric);
}

std::string epochs_text(int epochs) { return epochs > 0 ? std::to_string(epochs) : "never"; }

// Display width: continuation bytes of UTF-8 take no column.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string results_csv(const Comparison& comparison) {
  std::string text =
      "model,train_records,moment,metric,floor,pretrained_mean,pretrained_sd,random_mean,random_sd,"
      "difference,ci_low,ci_high,runs,decision\n";
  for (const auto& c : comparison.contrasts)
    text +=
        concat(c.model, ',', c.size, ',', name_of(c.moment), ',', name_of(c.metric), ',', exact(c.floor), ',',
               exact(c.pretrained.mean), ',', exact(c.pretrained.deviation), ',', exact(c.random.mean), ',',
               exact(c.random.deviation), ',', exact(c.difference.mean), ',', exact(c.difference.low), ',',
               exact(c.difference.high), ',', c.random.count, ',', decision(c.decided()), '\n');
  return text;
}

std::string classes_csv(const Comparison& comparison, const std::vector<std::string>& classes) {
  std::string text =
      "model,train_records,moment,metric,class,pretrained_mean,pretrained_sd,random_mean,random_sd\n";
  for (const auto& c : comparison.contrasts) {
    if (c.metric == Metric::f1_macro) continue;
    for (std::size_t k = 0; k < classes.size(); ++k)
      text += concat(c.model, ',', c.size, ',', name_of(c.moment), ',',
                     c.metric == Metric::auroc ? "auroc" : "f1", ',', cordis::ecg::csv_field(classes[k]), ',',
                     exact(c.class_pretrained[k].mean), ',', exact(c.class_pretrained[k].deviation), ',',
                     exact(c.class_random[k].mean), ',', exact(c.class_random[k].deviation), '\n');
  }
  return text;
}

std::string convergence_csv(const Comparison& comparison) {
  std::string text = "model,train_records,fold,seed,metric,random_best,random_epochs,pretrained_epochs\n";
  for (const auto& c : comparison.convergence)
    text += concat(c.model, ',', c.size, ',', c.fold, ',', c.seed, ',', name_of(c.metric), ',',
                   exact(c.target), ',', c.random_epochs, ',',
                   c.pretrained_epochs ? std::to_string(c.pretrained_epochs) : "", '\n');
  return text;
}

Json results_json(const Comparison& comparison, const std::vector<std::string>& classes) {
  Json out;
  out["classes"] = classes;
  for (const auto& [model, size] : groups_of(comparison)) {
    Json group = {{"model", model}, {"train_records", size}};
    const Verdict v = verdict(comparison, model, size);
    group["verdict"] = {{"answer", v.answer}, {"reasons", v.reasons}};
    for (const auto& c : comparison.contrasts) {
      if (c.model != model || c.size != size) continue;
      Json& at = group["scores"][name_of(c.moment)][name_of(c.metric)];
      at = {{"floor", number(c.floor)}, {"pretrained", json_of(c.pretrained)}, {"random", json_of(c.random)}};
      at["difference"] = {{"mean", number(c.difference.mean)},
                          {"ci95", {number(c.difference.low), number(c.difference.high)}},
                          {"resamples", c.difference.resamples},
                          {"decision", decision(c.decided())}};
      if (c.metric == Metric::f1_macro) continue;
      for (std::size_t k = 0; k < classes.size(); ++k)
        at["classes"][classes[k]] = {{"pretrained", json_of(c.class_pretrained[k])},
                                     {"random", json_of(c.class_random[k])}};
    }
    for (const auto& c : comparison.convergence)
      if (c.model == model && c.size == size)
        group["convergence"].push_back(
            {{"fold", c.fold},
             {"seed", c.seed},
             {"metric", name_of(c.metric)},
             {"random_best", number(c.target)},
             {"random_epochs", c.random_epochs},
             {"pretrained_epochs", c.pretrained_epochs ? Json(c.pretrained_epochs) : Json()}});
    out["results"].push_back(std::move(group));
  }
  return out;
}

std::vector<std::pair<std::string, int>> groups_of(const Comparison& comparison) {
  std::vector<std::pair<std::string, int>> groups;
  for (const auto& c : comparison.contrasts)
    if (const std::pair<std::string, int> group{c.model, c.size};
        std::ranges::find(groups, group) == groups.end())
      groups.push_back(group);
  return groups;
}

std::string plus_minus(const Spread& spread, int digits) {
  return fixed(spread.mean, digits) +
         (std::isnan(spread.deviation) ? "" : " ± " + fixed(spread.deviation, digits));
}

std::string signed_text(double value, int digits) {
  if (std::isnan(value)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%+.*f", digits, value);
  return text;
}

std::string interval_text(const Interval& interval, int digits) {
  if (std::isnan(interval.low)) return signed_text(interval.mean, digits) + " [no interval]";
  return signed_text(interval.mean, digits) + " [" + signed_text(interval.low, digits) + ", " +
         signed_text(interval.high, digits) + "]";
}

const char* title_of(Moment moment) {
  switch (moment) {
    case Moment::first:
      return "after the first epoch";
    case Moment::selected:
      return "validation-selected";
    case Moment::last:
      return "last epoch";
    case Moment::best:
      return "best on test (optimistic)";
  }
  return "";
}

const char* title_of(Metric metric) {
  switch (metric) {
    case Metric::auroc:
      return "macro AUROC";
    case Metric::f1_weighted:
      return "weighted F1";
    case Metric::f1_macro:
      return "macro F1";
    case Metric::average_precision:
      return "average precision";
  }
  return "?";
}

std::string results_table(const Comparison& comparison, const std::string& model, int size) {
  std::vector<std::vector<std::string>> rows = {
      {"", "", "floor", "pretrained", "random", "difference, 95 % interval"}};
  for (const auto& c : comparison.contrasts)
    if (c.model == model && c.size == size)
      rows.push_back({title_of(c.moment), title_of(c.metric), fixed(c.floor, 3), plus_minus(c.pretrained),
                      plus_minus(c.random), interval_text(c.difference)});
  std::vector<std::size_t> width(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], columns_of(row[i]));
  std::string text, before;
  for (auto& row : rows) {
    const std::string first = row[0];
    if (first == before) row[0].clear();  // a moment is named once
    before = first;
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += ' ' + row[i] + std::string(width[i] - columns_of(row[i]) + 1, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

Verdict verdict(const Comparison& comparison, const std::string& model, int size) {
  Verdict out{.model = model, .size = size, .answer = {}, .reasons = {}};
  const Contrast* f1 = final_contrast(comparison, model, size, Metric::f1_weighted);
  const Contrast* auroc = final_contrast(comparison, model, size, Metric::auroc);
  if (!f1 || !auroc) {
    out.answer = "not decided: there are no scores";
    return out;
  }
  const std::string when =
      auroc->moment == Moment::selected ? "at the epoch that validation chose" : "after the last epoch";
  const int a = auroc->decided(), f = f1->decided();
  if (a == 0 && f == 0)
    out.answer = "not decided: neither difference is distinguishable from none";
  else if (a >= 0 && f >= 0)
    out.answer =
        a && f ? "pretrained weights are better, by both measures"
               : concat("pretrained weights are better by ", a ? "macro AUROC" : "weighted F1", " alone");
  else if (a <= 0 && f <= 0)
    out.answer = a && f
                     ? "random weights are better, by both measures"
                     : concat("random weights are better by ", a ? "macro AUROC" : "weighted F1", " alone");
  else
    out.answer = "not decided: the two measures contradict each other";
  for (const Contrast* c : {auroc, f1})
    out.reasons.push_back(concat(title_of(c->metric), ' ', when, ": pretrained ", plus_minus(c->pretrained),
                                 ", random ", plus_minus(c->random), ", difference ",
                                 interval_text(c->difference), ": ", decision(c->decided()), '.'));
  if (const auto* c = find(comparison, model, size, Moment::first, Metric::auroc))
    out.reasons.push_back(concat("After the first epoch: pretrained ", plus_minus(c->pretrained), ", random ",
                                 plus_minus(c->random), " macro AUROC, difference ",
                                 interval_text(c->difference), ": ", decision(c->decided()), '.'));
  std::vector<std::string> random, pretrained;
  int faster = 0, runs = 0;
  for (const auto& c : comparison.convergence)
    if (c.model == model && c.size == size && c.metric == Metric::auroc) {
      random.push_back(epochs_text(c.random_epochs));
      pretrained.push_back(epochs_text(c.pretrained_epochs));
      faster += c.pretrained_epochs > 0 && c.pretrained_epochs < c.random_epochs;
      ++runs;
    }
  if (runs > 0)
    out.reasons.push_back(concat("Epochs to the random run's best macro AUROC on test: random ",
                                 cordis::ecg::join(random), "; pretrained ", cordis::ecg::join(pretrained),
                                 " (sooner in ", faster, " of ", runs, " runs)."));
  if (auroc->floor > 0 && f1->random.mean <= f1->floor && f1->pretrained.mean <= f1->floor)
    out.reasons.push_back(concat(
        "Both weighted F1 stay at or below the floor of ", fixed(f1->floor, 3),
        ", which a net reaches that says yes to everything: neither has learnt to use the threshold."));
  if (auroc->random.count == 1)
    out.reasons.push_back("One seed only: the interval speaks of the test records, not of other seeds.");
  return out;
}

}  // namespace app
