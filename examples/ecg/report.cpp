// examples/ecg/report.cpp: report.html, one file that needs nothing else
#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "console.hpp"
#include "drawings.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::kUndefined;
using cordis::Metric;
using cordis::spread;
using cordis::ecg::CellResult;
using cordis::ecg::EpochRow;
using cordis::ecg::Moment;

double total(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

std::vector<const std::vector<EpochRow>*> runs_of(const CompareReport& report, const std::string& model,
                                                  int size, bool pretrained) {
  std::vector<const std::vector<EpochRow>*> runs;
  for (const auto& cell : report.cells)
    if (cell.key.model == model && cell.key.size == size && cell.key.pretrained == pretrained)
      runs.push_back(&cell.epochs);
  return runs;
}

void learning_curves(Html& html, Drawings& drawings, const CompareReport& report, const std::string& model,
                     int size) {
  const auto pretrained = runs_of(report, model, size, true), random = runs_of(report, model, size, false);
  if (pretrained.empty() || random.empty()) return;
  const auto last = static_cast<double>(random[0]->size());
  const std::string stem = concat(model, "-n", size, '-');
  const auto plot = [&](const char* name, const std::string& title, const char* y, const auto& value,
                        Metric metric, bool floor) {
    Plot p{.name = stem + name, .title = title, .x_label = "epoch", .y_label = y};
    p.from_zero = std::string_view(name) == "loss";
    add_curves(p, "random weights", Look::random, random, value);
    add_curves(p, "pretrained", Look::pretrained, pretrained, value);
    if (floor)
      if (const auto* c = find(report.comparison, model, size, Moment::last, metric))
        add_level(p, "floor", c->floor, last);
    return p;
  };
  const std::string tail = concat(" Thick: mean of ", random.size(), " runs; thin: each run.");
  drawings.add(plot(
                   "auroc", "Test: macro AUROC", "macro AUROC",
                   [](const EpochRow& r) { return r.test.auroc; }, Metric::auroc, false),
               concat("Macro AUROC on the test records after each epoch.", tail));
  drawings.add(plot(
                   "f1", "Test: weighted F1", "weighted F1",
                   [](const EpochRow& r) { return r.test.f1_weighted; }, Metric::f1_weighted, true),
               "Weighted F1 at threshold 0.5 on the test records. Dotted: the floor, a net that says yes to "
               "everything.");
  drawings.add(plot(
                   "loss", "Training: loss", "cross-entropy", [](const EpochRow& r) { return r.train_loss; },
                   Metric::auroc, false),
               "Mean binary cross-entropy over the training records, as met during the epoch.");
  if (!std::isnan(random[0]->front().validation.auroc))
    drawings.add(plot(
                     "validation", "Validation: macro AUROC", "macro AUROC",
                     [](const EpochRow& r) { return r.validation.auroc; }, Metric::auroc, false),
                 "Macro AUROC on the validation records, by which the selected epoch is chosen.");
  drawings.put(html);
}

void size_sweep(Html& html, Drawings& drawings, const CompareReport& report, const std::string& model,
                const std::vector<int>& sizes) {
  for (const Metric metric : {Metric::auroc, Metric::f1_weighted}) {
    Plot plot{.name = concat(model, "-sizes-", name_of(metric)),
              .title = concat("Size sweep: ", title_of(metric)),
              .x_label = "training records",
              .y_label = title_of(metric)};
    Moment moment = Moment::selected;
    if (!find(report.comparison, model, sizes[0], moment, metric)) moment = Moment::last;
    for (const bool pretrained : {false, true}) {
      Line line{.title = pretrained ? "pretrained" : "random weights",
                .look = pretrained ? Look::pretrained : Look::random};
      for (const int size : sizes) {
        const auto* c = find(report.comparison, model, size, moment, metric);
        if (!c) continue;
        const auto& s = pretrained ? c->pretrained : c->random;
        const double half = std::isnan(s.deviation) ? 0 : s.deviation;
        line.x.push_back(
            size * (pretrained ? 1.01 : 0.99));  // side by side, so that the bars do not cover each other
        line.y.push_back(s.mean);
        line.low.push_back(s.mean - half);
        line.high.push_back(s.mean + half);
      }
      plot.lines.push_back(std::move(line));
    }
    for (const int size : sizes) plot.ticks.push_back(size);
    drawings.add(plot,
                 concat("Mean over runs, ", title_of(moment), "; bars: one standard deviation over runs."));
  }
  drawings.put(html);
}

Table score_table(const CompareReport& report, const std::string& model, int size) {
  Table table{
      .caption =
          "Mean ± standard deviation over runs. Difference: pretrained − random on the same test records, "
          "with its 95 % bootstrap interval over records and seeds.",
      .names = 2,
      .head = {"epoch", "measure", "floor", "pretrained", "random", "difference", "95 % interval",
               "decision"},
      .rows = {}};
  std::string before;
  for (const auto& c : report.comparison.contrasts) {
    if (c.model != model || c.size != size) continue;
    const std::string moment = title_of(c.moment);
    const int d = c.decided();
    table.rows.push_back({moment == before ? "" : moment, title_of(c.metric), fixed(c.floor, 3),
                          plus_minus(c.pretrained), plus_minus(c.random), signed_text(c.difference.mean),
                          signed_text(c.difference.low) + " … " + signed_text(c.difference.high),
                          d > 0   ? "pretrained"
                          : d < 0 ? "random"
                                  : "not decided"});
    before = moment;
  }
  return table;
}

Table class_table(const CompareReport& report, const std::string& model, int size,
                  const std::vector<std::string>& classes) {
  Table table{.caption = "AUROC by class, mean ± standard deviation over runs.",
              .names = 1,
              .head = {"class"},
              .rows = {}};
  std::vector<const Contrast*> columns;
  for (const Moment moment : {Moment::selected, Moment::last, Moment::best})
    if (const auto* c = find(report.comparison, model, size, moment, Metric::auroc)) {
      columns.push_back(c);
      const std::string name = moment == Moment::best ? "best on test" : title_of(moment);
      table.head.push_back(name + ": pretrained");
      table.head.push_back("random");
    }
  for (std::size_t k = 0; k < classes.size(); ++k) {
    table.rows.push_back({classes[k]});
    for (const auto* c : columns) {
      table.rows.back().push_back(plus_minus(c->class_pretrained[k]));
      table.rows.back().push_back(plus_minus(c->class_random[k]));
    }
  }
  return table;
}

const CellTime* time_of(const CompareReport& report, const std::string& model, int size, int fold, int seed,
                        bool pretrained) {
  for (const auto& t : report.times)
    if (t.key.model == model && t.key.size == size && t.key.fold == fold && t.key.seed == seed &&
        t.key.pretrained == pretrained)
      return &t;
  return nullptr;
}

// Seconds of a cell's first `epochs` epochs.
std::string seconds_to(const CellTime* time, int epochs) {
  if (!time || epochs <= 0 || static_cast<std::size_t>(epochs) > time->seconds.size()) return "-";
  return fixed(std::accumulate(time->seconds.begin(), time->seconds.begin() + epochs, 0.0), 1);
}

Table convergence_table(const CompareReport& report, const std::string& model, int size, bool folds) {
  Table table{
      .caption =
          "Epochs (and seconds of training and scoring) until the test score first reaches the random run's "
          "best. Optimistic for both, since the test set sets the mark.",
      .names = 2,
      .head = {"measure", "run", "random's best", "random: epochs", "seconds", "pretrained: epochs",
               "seconds"},
      .rows = {}};
  std::string before;
  for (const auto& c : report.comparison.convergence) {
    if (c.model != model || c.size != size || c.metric == Metric::f1_macro) continue;
    const std::string metric = title_of(c.metric);
    const std::string run = folds ? concat("fold ", c.fold, ", seed ", c.seed) : concat("seed ", c.seed);
    table.rows.push_back(
        {metric == before ? "" : metric, run, fixed(c.target, 3), std::to_string(c.random_epochs),
         seconds_to(time_of(report, model, size, c.fold, c.seed, false), c.random_epochs),
         c.pretrained_epochs ? std::to_string(c.pretrained_epochs) : "never",
         seconds_to(time_of(report, model, size, c.fold, c.seed, true), c.pretrained_epochs)});
    before = metric;
  }
  return table;
}

void data_section(Html& html, const DataSection& data) {
  html.subheading(data.title);
  Table counts{.caption = "Records with each label (a record may have several, or none).",
               .names = 1,
               .head = {"part", "records"},
               .rows = {}};
  for (const auto& name : data.classes) counts.head.push_back(name);
  for (const auto& part : data.parts) {
    counts.rows.push_back({part.name, std::to_string(part.records)});
    for (const auto n : part.positives) counts.rows.back().push_back(std::to_string(n));
  }
  html.table(counts);
  Table steps{.caption = "Records left after each step of reading.",
              .names = 1,
              .head = {"step", "records"},
              .rows = {}};
  for (const auto& step : data.steps) steps.rows.push_back({step.name, std::to_string(step.left)});
  if (!steps.rows.empty()) html.table(steps);
  if (data.dropped.empty()) {
    html.paragraph("No record was dropped.", "soft");
  } else {
    Table dropped{.caption = concat(data.dropped.size(), " records dropped."),
                  .names = 2,
                  .head = {"record", "reason"},
                  .rows = {}};
    for (std::size_t i = 0; i < data.dropped.size() && i < 40; ++i)
      dropped.rows.push_back({data.dropped[i].first, data.dropped[i].second});
    if (data.dropped.size() > 40)
      dropped.rows.push_back({concat("and ", data.dropped.size() - 40, " more"), "listed by `ecg data`"});
    html.table(dropped);
  }
  if (!data.notes.empty()) html.list(data.notes);
}

void closing(Html& html, const Json& config) {
  html.heading("How this was made");
  Table build{.caption = "", .names = 2, .head = {"", ""}, .rows = {}};
  for (const auto& [key, value] : config["build"].items())
    build.rows.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
  html.table(build);
  html.preformatted(config.dump(2), "All options, seeds and data checksums (config.json)");
}

void warnings(Html& html, const std::vector<std::string>& list) {
  for (const auto& text : list) html.paragraph("Warning: " + text, "warn");
}

}  // namespace

