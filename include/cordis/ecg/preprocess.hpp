// cordis/ecg/preprocess.hpp: a record as a network takes it: band-pass, resample, crop, scale
#pragma once

#include <algorithm>
#include <cmath>
#include <cordis/config.hpp>
#include <cordis/ecg/filter.hpp>
#include <cordis/ecg/resample.hpp>
#include <cordis/ecg/wfdb.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// How a record comes to the rate that is wanted.
enum class Resampling {
  decimate,   // every k-th sample, as the study does; aliases
  polyphase,  // scipy's resample_poly
};

// Per record and lead, on the cropped signal, NaN left out of the statistics.
enum class Scaling {
  none,     // millivolts
  min_max,  // to [-1, 1]; a constant lead becomes -1
  z_score,  // (x - mean) / (standard deviation + 1e-6)
};

// What is done with missing samples (NaN).
enum class Missing {
  fill,  // mean of the nearest samples before and after; the nearest one at an end
  keep,  // NaN stays: only without band-pass and polyphase resampling, which would spread it
  drop,  // the record is rejected
};

// Order: band-pass at the record's rate, resample, skip and crop, scale. Missing samples are filled first
// where a filter runs over them, else last.
struct PreprocessOptions {
  double rate = 100;           // Hz
  std::int64_t length = 1000;  // samples at that rate
  std::int64_t skip = 0;       // samples left out at the start, at that rate
  bool band_pass = false;
  double low = 0.5;  // Hz
  double high = 40;
  Resampling resampling = Resampling::decimate;
  Scaling scaling = Scaling::none;
  Missing missing = Missing::fill;
};

// key: stable, for counting: "rate", "too short", "empty lead", "missing samples". text: one line for a
// person.
struct Rejection {
  std::string key;
  std::string text;
};

// A record made ready.
struct Prepared {
  std::vector<float> samples;         // (length, leads); empty if rejected
  std::int64_t filled = 0;            // missing samples that were filled
  std::optional<Rejection> rejected;  // why the record cannot be used
};

// Throws std::invalid_argument for options that make no sense, or that do not go together.
inline void check_options(const PreprocessOptions& options) {
  CORDIS_CHECK(options.rate > 0 && std::isfinite(options.rate), "[preprocess] rate is ", options.rate,
               " Hz, but must be positive");
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  CORDIS_CHECK(0 < options.length && options.length <= kMost, "[preprocess] length is ", options.length,
               ", but must be between 1 and ", kMost);
  CORDIS_CHECK(0 <= options.skip && options.skip <= kMost, "[preprocess] skip is ", options.skip,
               ", but must be between 0 and ", kMost);
  CORDIS_CHECK(!options.band_pass || (0 < options.low && options.low < options.high), "[preprocess] band is ",
               options.low, " to ", options.high, " Hz, but must be positive and rising");
  const bool filters = options.band_pass || options.resampling == Resampling::polyphase;
  CORDIS_CHECK(options.missing != Missing::keep || !filters,
               "[preprocess] missing samples can be kept only without band-pass and polyphase resampling");
}

// Replaces each run of NaN by the mean of its two neighbours; returns how many. Needs one sample that is not
// NaN.
inline std::int64_t fill_missing(std::span<double> x) {
  std::int64_t filled = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    if (!std::isnan(x[n])) continue;
    std::size_t end = n;
    while (end < x.size() && std::isnan(x[end])) ++end;
    CORDIS_CHECK(n > 0 || end < x.size(), "[fill_missing] all ", x.size(), " samples are missing");
    const double after = end < x.size() ? x[end] : x[n - 1], before = n > 0 ? x[n - 1] : after;
    std::fill(x.begin() + static_cast<std::ptrdiff_t>(n), x.begin() + static_cast<std::ptrdiff_t>(end),
              (before + after) / 2);
    filled += static_cast<std::int64_t>(end - n);
  }
  return filled;
}

