// cordis/ecg/wfdb_header.hpp: WFDB headers (.hea), with the liberties the field takes
// Record line: name samples-per-second ...; one line per signal; '#' comments. See WFDB's header(5).
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/text.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Lenient reading accepts what the PhysioNet Challenges ship: a '.mat' suffix on the record name, dates as
// 05-May-2020 and before the time, missing fields. What it has to guess is a Warning. Strict reading throws
// instead.
struct WfdbOptions {
  bool strict = false;
};

// key: stable, for counting ("checksum", "initial value", "gain", "rate", "length"). text: one line for a
// person.
struct Warning {
  std::string key;
  std::string text;
};

// One signal's line.
struct SignalHeader {
  std::string file;           // as written: relative to the header
  std::int64_t skip = 0;      // bytes before the first sample
  double gain = 200;          // ADC units per physical unit; 0 or absent reads as WFDB's 200, with a warning
  std::int64_t baseline = 0;  // ADC value of 0 physical units; absent = ADC zero
  std::string units = "mV";   // as written
  std::optional<std::int64_t> initial_value;
  std::optional<std::int64_t> checksum;  // sum of the samples; only its low 16 bits count
  std::string lead;                      // the description; may hold blanks, empty if absent
};

// A record's header.
struct WfdbHeader {
  std::string name;                     // without a '.mat' suffix
  double fs = 250;                      // Hz
  std::optional<std::int64_t> samples;  // per signal
  std::vector<SignalHeader> signals;
  std::vector<std::string> comments;  // without '#' and surrounding blanks
  std::vector<Warning> warnings;
};

// The value of a comment "Dx: 1,2", whatever the case of the key; nullopt if there is none.
inline std::optional<std::string_view> comment_value(const std::vector<std::string>& comments,
                                                     std::string_view key) {
  for (const std::string_view comment : comments)
    if (comment.size() > key.size() && comment[key.size()] == ':' &&
        same_ignoring_case(comment.substr(0, key.size()), key))
      return trim(comment.substr(key.size() + 1));
  return std::nullopt;
}

namespace detail {

inline constexpr std::int64_t kMostSamples = std::int64_t{1} << 40;  // per signal: 139 years at 250 Hz
inline constexpr std::int64_t kMostSignals = 1 << 12;

struct HeaderParser {
  std::string_view source;
  WfdbOptions options;
  std::int64_t line_number = 0;
  std::int64_t expected = -1;  // signals, once the record line is read
  WfdbHeader header;

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    throw IoError(concat(source, ":", line_number, ": ", shown(concat(parts...), 400)));
  }

  template <class... Parts>
  void warn(const char* key, const Parts&... parts) {
    if (options.strict) refuse(parts...);
    header.warnings.push_back({key, concat(source, ":", line_number, ": ", parts...)});
  }

  std::int64_t integer(std::string_view text, const char* what, std::string_view lead = {}) const {
    if (const auto value = to_int(text)) return *value;
    refuse(what, " '", text, "'", lead.empty() ? "" : " of lead ", lead, " is not an integer that fits");
  }

  static bool is_date(std::string_view text, bool strict) {
    const auto parts = split(text, "/-");
    if (parts.size() != 3 || !to_int(parts[0]) || !to_int(parts[2])) return false;
    return to_int(parts[1]) ? text.find('-') == std::string_view::npos || !strict : !strict;
  }

  void record_line(std::string_view line) {
    std::string_view name = next_field(line);
    if (const auto slash = name.find('/'); slash != std::string_view::npos)
      refuse("record ", name.substr(0, slash), " has several segments (", name.substr(slash + 1),
             "): multi-segment records are not supported");
    if (name.size() > 4 && same_ignoring_case(name.substr(name.size() - 4), ".mat")) {
      if (options.strict) refuse("record name '", name, "' carries a file suffix");
      name.remove_suffix(4);
    }
    header.name = name;

    const std::string_view count = next_field(line);
    if (count.empty()) refuse("record line names no number of signals");
    expected = integer(count, "number of signals");
    if (expected == 0) refuse("record ", name, " has no signals");
    if (expected < 0 || expected > kMostSignals)
      refuse("number of signals ", expected, " is not between 1 and ", kMostSignals);

    std::string_view rate = next_field(line);
    if (rate.empty()) return warn("rate", "no sampling rate: WFDB's default of 250 Hz is taken");
    sampling_rate(rate);

    const std::string_view samples = next_field(line);
    if (samples.empty()) return;
    header.samples = integer(samples, "number of samples");
    if (*header.samples < 0 || *header.samples > kMostSamples)
      refuse("number of samples ", *header.samples, " is not between 0 and ", kMostSamples);
    if (*header.samples == 0) header.samples.reset();  // WFDB: 0 = not known

    bool date_seen = false;
    for (auto field = next_field(line); !field.empty(); field = next_field(line)) {
      const bool date = is_date(field, options.strict);
      const bool time = field.find(':') != std::string_view::npos || to_real(field);
      if (!date && (!time || (options.strict && date_seen)))
        refuse("'", field, "' is neither a time nor a date",
               options.strict ? " in WFDB's order and form" : "");
      date_seen = date_seen || date;
    }
  }

