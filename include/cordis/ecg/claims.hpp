// cordis/ecg/claims.hpp: the study's four claims (arXiv 2402.02021), and what a grid's trainings say of each
#pragma once

#include <cordis/ecg/experiment_compare.hpp>
#include <cordis/train/bootstrap.hpp>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Trainings from one upstream set against those from random weights, that differ in seed and fold alone.
struct GridGroup {
  std::string data, upstream, model, head;
  int size = 0;            // training records asked for; 0: all
  double records = 0;      // there were, on average over the folds
  double transferred = 0;  // share of the weights that comes from upstream
  bool recurrent = false;
  std::vector<Convergence> convergence;  // of each pair
};

// What the trainings say of a claim; unasked: the grid has no cells that could.
enum class ClaimVerdict { supported, contradicted, undecided, unasked };

// As it stands in tables and reports.
inline const char* name_of(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::supported:
      return "supported";
    case ClaimVerdict::contradicted:
      return "contradicted";
    case ClaimVerdict::undecided:
      return "not decided";
    case ClaimVerdict::unasked:
      return "not asked";
  }
  return "?";
}

// One of the study's claims, and what came out.
struct Claim {
  int number = 0;
  std::string text;     // the claim
  std::string measure;  // what `value` is
  ClaimVerdict verdict = ClaimVerdict::unasked;
  Interval value = {};
  std::string reason = {};  // why it was not asked, or what else belongs to it
};

// How claims are judged.
struct ClaimOptions {
  Metric metric = Metric::f1_weighted;
  double small = 1000;  // sets of at most so many training records are small
  int resamples = 2000;
  std::uint64_t seed = 1;
};

// Groups that differ in their training sets' sizes alone.
inline std::vector<std::vector<std::size_t>> series_of(const std::vector<GridGroup>& groups) {
  std::map<std::vector<std::string>, std::vector<std::size_t>> series;
  for (std::size_t g = 0; g < groups.size(); ++g)
    series[{groups[g].data, groups[g].upstream, groups[g].model, groups[g].head}].push_back(g);
  std::vector<std::vector<std::size_t>> out;
  for (auto& [key, members] : series)
    if (members.size() > 1) out.push_back(std::move(members));
  return out;
}

