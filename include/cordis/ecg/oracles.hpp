// cordis/ecg/oracles.hpp: what is published of whole data sets, against what was read
// Counts and shares as arXiv 2402.02021 and its code have them. Only a set with the published number of
// records is compared; of a part of one nothing is known.
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/config.hpp>
#include <cordis/data/split.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/preprocess.hpp>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// A set's counts beside the published ones.
struct Agreement {
  std::string set;                   // "PTB 1.0.0"
  std::vector<std::string> agrees;   // "549 records", "NORM 0.16763 of the test records"
  std::vector<std::string> differs;  // "521 with a diagnosis, published 522"

  // One line for a person.
  std::string text() const {
    return differs.empty() ? concat(set, ": agrees with the published counts (", join(agrees), ")")
                           : concat(set, ": differs from the published counts: ", join(differs));
  }
};

namespace detail {

struct PublishedShare {
  std::string_view name;
  double value;
};

inline constexpr PublishedShare kCpscShares[] = {{"NORM", .13360}, {"AF", .17769},   {"IAVB", .10494},
                                                 {"LBBB", .03395}, {"RBBB", .27028}, {"PAC", .08907},
                                                 {"VEB", .10229},  {"STD", .12654},  {"STE", .03219}};
inline constexpr PublishedShare kGeorgiaCounts[] = {
    {"NORM", 1752},  {"AF", 570},   {"IAVB", 769}, {"SB", 1677},  {"LAD", 940},
    {"STach", 1261}, {"TAb", 2306}, {"TInv", 812}, {"LQT", 1391}, {"PAC", 639}};
inline constexpr PublishedShare kPtbShares[] = {{"NORM", .16763}, {"MI", .69364}};
inline constexpr PublishedShare kCodeTestShares[] = {{"NORM", .82346}, {"1dAVb", .03386}, {"RBBB", .04111},
                                                     {"LBBB", .03628}, {"SB", .01935},    {"AF", .01572},
                                                     {"ST", .04474}};

enum class Published {
  counts,          // of all records
  shares,          // of all records: CODE-test's, which no part of 273 test records can have
  about,           // shares of a test part with the labels' proportions: those of all records to 0.002
  shares_of_test,  // of the test part by train_test_split, a third, seed 1
};

struct PublishedSet {
  std::string_view set, kind;
  char initial;           // of all record names; 0: any
  std::int64_t records;   // listed
  std::int64_t labelled;  // of these, with a diagnosis
  std::int64_t kept;      // of these, of 10 s and more
  std::int64_t none;      // of those labelled, with none of the set's own classes; -1: not told
  Published what;
  std::span<const PublishedShare> classes;
};

// Georgia's test shares depend on the order of an unsorted listing. The 407 without a superclass are told of
// PTB-XL without its version; they go with 1.0.1, the study's.
inline const PublishedSet kPublishedSets[] = {
    {"CPSC2018", "challenge", 'A', 6877, 6877, 6871, -1, Published::about, kCpscShares},
    {"Georgia", "challenge", 'E', 10344, 10344, 10292, -1, Published::counts, kGeorgiaCounts},
    {"PTB 1.0.0", "ptb", 0, 549, 522, 522, -1, Published::shares_of_test, kPtbShares},
    {"CODE-test", "code-test", 0, 827, 827, 827, -1, Published::shares, kCodeTestShares},
    {"PTB-XL 1.0.1", "ptb-xl", 0, 21837, 21837, 21837, 407, Published::counts, {}},
    {"PTB-XL 1.0.3", "ptb-xl", 0, 21799, 21799, 21799, -1, Published::counts, {}}};

inline std::string share_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5f", value);
  return text;
}