  // "500", "500/500(0)": rate / counter frequency (base counter)
  void sampling_rate(std::string_view text) {
    const std::string_view rate = text.substr(0, text.find('/'));
    const auto value = to_real(rate);
    if (!value || *value <= 0) refuse("sampling rate '", text, "' is not a positive number");
    header.fs = *value;
    if (rate.size() == text.size()) return;
    const std::string_view counter = text.substr(rate.size() + 1);
    const auto open = counter.find('(');
    const std::string_view base = open == std::string_view::npos ? "0)" : counter.substr(open + 1);
    if (!to_real(counter.substr(0, open)) || !base.ends_with(')') ||
        !to_real(base.substr(0, base.size() - 1)))
      refuse("counter frequency of '", text, "' is not number(number)");
  }

  // "16", "16+24", "16x1:0+24": format x samples-per-frame : skew + byte-offset
  std::int64_t format(std::string_view text, SignalHeader& signal) const {
    const auto part = [&](char mark, std::int64_t absent) {
      const auto at = text.find(mark);
      if (at == std::string_view::npos) return absent;
      const std::int64_t value = integer(text.substr(at + 1), "format part");
      text = text.substr(0, at);
      return value;
    };
    signal.skip = part('+', 0);
    if (signal.skip < 0) refuse("byte offset ", signal.skip, " of ", signal.file, " is negative");
    if (const auto skew = part(':', 0); skew != 0) refuse("a skew of ", skew, " samples is not supported");
    if (const auto frame = part('x', 1); frame != 1)
      refuse(frame, " samples per frame are not supported, 1 is");
    return integer(text, "format");
  }

  // "200", "1000.0(0)/mV", "1716(-6)/mV", "200/uV"; returns whether a baseline was there
  bool gain(std::string_view text, SignalHeader& signal) const {
    const std::string_view whole = text;
    if (const auto slash = text.find('/'); slash != std::string_view::npos) {
      if (slash + 1 < text.size()) signal.units = text.substr(slash + 1);
      text = text.substr(0, slash);
    }
    bool has_baseline = false;
    if (const auto open = text.find('('); open != std::string_view::npos) {
      const std::string_view base = text.substr(open + 1);
      const auto value = base.ends_with(')') ? to_int(base.substr(0, base.size() - 1)) : std::nullopt;
      if (!value) refuse("baseline in '", whole, "' is not an integer in brackets");
      signal.baseline = *value;
      has_baseline = true;
      text = text.substr(0, open);
    }
    const auto value = to_real(text);
    if (!value) refuse("gain '", whole, "' is not gain(baseline)/units");
    signal.gain = *value;
    return has_baseline;
  }

  void signal_line(std::string_view line) {
    SignalHeader signal;
    signal.file = next_field(line);
    const std::string_view format_text = next_field(line);
    if (format_text.empty()) refuse("signal line '", signal.file, "' has no format");
    const std::int64_t format_code = format(format_text, signal);

    // Fields are optional from the right. Lenient: the description may follow any of them.
    const auto peek = [&] {
      std::string_view rest = line;
      return next_field(rest);
    };
    const auto is_number = [](std::string_view text) {
      return !text.empty() && std::string_view("+-.0123456789").find(text[0]) != std::string_view::npos;
    };
    bool has_gain = false, has_baseline = false;
    if (const auto text = peek(); is_number(text) || text.find_first_of("(/") != std::string_view::npos) {
      has_gain = true;
      has_baseline = gain(next_field(line), signal);
    }
    std::optional<std::int64_t> numbers[5];  // ADC resolution, ADC zero, initial value, checksum, block size
    constexpr const char* kNames[] = {"ADC resolution", "ADC zero", "initial value", "checksum",
                                      "block size"};
    for (int k = 0; k < 5 && has_gain; ++k) {
      const std::string_view text = peek();
      if (text.empty() || (!options.strict && !is_number(text))) break;
      numbers[k] = integer(next_field(line), kNames[k]);
    }
    if (!has_baseline) signal.baseline = numbers[1].value_or(0);
    signal.initial_value = numbers[2];
    signal.checksum = numbers[3];
    signal.lead = trim(line);

    const std::string who =
        signal.lead.empty() ? concat("signal ", header.signals.size()) : "lead " + signal.lead;
    if (format_code != 16)
      refuse("format ", format_code, " of ", who, " (", signal.file,
             ") is not supported; 16 and 16+offset are");
    if (!has_gain) warn("gain", who, " has no gain: WFDB's default of 200 per mV is taken");
    if (has_gain && signal.gain == 0)
      warn("gain", who, " has a gain of zero: WFDB's default of 200 is taken");
    if (signal.gain == 0) signal.gain = 200;
    header.signals.push_back(std::move(signal));
  }
};

}  // namespace detail

// `source` names the file in messages. Comments may stand anywhere; a line after the last signal line is
// refused.
inline WfdbHeader parse_header(std::string_view text, std::string_view source, WfdbOptions options = {}) {
  detail::HeaderParser parser{.source = source, .options = options, .header = {}};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim(text.substr(at, end - at));
    at = end + 1;
    ++parser.line_number;
    const auto signals = static_cast<std::int64_t>(parser.header.signals.size());
    if (line.empty()) continue;
    if (line[0] == '#')
      parser.header.comments.emplace_back(trim(line.substr(1)));
    else if (parser.expected < 0)
      parser.record_line(line);
    else if (signals < parser.expected)
      parser.signal_line(line);
    else
      parser.refuse("line '", line, "' follows the last of ", parser.expected, " signals");
  }
  if (parser.expected < 0) throw IoError(concat(source, ": no record line"));
  if (const auto got = parser.header.signals.size(); static_cast<std::int64_t>(got) != parser.expected)
    throw IoError(concat(source, ": ", got, " signal lines, the record line names ", parser.expected));
  return std::move(parser.header);
}

}  // namespace cordis::inline CORDIS_ABI::ecg
