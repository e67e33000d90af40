// examples/ecg/grid_report.cpp: the report of a grid, one HTML file that needs nothing else
#include "grid_report.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "console.hpp"
#include "drawings.hpp"
#include "grid_data.hpp"

namespace app {
namespace {

using cordis::concat;
using cordis::Metric;
using cordis::ecg::Claim;
using cordis::ecg::ClaimVerdict;
using cordis::ecg::GridGroup;
using cordis::ecg::Moment;

// One bar of whiskers says little of a small lead: three digits, signed.
std::string claim_sentence(const Claim& claim, Metric metric) {
  std::string text = concat(title_of(metric), ": ", cordis::ecg::name_of(claim.verdict));
  if (claim.verdict != ClaimVerdict::unasked)
    text += concat(", ", interval_text(claim.value), " (", claim.measure, ")");
  return text + (claim.reason.empty() ? "" : "; " + claim.reason) + ".";
}

void claims_section(Html& html, const GridResults& results) {
  html.heading("The study's four claims");
  html.paragraph(
      "Each with the 95 % interval of a bootstrap over seeds and test records (patients, where they are "
      "known). "
      "\"Not decided\": the interval holds zero.",
      "soft");
  if (results.claims.empty()) {
    html.paragraph("No pair of trainings is finished yet.");
    return;
  }
  const auto& first = results.claims.begin()->second;
  for (std::size_t i = 0; i < first.size(); ++i) {
    std::vector<std::string> sentences;
    std::set<std::string> verdicts;
    for (const auto& [metric, claims] : results.claims) {
      sentences.push_back(claim_sentence(claims[i], metric));
      verdicts.insert(cordis::ecg::name_of(claims[i].verdict));
    }
    std::string headline;
    for (const auto& verdict : verdicts) headline += (headline.empty() ? "" : " / ") + verdict;
    const std::string& claim = first[i].text;
    html.box(concat(first[i].number, ". ", claim.substr(0, claim.size() - 1), ": ", headline), sentences);
  }
}

const GridContrast* find(const GridResults& results, std::size_t group, Moment moment, Metric metric) {
  for (const auto& c : results.contrasts)
    if (c.group == group && c.moment == moment && c.metric == metric) return &c;
  return nullptr;
}

std::vector<std::string> networks_of(const GridResults& results) {
  std::vector<std::string> names;
  for (const auto& g : results.groups)
    if (std::ranges::find(names, g.model) == names.end()) names.push_back(g.model);
  return names;
}

// As in the paper: rows downstream, columns random weights and each upstream set.
void network_tables(Html& html, const GridFolder& folder, const GridResults& results, Moment moment,
                    Metric metric) {
  for (const auto& model : networks_of(results)) {
    Table table{.caption = concat(model, ": ", title_of(metric), ", ", title_of(moment)),
                .names = 2,
                .head = {"downstream", "training records", "floor", "random"}};
    for (const auto& from : folder.grid().upstream) table.head.push_back("from " + from);
    std::set<std::vector<std::string>> seen;
    for (std::size_t g = 0; g < results.groups.size(); ++g) {
      const GridGroup& group = results.groups[g];
      if (group.model != model) continue;
      const std::string name =
          concat(group.data, group.head == "flatten" ? "" : concat(" (", group.head, ")"));
      const std::string records = fixed(group.records, 0);
      if (!seen.insert({name, concat(group.size)}).second) continue;
      std::vector<std::string> row{name, records, "-", "-"};
      for (const auto& from : folder.grid().upstream) {
        const auto at = std::ranges::find_if(results.groups, [&](const GridGroup& other) {
          return other.model == model && other.data == group.data && other.head == group.head &&
                 other.size == group.size && other.upstream == from;
        });
        const auto* c =
            at == results.groups.end()
                ? nullptr
                : find(results, static_cast<std::size_t>(at - results.groups.begin()), moment, metric);
        row.push_back(c ? plus_minus(c->pretrained) : "-");
        if (c) row[2] = fixed(c->floor, 3), row[3] = plus_minus(c->random);
      }
      table.rows.push_back(std::move(row));
    }
    if (!table.rows.empty()) html.table(table);
  }
}

void differences_section(Html& html, Drawings& drawings, const GridResults& results) {
  html.heading("Pretrained minus random weights");
  html.paragraph(
      "Paired by seed and fold, last epoch; p is adjusted over the table's rows after Holm. The same numbers "
      "for every "
      "moment and metric stand in contrasts.csv.",
      "soft");
  for (const Metric metric : {Metric::f1_weighted, Metric::auroc}) {
    Plot forest{.name = concat("forest-", cordis::name_of(metric)),
                .title = "",
                .x_label = concat("pretrained minus random, ", title_of(metric)),
                .y_label = ""};
    forest.differences = true;
    Line line{.title = "", .joined = false};
    Table table{.caption = concat(title_of(metric), ", last epoch"),
                .head = {"trainings", "pairs", "random", "pretrained", "difference [95 %]", "p (Holm)"}};
    for (std::size_t g = 0; g < results.groups.size(); ++g) {
      const auto* c = find(results, g, Moment::last, metric);
      if (!c) continue;
      const std::string title = title_of(results.groups[g]);
      table.rows.push_back({title, concat(c->pretrained.count), plus_minus(c->random),
                            plus_minus(c->pretrained), interval_text(c->difference), fixed(c->p_holm, 3)});
      forest.labels.push_back(title);
      line.x.push_back(static_cast<double>(forest.labels.size()));
      line.y.push_back(c->difference.mean);
      line.low.push_back(c->difference.low);
      line.high.push_back(c->difference.high);
    }
    forest.width = 580;
    forest.height = 70 + 24 * static_cast<int>(forest.labels.size());
    forest.lines.push_back(std::move(line));
    drawings.add(std::move(forest),
                 concat("Differences in ", title_of(metric), " at the last epoch, with 95 % intervals."));
    html.table(table);
  }
  drawings.put(html);
}

void curves_section(Html& html, Drawings& drawings, const GridResults& results) {
  html.heading("Learning curves");
  constexpr Look kLooks[] = {Look::pretrained, Look::third, Look::reference};
  std::set<std::string> drawn;
  for (const auto& group : results.groups) {
    const std::string name = concat(group.data, '-', group.model, '-', group.head, '-', group.size);
    if (!drawn.insert(name).second) continue;
    Plot plot{.name = "curve-" + name,
              .title = concat(group.data, ", ", group.model, group.head == "flatten" ? "" : " " + group.head,
                              group.size > 0 ? concat(", ", group.size, " records") : ""),
              .x_label = "epoch",
              .y_label = "weighted F1"};
    const auto add = [&](const std::string& title, Look look, const GridGroup& of, bool pretrained) {
      std::vector<const Epochs*> runs;
      for (const auto& each : results.cells)
        if (is_of(each, of, pretrained)) runs.push_back(&each.result.epochs);
      if (!runs.empty())
        add_curves(plot, title, look, runs,
                   [](const cordis::ecg::EpochRow& row) { return row.test.f1_weighted; });
    };
    add("random", Look::random, group, false);
    std::size_t look = 0;
    for (const auto& other : results.groups)
      if (other.data == group.data && other.model == group.model && other.head == group.head &&
          other.size == group.size)
        add("from " + other.upstream, kLooks[look++ % std::size(kLooks)], other, true);
    drawings.add(std::move(plot),
                 "Weighted F1 on the test records after each epoch. Thick: means; thin: each run.");
  }
  drawings.put(html);
}

void sweep_section(Html& html, Drawings& drawings, const GridResults& results) {
  const auto series = cordis::ecg::series_of(results.groups);
  if (series.empty()) return;
  html.heading("Gain against training records");
  for (const auto& members : series) {
    const GridGroup& any = results.groups[members[0]];
    Plot plot{.name = concat("sweep-", any.data, '-', any.model, '-', any.head, '-', any.upstream),
              .title = concat(any.data, ", ", any.model, " from ", any.upstream),
              .x_label = "training records",
              .y_label = "pretrained minus random"};
    plot.differences = true;
    for (const auto& [metric, look] :
         {std::pair(Metric::f1_weighted, Look::pretrained), {Metric::auroc, Look::third}}) {
      auto order = members;
      std::ranges::sort(order, {}, [&](std::size_t g) { return results.groups[g].records; });
      Line line{.title = title_of(metric), .look = look};
      for (const auto g : order)
        if (const auto* c = find(results, g, Moment::last, metric)) {
          line.x.push_back(results.groups[g].records);
          line.y.push_back(c->difference.mean);
          line.low.push_back(c->difference.low);
          line.high.push_back(c->difference.high);
        }
      plot.ticks = line.x;
      plot.lines.push_back(std::move(line));
    }
    drawings.add(std::move(plot), "At the last epoch, with 95 % intervals.");
  }
  drawings.put(html);
}

void speed_section(Html& html, const GridResults& results) {
  html.heading("Epochs and seconds to the level of random weights");
  html.paragraph("The level: the best weighted F1 that the run from random weights had on the test records.",
                 "soft");
  Table table{.head = {"trainings", "pairs", "reached", "epochs, random", "epochs, pretrained",
                       "seconds, random", "seconds, pretrained"}};
  for (const auto& group : results.groups) {
    std::vector<double> random, pretrained, random_seconds, pretrained_seconds;
    int pairs = 0, reached = 0;
    const auto seconds_to = [&](const cordis::ecg::Convergence& c, bool pretrained_one, int epochs) {
      for (const auto& each : results.cells)
        if (is_of(each, group, pretrained_one) && each.cell.fold == c.fold && each.cell.seed == c.seed)
          return std::accumulate(each.seconds.begin(), each.seconds.begin() + epochs, 0.0);
      return cordis::kUndefined;
    };
    for (const auto& c : group.convergence) {
      if (c.metric != Metric::f1_weighted || c.random_epochs == 0) continue;
      ++pairs;
      random.push_back(c.random_epochs);
      random_seconds.push_back(seconds_to(c, false, c.random_epochs));
      if (c.pretrained_epochs == 0) continue;
      ++reached;
      pretrained.push_back(c.pretrained_epochs);
      pretrained_seconds.push_back(seconds_to(c, true, c.pretrained_epochs));
    }
    table.rows.push_back({title_of(group), concat(pairs), concat(reached),
                          plus_minus(cordis::spread(random), 1), plus_minus(cordis::spread(pretrained), 1),
                          plus_minus(cordis::spread(random_seconds), 1),
                          plus_minus(cordis::spread(pretrained_seconds), 1)});
  }
  html.table(table);
}

void class_section(Html& html, const GridResults& results) {
  html.heading("By class");
  for (const Metric metric : {Metric::f1_weighted, Metric::auroc}) {
    Table table{.caption = metric == Metric::auroc ? "AUROC at the last epoch" : "F1 at the last epoch",
                .names = 2,
                .head = {"trainings", "class", "random", "pretrained"}};
    for (std::size_t g = 0; g < results.groups.size(); ++g) {
      const auto* c = find(results, g, Moment::last, metric);
      if (!c) continue;
      const auto& classes = results.classes.at(results.groups[g].data);
      for (std::size_t k = 0; k < classes.size(); ++k)
        table.rows.push_back({k == 0 ? title_of(results.groups[g]) : "", classes[k],
                              plus_minus(c->class_random[k]), plus_minus(c->class_pretrained[k])});
    }
    html.table(table);
  }
}

void data_part(Html& html, const GridFolder& folder) {
  html.heading("Data");
  for (const auto& data : folder.grid().data) {
    const auto account = read_account(folder, data.name);
    if (!account) continue;
    html.subheading(data.name);
    Table table{.caption = concat(account->records, " records"), .head = {"class", "records"}};
    for (std::size_t k = 0; k < account->classes.size(); ++k)
      table.rows.push_back({account->classes[k], concat(account->positives[k])});
    html.table(table);
    std::vector<std::string> lines;
    for (const auto& [what, left] : account->steps)
      lines.push_back(concat(what, ": ", left, " records left"));
    for (const auto& [reason, count] : account->dropped) lines.push_back(concat(count, " dropped: ", reason));
    for (const auto& note : account->notes) lines.push_back(note);
    if (!lines.empty()) html.list(lines);
  }
}

}  // namespace

std::string grid_report(const GridFolder& folder, const GridResults& results) {
  Html html("Fine-tuning against random weights");
  html.paragraph(concat(results.finished, " of ", results.planned, " trainings are finished."),
                 results.finished == results.planned ? "soft" : "warn");
  Drawings drawings(folder.path() / "plots");
  claims_section(html, results);
  if (!results.groups.empty()) {
    html.heading("Scores");
    html.paragraph(
        "Mean ± deviation over seeds and folds. \"Best on test\" is the study's number: the test records "
        "chose the "
        "epoch, so it is optimistic. Floor: a network that says yes to everything.",
        "soft");
    for (const Moment moment : {Moment::best, Moment::selected, Moment::last})
      if (std::ranges::any_of(results.contrasts, [&](const GridContrast& c) { return c.moment == moment; }))
        network_tables(html, folder, results, moment, Metric::f1_weighted);
    network_tables(html, folder, results, Moment::last, Metric::auroc);
    differences_section(html, drawings, results);
    sweep_section(html, drawings, results);
    curves_section(html, drawings, results);
    speed_section(html, results);
    class_section(html, results);
  }
  data_part(html, folder);
  html.heading("Settings");
  Json settings = grid_json(folder.grid());
  settings["build"] = build_info();
  html.preformatted(settings.dump(2), "Everything that the trainings were asked for, and what ran them");
  return html.html();
}

}  // namespace app
