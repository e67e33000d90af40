// cordis/ecg/cache.hpp: records read and preprocessed before, as one file that is mapped into memory
// A safetensors file: x (N, L, 12), y (N, classes), and the account of the reading as metadata. It serves as
// long as the set's files (names, sizes, times), its labels and the preprocessing are those that it was made
// of; then it is made anew.
#pragma once

#include <bit>
#include <cordis/ecg/csv.hpp>
#include <cordis/ecg/experiment_card.hpp>
#include <cordis/ecg/load.hpp>
#include <cordis/io/safetensors.hpp>
#include <cstring>
#include <optional>
#include <set>

namespace cordis::inline CORDIS_ABI::ecg {

// What `load` gives, its samples and labels as tensors; those of the account itself are empty.
struct CachedData {
  EcgData account;
  Tensor x, y;
};

namespace detail {

inline constexpr std::string_view kCacheFormat = "1";

// Columns of its tables.
inline constexpr const char* kCacheClasses = "class";
inline constexpr const char* kCacheRecords = "record,path,fold,patient,row";
inline constexpr const char* kCacheDropped = "record,key,text";
inline constexpr const char* kCacheSteps = "what,before,after";
inline constexpr const char* kCacheWarnings = "key,text";
inline constexpr const char* kCacheUnused = "code,times";

// FNV-1a over words of eight bytes: as good as byte by byte at telling damage, at an eighth of the time.
inline std::uint64_t checksum(std::string_view bytes, std::uint64_t value = Digest{}.value) {
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    value = std::rotl((value ^ word) * 1099511628211u, 29);
  }
  for (; at < bytes.size(); ++at) value = (value ^ static_cast<unsigned char>(bytes[at])) * 1099511628211u;
  return value;
}

// One CSV line.
template <class... Fields>
std::string csv_line(const Fields&... fields) {
  std::string text;
  ((text += (text.empty() ? "" : ",") + csv_field(concat(fields))), ...);
  return text + '\n';
}

// A list's lines under a header.
template <class List, class Line>
std::string csv_text(const char* header, const List& list, Line&& line) {
  std::string text = std::string(header) + '\n';
  for (const auto& item : list) text += line(item);
  return text;
}

inline std::string checksum(const Tensor& x, const Tensor& y) {
  return Digest{checksum(cordis::detail::elements_of(y), checksum(cordis::detail::elements_of(x)))}.hex();
}

}  // namespace detail

// Of the options and labels that the records were asked for with.
inline std::string cache_options(const Cohort& cohort, const LoadOptions& options) {
  Digest digest;
  const ModelCard card{
      .model = "", .options = {}, .classes = cohort.classes, .preprocess = options.preprocess};
  for (const auto& [key, value] : card_metadata(card)) digest.add(key + '=' + value + '\n');
  digest.add(concat(detail::kCacheFormat, ' ', cohort.kind, ' ', options.drop_unreadable, ' ',
                    options.wfdb.strict, ' ',
                    std::filesystem::absolute(cohort.folder).lexically_normal().string()));
  return digest.hex();
}

// Of those and of the data: the records and labels, and the names, sizes and times of the files in the
// folders that the records lie in.
inline std::string cache_key(const Cohort& cohort, const LoadOptions& options) {
  namespace fs = std::filesystem;
  Digest digest = cohort.digest;
  digest.add(cache_options(cohort, options));
  digest.add(concat(cohort.band_passed));
  std::set<fs::path> folders{cohort.folder};
  for (const auto& record : cohort.records) {
    folders.insert(record.path.parent_path());
    digest.add(record.name);
    for (const float label : record.labels) digest.add(label > 0 ? "1" : "0");
    digest.add(concat(record.fold, ' ', record.patient, ' ', record.row));
  }
  for (const auto& folder : folders) {
    std::vector<std::string> files;
    try {
      for (const auto& entry : fs::directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        const auto time = fs::last_write_time(entry.path()).time_since_epoch().count();
        files.push_back(concat(entry.path().filename().string(), ' ', entry.file_size(), ' ', time, '\n'));
      }
    } catch (const fs::filesystem_error& error) {
      throw IoError(concat(folder.string(), ": cannot be listed: ", error.what()));
    }
    std::ranges::sort(files);
    for (const auto& file : files) digest.add(file);
  }
  return digest.hex();
}