std::string compare_report(const CompareReport& report, const fs::path& folder) {
  Html html(concat("Pretrained or random weights? ", report.upstream_name, " → ", report.downstream_name));
  html.paragraph(
      concat("Each network was trained on ", report.upstream_name, ", then on ", report.downstream_name,
             " from those weights (with a new top layer, all layers trained) and from random weights, on the "
             "same records in the same batches. Higher is better everywhere but for the loss."));
  warnings(html, report.warnings);
  const auto groups = groups_of(report.comparison);
  Drawings drawings(folder / "plots");
  const std::vector<std::string> classes =
      report.cells.empty() ? std::vector<std::string>{} : report.cells[0].test.classes;
  bool folds = false;
  for (const auto& cell : report.cells) folds = folds || cell.key.fold > 0;

  html.heading("The answer");
  for (const auto& [model, size] : groups) {
    const Verdict v = verdict(report.comparison, model, size);
    html.box(concat(model, ", ", size, " training records: ", v.answer, "."), v.reasons);
  }
  html.paragraph(
      "Decided means: the 95 % interval of the difference leaves out zero. Not decided is a result, too: "
      "with "
      "this many test records and seeds, the data cannot tell the two apart.",
      "soft");

  std::vector<std::string> models;
  for (const auto& [model, size] : groups)
    if (std::ranges::find(models, model) == models.end()) models.push_back(model);
  for (const auto& model : models) {
    html.heading(model);
    std::vector<int> sizes;
    for (const auto& [name, size] : groups)
      if (name == model) sizes.push_back(size);
    std::ranges::sort(sizes);
    if (sizes.size() > 1) {
      html.subheading("Size of the training set");
      size_sweep(html, drawings, report, model, sizes);
    }
    for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
      if (sizes.size() > 1) html.subheading(concat(*size, " training records"));
      learning_curves(html, drawings, report, model, *size);
      html.table(score_table(report, model, *size));
      html.table(class_table(report, model, *size, classes));
      html.table(convergence_table(report, model, *size, folds));
    }
  }

  html.heading("Upstream training");
  if (!report.upstream.empty()) {
    std::size_t longest = 0;
    Plot plot{.name = "upstream",
              .title = "Held-out records: macro AUROC",
              .x_label = "epoch",
              .y_label = "macro AUROC"};
    const Look looks[] = {Look::pretrained, Look::random, Look::third};
    Table table{.caption = "Scores on the held-out upstream records: has the network learnt?",
                .names = 1,
                .head = {"model", "epochs", "AUROC best", "last", "weighted F1 best", "last", "time"},
                .rows = {}};
    for (std::size_t i = 0; i < report.upstream.size(); ++i) {
      const auto& run = report.upstream[i];
      longest = std::max(longest, run.epochs.size());
      add_curves(plot, run.model, looks[i % 3], {&run.epochs},
                 [](const EpochRow& r) { return r.test.auroc; });
      double auroc = kUndefined, f1 = kUndefined;
      for (const auto& row : run.epochs) {
        auroc = std::fmax(auroc, row.test.auroc);
        f1 = std::fmax(f1, row.test.f1_weighted);
      }
      const auto& last = run.epochs.back();
      table.rows.push_back({run.model, std::to_string(run.epochs.size()), fixed(auroc, 3),
                            fixed(last.test.auroc, 3), fixed(f1, 3), fixed(last.test.f1_weighted, 3),
                            clock(total(run.seconds))});
    }
    drawings.add(plot, "Macro AUROC on upstream records that were held out of the upstream training.");
    drawings.put(html);
    html.table(table);
  }

  html.heading("Data");
  for (const auto& data : report.data) data_section(html, data);

  html.heading("Time");
  Table time{.caption = "Wall time of training and scoring.",
             .names = 1,
             .head = {"model", "upstream", "runs from pretrained", "runs from random", "seconds per epoch"},
             .rows = {}};
  for (const auto& model : models) {
    double upstream = 0, pretrained = 0, random = 0, epochs = 0;
    for (const auto& run : report.upstream)
      if (run.model == model) upstream += total(run.seconds);
    for (const auto& t : report.times)
      if (t.key.model == model) {
        (t.key.pretrained ? pretrained : random) += total(t.seconds);
        epochs += static_cast<double>(t.seconds.size());
      }
    time.rows.push_back({model, clock(upstream), clock(pretrained), clock(random),
                         fixed(epochs > 0 ? (pretrained + random) / epochs : kUndefined, 2)});
  }
  html.table(time);

  html.heading("How to read the numbers");
  html.list(
      {"Weighted F1: F1 of each class at threshold 0.5, weighted by the class's records in the test set; the "
       "measure of "
       "the study (arXiv 2402.02021). Its floor is what a net reaches that says yes to everything: a value "
       "near "
       "the floor is no skill.",
       "Macro AUROC: the chance that a positive record scores above a negative one, averaged over classes; "
       "0.5 is no "
       "skill. A class without positives or without negatives in the test set has none and is left out of "
       "the mean.",
       "Best on test: each run's best epoch as judged by the test records themselves. The study reports this "
       "one; it "
       "is too high, because the test set took part in choosing. Validation-selected and last epoch are "
       "honest.",
       "Interval: percentiles of a bootstrap that redraws test records (the same for both inits) and seeds. "
       "With a "
       "few seeds it is rough, and it does not speak of other splits; --folds gives those."});
  closing(html, report.config);
  return html.html();
}