namespace detail {

inline std::string rounded(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Above zero: the claim is supported.
inline ClaimVerdict decide(const Interval& value) {
  return value.low > 0    ? ClaimVerdict::supported
         : value.high < 0 ? ClaimVerdict::contradicted
                          : ClaimVerdict::undecided;
}

// The mean of those groups for which `chosen` holds; NaN where one of them is undefined.
template <class Chosen>
double mean_of(const std::vector<double>& values, const std::vector<GridGroup>& groups, Chosen&& chosen) {
  double sum = 0, count = 0;
  for (std::size_t g = 0; g < groups.size(); ++g)
    if (chosen(groups[g])) sum += values[g], ++count;
  return count > 0 ? sum / count : kUndefined;
}

// By how much the difference changes with each doubling of the training records: least squares in each
// series, and the mean of the series.
inline double slope_of(const std::vector<double>& values, const std::vector<GridGroup>& groups,
                       const std::vector<std::vector<std::size_t>>& series) {
  double sum = 0;
  for (const auto& members : series) {
    double x = 0, y = 0, xx = 0, xy = 0;
    const auto n = static_cast<double>(members.size());
    for (const auto g : members) {
      const double doublings = std::log2(groups[g].records);
      x += doublings, y += values[g], xx += doublings * doublings, xy += doublings * values[g];
    }
    sum += (n * xy - x * y) / (n * xx - x * x);
  }
  return series.empty() ? kUndefined : sum / static_cast<double>(series.size());
}

// log2 of the epochs that random weights took to their best over those that pretrained ones took to reach it.
// One that does not within the run counts as if it did in the epoch after the last, which favours it.
inline double log_speedup(const Convergence& pair, int epochs) {
  if (pair.random_epochs == 0) return kUndefined;
  const int needed = pair.pretrained_epochs > 0 ? pair.pretrained_epochs : epochs + 1;
  return std::log2(static_cast<double>(pair.random_epochs) / needed);
}

// The mean over groups of the mean over pairs. Seeds are drawn with replacement, and so are each set's folds,
// both the same ones for all groups; a pair counts as often as its seed times its fold (Owen 2007, the
// pigeonhole bootstrap). Without an interval where there is one seed and one fold.
inline Interval speedup(const std::vector<GridGroup>& groups, int epochs, const ClaimOptions& options) {
  std::vector<std::map<int, double>> counts;  // of the seeds, then of each set's folds
  std::map<std::string, std::size_t> folds_of;
  counts.emplace_back();
  for (const auto& group : groups) {
    const auto place = folds_of.emplace(group.data, counts.size());
    if (place.second) counts.emplace_back();
    for (const auto& pair : group.convergence) {
      if (pair.metric != options.metric) continue;
      counts[0][pair.seed] = 1;
      counts[place.first->second][pair.fold] = 1;
    }
  }
  const auto means = [&] {
    std::vector<double> all;
    for (const auto& group : groups) {
      double sum = 0, weight = 0;
      for (const auto& pair : group.convergence) {
        const double value = log_speedup(pair, epochs);
        if (pair.metric != options.metric || std::isnan(value)) continue;
        const double count = counts[0][pair.seed] * counts[folds_of[group.data]][pair.fold];
        sum += count * value;
        weight += count;
      }
      if (weight > 0) all.push_back(sum / weight);
    }
    return all;
  };
  GroupDraws out{.observed = means(), .draws = {}};
  const bool spread = std::ranges::any_of(counts, [](const auto& list) { return list.size() > 1; });
  Generator generator(options.seed);
  for (int b = 0; spread && b < options.resamples; ++b) {
    for (auto& list : counts) {
      for (auto& [what, count] : list) count = 0;
      for (std::size_t i = 0; i < list.size(); ++i)
        ++std::next(list.begin(), static_cast<std::ptrdiff_t>(generator.below(list.size())))->second;
    }
    out.draws.push_back(means());
  }
  return interval_of(out, [](const std::vector<double>& all) {
    double sum = 0;
    for (const double v : all) sum += v;
    return all.empty() ? kUndefined : sum / static_cast<double>(all.size());
  });
}

inline std::size_t seeds_of(const std::vector<GridGroup>& groups) {
  std::set<int> seeds;
  for (const auto& group : groups)
    for (const auto& pair : group.convergence) seeds.insert(pair.seed);
  return seeds.size();
}

}  // namespace detail

// differences: of the groups' pairs at the end of training, in options.metric. epochs: of a downstream
// training.
inline std::vector<Claim> claims_of(const std::vector<GridGroup>& groups, const GroupDraws& differences,
                                    int epochs, const ClaimOptions& options) {
  std::vector<Claim> claims;
  const auto mean = [&](auto chosen) {
    return interval_of(differences,
                       [&](const std::vector<double>& d) { return detail::mean_of(d, groups, chosen); });
  };
  const auto any = [&](auto chosen) { return std::ranges::any_of(groups, chosen); };

  Claim small{.number = 1,
              .text = "Fine-tuning is preferable for small downstream sets.",
              .measure = concat("pretrained minus random, mean over sets of at most ", options.small,
                                " training records, last epoch")};
  const auto is_small = [&](const GridGroup& g) { return g.records <= options.small; };
  if (any(is_small)) {
    small.value = mean(is_small);
    small.verdict = detail::decide(small.value);
  } else {
    small.reason = concat("no downstream set of the grid has at most ", options.small, " training records");
  }
  claims.push_back(small);

  Claim large{
      .number = 2,
      .text = "With enough downstream records training from random weights catches up.",
      .measure = "loss of the pretrained ones' lead with each doubling of the training records, last epoch"};
  const auto series = series_of(groups);
  if (!series.empty()) {
    const auto loss = [&](const std::vector<double>& d) { return -detail::slope_of(d, groups, series); };
    large.value = interval_of(differences, loss);
    large.verdict = detail::decide(large.value);
    std::vector<bool> largest(groups.size(), false);
    double records = 0;
    for (const auto& members : series) {
      const auto last =
          *std::ranges::max_element(members, {}, [&](std::size_t g) { return groups[g].records; });
      largest[last] = true;
      records = std::max(records, groups[last].records);
    }
    const Interval lead = interval_of(differences, [&](const std::vector<double>& d) {
      return detail::mean_of(d, groups, [&](const GridGroup& g) {
        return largest[static_cast<std::size_t>(&g - groups.data())];
      });
    });
    large.reason = concat("at the largest sizes (up to ", records, " records) the lead is ",
                          detail::rounded(lead.mean, "%+.3f"), " [", detail::rounded(lead.low, "%+.3f"), ", ",
                          detail::rounded(lead.high, "%+.3f"), "]");
  } else {
    large.reason = "no set of the grid was trained on at several sizes";
  }
  claims.push_back(large);

  Claim fast{.number = 3,
             .text = "Fine-tuning converges faster.",
             .measure =
                 "log2 of (epochs of random weights to their best / epochs of pretrained ones to the same "
                 "score)"};
  if (!groups.empty()) {
    fast.value = detail::speedup(groups, epochs, options);
    fast.verdict = detail::decide(fast.value);
    int reached = 0, pairs = 0;
    for (const auto& group : groups)
      for (const auto& pair : group.convergence)
        if (pair.metric == options.metric && pair.random_epochs > 0)
          reached += pair.pretrained_epochs > 0, ++pairs;
    fast.reason = concat("the pretrained one reached it in ", reached, " of ", pairs, " pairs");
  } else {
    fast.reason = "the grid has no pair";
  }
  claims.push_back(fast);

  Claim nets{
      .number = 4,
      .text = "Transfer suits convolutional networks better than recurrent ones.",
      .measure =
          "gain of the convolutional networks minus gain of the recurrent ones, on the same sets, last "
          "epoch"};
  // Sets on which both kinds were trained, from the same upstream, at the same size.
  const auto both = [&](const GridGroup& a) {
    return std::ranges::any_of(groups, [&](const GridGroup& b) {
      return a.recurrent != b.recurrent && a.data == b.data && a.upstream == b.upstream && a.size == b.size;
    });
  };
  if (any(both)) {
    const auto of_kind = [&](bool recurrent) {
      return [&, recurrent](const GridGroup& g) { return g.recurrent == recurrent && both(g); };
    };
    nets.value = interval_of(differences, [&](const std::vector<double>& d) {
      return detail::mean_of(d, groups, of_kind(false)) - detail::mean_of(d, groups, of_kind(true));
    });
    nets.verdict = detail::decide(nets.value);
    const auto share = [&](bool recurrent) {
      std::vector<double> shares;
      for (const auto& g : groups) shares.push_back(g.transferred);
      return detail::rounded(100 * detail::mean_of(shares, groups, of_kind(recurrent)), "%.1f");
    };
    nets.reason = concat("of the convolutional networks' weights ", share(false),
                         " % come from upstream, of the "
                         "recurrent ones' ",
                         share(true), " %");
  } else {
    nets.reason = "no set was trained on by both kinds of network from one upstream set";
  }
  claims.push_back(nets);
  if (detail::seeds_of(groups) == 1)
    for (auto& claim : claims)
      if (claim.verdict != ClaimVerdict::unasked)
        claim.reason +=
            concat(claim.reason.empty() ? "" : "; ", "one seed: the interval tells nothing of others");
  return claims;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