// The file that read_cache reads: x (N, L, 12) and y (N, classes) f32, whole or not at all; IoError where it
// cannot be written.
inline void write_cache(const std::filesystem::path& path, const std::string& key, const EcgData& data,
                        const Tensor& x, const Tensor& y) {
  using detail::csv_line;
  using detail::csv_text;
  std::map<std::string, std::string> account;
  account["cache.format"] = detail::kCacheFormat;
  account["cache.key"] = key;
  account["cache.checksum"] = detail::checksum(x, y);
  const auto name = [](const std::string& c) { return csv_line(c); };
  account["classes"] = csv_text(detail::kCacheClasses, data.classes, name);
  const auto record = [](const CohortRecord& r) {
    return csv_line(r.name, r.path.string(), r.fold, r.patient, r.row);
  };
  account["records"] = csv_text(detail::kCacheRecords, data.records, record);
  const auto dropped = [](const Dropped& d) { return csv_line(d.name, d.key, d.text); };
  account["dropped"] = csv_text(detail::kCacheDropped, data.dropped, dropped);
  const auto step = [](const FilterStep& s) { return csv_line(s.what, s.before, s.after); };
  account["steps"] = csv_text(detail::kCacheSteps, data.steps, step);
  const auto warning = [](const Warning& w) { return csv_line(w.key, w.text); };
  account["warnings"] = csv_text(detail::kCacheWarnings, data.warnings, warning);
  const auto code = [](const auto& c) { return csv_line(c.first, c.second); };
  account["unused"] = csv_text(detail::kCacheUnused, data.unused_codes, code);
  account["filled"] = concat(data.filled);
  account["digest"] = data.digest.hex();
  write_safetensors(path, {{"x", x}, {"y", y}}, account);
}

// Nothing where there is no cache of this key: none at all, of other options, or of files that have changed
// since. Throws IoError where the file is damaged.
inline std::optional<CachedData> read_cache(const std::filesystem::path& path, const std::string& key) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const SafetensorsFile file = map_safetensors(path);
  const auto text = [&](const char* name) -> const std::string& {
    const auto found = file.metadata.find(name);
    if (found == file.metadata.end()) throw IoError(concat(path.string(), ": its metadata has no ", name));
    return found->second;
  };
  if (text("cache.format") != detail::kCacheFormat || text("cache.key") != key) return std::nullopt;
  const auto table = [&](const char* name, const char* columns) {
    CsvTable all = parse_csv(text(name), concat(path.string(), " (", name, ")"));
    detail::expect_columns(all, columns);
    return all;
  };
  const auto number = [&](const char* name, int base) {
    const std::string& all = text(name);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value, base);
    if (error != std::errc() || end != all.data() + all.size())
      throw IoError(concat(path.string(), ": its ", name, " is \"", shown(all), "\", a number is wanted"));
    return value;
  };
  CachedData out;
  for (const auto& [name, tensor] : file.tensors) (name == "x" ? out.x : out.y) = tensor;
  EcgData& data = out.account;
  for (const auto& row : table("classes", detail::kCacheClasses).rows) data.classes.push_back(row[0]);
  const CsvTable records = table("records", detail::kCacheRecords);
  data.size = std::ssize(records.rows);
  const auto classes = std::ssize(data.classes);
  if (!out.x.defined() || !out.y.defined() || out.x.rank() != 3 || out.x.dtype() != DType::f32 ||
      out.y.dtype() != DType::f32 || out.x.size(0) != data.size || out.y.shape() != Shape{data.size, classes})
    throw IoError(concat(path.string(), ": x ", out.x.shape(), " and y ", out.y.shape(), " are not those of ",
                         data.size, " records and ", classes, " classes"));
  const std::string sum = detail::checksum(out.x, out.y);
  if (sum != text("cache.checksum"))
    throw IoError(concat(path.string(), ": its checksum is ", sum, ", ", text("cache.checksum"),
                         " was written: the file is damaged; remove it, and it is made again"));
  data.length = out.x.size(1);
  data.leads = out.x.size(2);
  for (std::size_t i = 0; i < records.rows.size(); ++i) {
    const auto& row = records.rows[i];
    const float* labels = out.y.data<float>() + i * data.classes.size();
    data.records.push_back({.name = row[0],
                            .path = row[1],
                            .labels = {labels, labels + classes},
                            .fold = detail::parse_exact<int>(records, i, 2),
                            .patient = row[3],
                            .row = detail::parse_exact<std::int64_t>(records, i, 4)});
  }
  for (const auto& row : table("dropped", detail::kCacheDropped).rows)
    data.dropped.push_back({row[0], row[1], row[2]});
  const CsvTable steps = table("steps", detail::kCacheSteps), unused = table("unused", detail::kCacheUnused);
  for (std::size_t i = 0; i < steps.rows.size(); ++i)
    data.steps.push_back({steps.rows[i][0], detail::parse_exact<std::int64_t>(steps, i, 1),
                          detail::parse_exact<std::int64_t>(steps, i, 2)});
  for (const auto& row : table("warnings", detail::kCacheWarnings).rows) {
    data.warnings.push_back({row[0], row[1]});
    ++data.warning_counts[row[0]];
  }
  for (std::size_t i = 0; i < unused.rows.size(); ++i)
    data.unused_codes[unused.rows[i][0]] = detail::parse_exact<std::int64_t>(unused, i, 1);
  data.filled = static_cast<std::int64_t>(number("filled", 10));
  data.digest.value = number("digest", 16);
  return out;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