inline const PublishedSet* find_published(const Cohort& cohort) {
  const auto listed = std::ssize(cohort.records) + std::ssize(cohort.dropped);
  if (std::ranges::any_of(cohort.dropped, [](const Dropped& d) { return d.key == "no labels"; }))
    return nullptr;
  for (const PublishedSet& set : kPublishedSets) {
    if (set.kind != cohort.kind || set.records != listed) continue;
    const auto starts = [&](const CohortRecord& record) {
      return set.initial == 0 || record.path.filename().string().starts_with(set.initial);
    };
    if (std::ranges::all_of(cohort.records, starts)) return &set;
  }
  return nullptr;
}

inline void compare(Agreement& out, std::int64_t got, std::int64_t wanted, std::string_view what) {
  if (got == wanted)
    out.agrees.push_back(concat(got, what));
  else
    out.differs.push_back(concat(got, what, ", published ", wanted));
}

// The records that a published share is of.
inline std::vector<CohortRecord> published_part(const Cohort& cohort, Published what) {
  if (what != Published::shares_of_test) return cohort.records;
  std::vector<CohortRecord> part;
  const Split split = train_test_split(std::ssize(cohort.records), {.test_fraction = 0.33, .seed = 1});
  for (const auto row : split.test) part.push_back(cohort.records[static_cast<std::size_t>(row)]);
  return part;
}

}  // namespace detail

// Of a cohort as opened, without merging and without dropping the unlabelled; nullopt where it is no set
// whose numbers are known. Classes that are not the set's own are not compared.
inline std::optional<Agreement> check_published(const Cohort& cohort) {
  using detail::Published;
  const detail::PublishedSet* set = detail::find_published(cohort);
  if (!set) return std::nullopt;
  Agreement out{.set = std::string(set->set), .agrees = {}, .differs = {}};
  detail::compare(out, std::ssize(cohort.records) + std::ssize(cohort.dropped), set->records, " records");
  if (set->labelled != set->records || std::ssize(cohort.records) != set->records)
    detail::compare(out, std::ssize(cohort.records), set->labelled, " with a diagnosis");
  if (set->none >= 0 && cohort.classes.size() == 5) {
    const auto none = std::ranges::count_if(cohort.records, [](const CohortRecord& record) {
      return std::ranges::none_of(record.labels, [](float label) { return label > 0; });
    });
    detail::compare(out, none, set->none, " without a superclass");
  }
  if (std::ssize(cohort.records) != set->labelled) return out;  // shares of other records say nothing
  const auto part = detail::published_part(cohort, set->what);
  const auto counts = class_counts(part, cohort.classes.size());
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto wanted = std::ranges::find(set->classes, cohort.classes[k], &detail::PublishedShare::name);
    if (wanted == set->classes.end()) continue;
    const std::string& name = cohort.classes[k];
    if (set->what == Published::counts) {
      if (counts[k] == static_cast<std::int64_t>(wanted->value))
        out.agrees.push_back(concat(name, ' ', counts[k]));
      else
        out.differs.push_back(concat(name, ' ', counts[k], ", published ", wanted->value));
      continue;
    }
    const double share = static_cast<double>(counts[k]) / static_cast<double>(part.size());
    const char* where = set->what == Published::shares_of_test ? " of the test records" : "";
    const double tolerance = set->what == Published::about ? 0.002 : 6e-6;
    if (std::abs(share - wanted->value) <= tolerance)
      out.agrees.push_back(concat(name, ' ', detail::share_text(share), where));
    else
      out.differs.push_back(concat(name, ' ', detail::share_text(share), where, ", published ",
                                   detail::share_text(wanted->value)));
  }
  return out;
}

// Adds how many records are left of 10 s and more, where the options ask for these and the number is known.
inline void check_kept(Agreement& agreement, std::int64_t kept, const PreprocessOptions& options) {
  if (options.skip != 0 || static_cast<double>(options.length) != 10 * options.rate) return;
  for (const detail::PublishedSet& set : detail::kPublishedSets)
    if (set.set == agreement.set) detail::compare(agreement, kept, set.kept, " of 10 s");
}

}  // namespace cordis::inline CORDIS_ABI::ecg