// In place; NaN passes through.
inline void scale(std::span<double> x, Scaling scaling) {
  if (scaling == Scaling::none) return;
  double low = std::numeric_limits<double>::infinity(), high = -low, sum = 0, squares = 0, count = 0;
  for (const double v : x) {
    if (std::isnan(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
    sum += v;
    ++count;
  }
  const double mean = sum / count;
  for (const double v : x)
    if (!std::isnan(v)) squares += (v - mean) * (v - mean);
  const double deviation = std::sqrt(squares / count) + 1e-6;
  for (double& v : x) {
    if (std::isnan(v)) continue;
    if (scaling == Scaling::z_score)
      v = (v - mean) / deviation;
    else
      v = high > low ? (v - low) / (high - low) * 2 - 1 : -1;
  }
}

namespace detail {

inline std::optional<Rejection> reject_record(const Record& record, const std::optional<RateRatio>& ratio,
                                              const PreprocessOptions& options) {
  const auto reject = [&](const char* key, const auto&... parts) {
    return Rejection{key, concat(record.source, ": ", parts...)};
  };
  if (!ratio) return reject("rate", "rate of ", record.fs, " Hz has no small ratio to ", options.rate, " Hz");
  if (options.resampling == Resampling::decimate && ratio->up != 1)
    return reject("rate", "rate of ", record.fs, " Hz is not a multiple of ", options.rate, " Hz");
  const std::int64_t got = (record.length * ratio->up + ratio->down - 1) / ratio->down;
  if (got < options.skip + options.length)
    return reject("too short", got, " samples at ", options.rate, " Hz, the crop needs ",
                  options.skip + options.length);
  if (!options.band_pass) return std::nullopt;
  if (record.fs <= 2 * options.high)
    return reject("rate", "rate of ", record.fs, " Hz is too low for a band-pass up to ", options.high,
                  " Hz");
  const auto padding =
      filter_padding(butterworth({.low = options.low, .high = options.high, .fs = record.fs}));
  if (static_cast<std::uint64_t>(record.length) <= padding)
    return reject("too short", record.length, " samples, the band-pass needs more than ", padding);
  return std::nullopt;
}

// One lead of a record long enough through all steps, in place.
inline std::optional<Rejection> prepare_lead(std::vector<double>& x, std::int64_t& filled,
                                             const Record& record, std::size_t lead, RateRatio ratio,
                                             const PreprocessOptions& options) {
  const auto reject = [&](const char* key, const auto&... parts) {
    return Rejection{key, concat(record.source, ": lead ", record.leads[lead], parts...)};
  };
  const auto is_missing = [](double v) { return std::isnan(v); };
  // The samples at the record's rate that end up in the crop.
  const auto at_source = [&](std::int64_t n) {
    return std::min(std::ssize(x), (n * ratio.down + ratio.up - 1) / ratio.up);
  };
  const std::int64_t from = at_source(options.skip), to = at_source(options.skip + options.length);
  const auto missing = std::count_if(x.begin() + from, x.begin() + to, is_missing);
  if (missing == to - from)
    return reject("empty lead", ": all ", missing, " samples of the crop are missing");
  if (missing > 0 && options.missing == Missing::drop)
    return reject("missing samples", ": ", missing, " of ", to - from, " samples of the crop are missing");

  const bool filters = options.band_pass || options.resampling == Resampling::polyphase;
  if (filters) filled += fill_missing(x);
  if (options.band_pass)
    x = filter_both_ways(butterworth({.low = options.low, .high = options.high, .fs = record.fs}), x);
  x = options.resampling == Resampling::decimate ? decimate(x, ratio.down) : resample(x, ratio);
  x = {x.begin() + options.skip, x.begin() + options.skip + options.length};
  if (std::ranges::all_of(x, is_missing))
    return reject("empty lead", ": all ", options.length, " samples of the crop are missing");
  scale(x, options.scaling);
  if (options.missing == Missing::fill) filled += fill_missing(x);
  return std::nullopt;
}

}  // namespace detail

// A record that the options do not fit is rejected with a reason, not thrown: it is to be dropped and
// counted.
inline Prepared preprocess(const Record& record, const PreprocessOptions& options) {
  check_options(options);
  const auto ratio = rate_ratio(record.fs, options.rate);
  Prepared out;
  out.rejected = detail::reject_record(record, ratio, options);
  if (out.rejected) return out;
  const std::size_t leads = record.leads.size();
  std::vector<float> samples(static_cast<std::size_t>(options.length) * leads);
  std::vector<double> x;
  for (std::size_t lead = 0; lead < leads; ++lead) {
    x.clear();
    for (std::size_t n = lead; n < record.samples.size(); n += leads)
      x.push_back(static_cast<double>(record.samples[n]));
    out.rejected = detail::prepare_lead(x, out.filled, record, lead, *ratio, options);
    if (out.rejected) return out;
    for (std::size_t n = 0; n < x.size(); ++n) samples[n * leads + lead] = static_cast<float>(x[n]);
  }
  out.samples = std::move(samples);
  return out;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