std::string train_report(const TrainReport& report, const fs::path& folder) {
  Html html(report.title);
  warnings(html, report.warnings);
  Drawings drawings(folder / "plots");
  const auto& rows = report.run.epochs;
  html.heading("Learning curves");
  const auto plot = [&](const char* name, const char* title, const char* y, const auto& test,
                        const auto& validation) {
    Plot p{.name = name, .title = title, .x_label = "epoch", .y_label = y};
    add_curves(p, "test", Look::pretrained, {&rows}, test);
    if (!std::isnan(validation(rows.front()))) add_curves(p, "validation", Look::random, {&rows}, validation);
    return p;
  };
  drawings.add(plot(
                   "auroc", "Macro AUROC", "macro AUROC", [](const EpochRow& r) { return r.test.auroc; },
                   [](const EpochRow& r) { return r.validation.auroc; }),
               "Macro AUROC after each epoch.");
  Plot f1 = plot(
      "f1", "Weighted F1", "weighted F1", [](const EpochRow& r) { return r.test.f1_weighted; },
      [](const EpochRow& r) { return r.validation.f1_weighted; });
  const std::size_t classes = report.result.test.classes.size();
  const double floor = cordis::Scorer(std::vector<float>(report.result.test.truth.size(), 1),
                                      report.result.test.truth, classes)(Metric::f1_weighted);
  add_level(f1, "floor", floor, static_cast<double>(rows.size()));
  drawings.add(f1, "Weighted F1 at threshold 0.5. Dotted: the floor, a net that says yes to everything.");
  Plot loss{
      .name = "loss", .title = "Loss", .x_label = "epoch", .y_label = "cross-entropy", .from_zero = true};
  add_curves(loss, "training", Look::third, {&rows}, [](const EpochRow& r) { return r.train_loss; });
  add_curves(loss, "test", Look::pretrained, {&rows}, [](const EpochRow& r) { return r.test.loss; });
  drawings.add(loss, "Mean binary cross-entropy.");
  drawings.put(html);

  html.heading("Scores on the test records");
  Table table{.caption = concat("Floor of the weighted F1: ", fixed(floor, 3), '.'),
              .names = 1,
              .head = {"epoch", "number", "weighted F1", "macro F1", "macro AUROC"},
              .rows = {}};
  std::vector<std::pair<std::string, cordis::Scorer>> scorers;
  for (const auto& p : report.result.predictions) {
    const cordis::Scorer scorer(p.probability, report.result.test.truth, classes);
    const std::string name = p.at == "first"        ? "after the first"
                             : p.at == "selected"   ? "validation-selected"
                             : p.at == "last"       ? "last"
                             : p.at == "best_auroc" ? "best AUROC on test (optimistic)"
                                                    : "best weighted F1 on test (optimistic)";
    table.rows.push_back({name, std::to_string(p.epoch), fixed(scorer(Metric::f1_weighted), 3),
                          fixed(scorer(Metric::f1_macro), 3), fixed(scorer(Metric::auroc), 3)});
    if (p.at == "selected" || p.at == "last") scorers.emplace_back(name, scorer);
  }
  html.table(table);
  Table by_class{.caption = "By class.", .names = 1, .head = {"class"}, .rows = {}};
  for (const auto& [name, scorer] : scorers) {
    by_class.head.push_back(name + ": AUROC");
    by_class.head.push_back("F1");
  }
  for (std::size_t k = 0; k < classes; ++k) {
    by_class.rows.push_back({report.result.test.classes[k]});
    for (const auto& [name, scorer] : scorers) {
      by_class.rows.back().push_back(fixed(scorer.auroc(k), 3));
      by_class.rows.back().push_back(fixed(scorer.f1(k), 3));
    }
  }
  html.table(by_class);
  html.paragraph(concat("Wall time of training and scoring: ", clock(total(report.run.seconds)), '.'),
                 "soft");
  html.heading("Data");
  for (const auto& data : report.data) data_section(html, data);
  closing(html, report.config);
  return html.html();
}

}  // namespace app
