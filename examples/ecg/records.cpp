// examples/ecg/records.cpp: data folders into arrays, and their account
#include "records.hpp"

#include <cordis/core/parallel.hpp>
#include <cordis/data/dataset.hpp>
#include <cordis/ecg/cache.hpp>
#include <cstring>
#include <filesystem>
#include <memory>

#include "console.hpp"
#include "stopping.hpp"
#include "tracings.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;
using cordis::IoError;
using cordis::ecg::EcgData;

// "ptb-xl-derived", whatever slashes the path ends in.
std::string folder_name(const std::string& path) {
  const fs::path clean = fs::path(path).lexically_normal();
  return (clean.has_filename() ? clean.filename() : clean.parent_path().filename()).string();
}

std::vector<std::string> notes_of(const EcgData& data) {
  std::vector<std::string> notes;
  for (const auto& [key, count] : data.warning_counts) notes.push_back(concat(count, " warnings: ", key));
  if (data.filled > 0) notes.push_back(concat(data.filled, " missing samples filled"));
  std::int64_t codes = 0, times = 0;
  for (const auto& [code, count] : data.unused_codes) {
    ++codes;
    times += count;
  }
  if (codes > 0)
    notes.push_back(concat(codes, " diagnosis codes that stand for none of the classes, ", times,
                           " times in all; `ecg data` lists them"));
  return notes;
}

// The vector's elements as a tensor, without copying them.
cordis::Tensor tensor_of(std::vector<float> values, const cordis::Shape& shape) {
  const auto owner = std::make_shared<std::vector<float>>(std::move(values));
  return {shape, cordis::DType::f32, cordis::Storage(owner->data(), owner)};
}

// Read and preprocessed, or what did so before left in the cache.
cordis::ecg::CachedData load_folder(const std::string& folder, const SetOptions& set,
                                    const cordis::ecg::PreprocessOptions& signal, const fs::path& cache) {
  const auto cohort = open_folder(folder, set, signal);
  const cordis::ecg::LoadOptions options{.preprocess = signal,
                                         .drop_unreadable = set.drop_unreadable,
                                         .progress = [](auto, auto) { stop_point(); }};
  fs::path file;
  std::string key;
  if (!cache.empty()) {
    file =
        cache / concat(folder_name(folder), '-', cordis::ecg::cache_options(cohort, options), ".safetensors");
    key = cordis::ecg::cache_key(cohort, options);
    try {
      if (auto found = cordis::ecg::read_cache(file, key)) return std::move(*found);
    } catch (const IoError& error) {
      warn(concat(error.what(), "; the records are read again"));
    }
  }
  EcgData data = cordis::ecg::load(cohort, options);
  const auto classes = static_cast<std::int64_t>(data.classes.size());
  cordis::ecg::CachedData out{.account = {},
                              .x = tensor_of(std::move(data.samples), {data.size, data.length, data.leads}),
                              .y = tensor_of(std::move(data.labels), {data.size, classes})};
  out.account = std::move(data);
  if (file.empty() || out.account.size == 0) return out;
  fs::create_directories(cache);
  cordis::ecg::write_cache(file, key, out.account, out.x, out.y);
  // From the file from now on, whose pages other processes share.
  if (auto found = cordis::ecg::read_cache(file, key)) return std::move(*found);
  return out;
}

}  // namespace

cordis::ecg::Cohort open_folder(const std::string& folder, const SetOptions& set,
                                const cordis::ecg::PreprocessOptions& signal) {
  return cordis::ecg::open_source(folder, {.classes = set.classes,
                                           .rate = signal.rate > 100 ? 500 : 100,
                                           .drop_unreadable = set.drop_unreadable,
                                           .merge_equivalent = set.merge_equivalent,
                                           .tracings = tracings_reader()});
}

Records load_records(const SetOptions& set, const cordis::ecg::PreprocessOptions& signal,
                     const fs::path& cache) {
  Records out;
  std::vector<cordis::ecg::CachedData> parts;
  for (const auto& folder : set.folders) {
    SetOptions asked = set;
    if (!out.classes.empty()) asked.classes = out.classes;
    parts.push_back(load_folder(folder, asked, signal, cache));
    const EcgData& data = parts.back().account;
    if (out.classes.empty()) out.classes = data.classes;
    const std::string name = folder_name(folder);
    out.name += (out.name.empty() ? "" : " + ") + name;
    for (const auto& warning : data.warnings) warn(warning.text);
    for (auto record : data.records) {
      if (set.folders.size() > 1) record.name = name + '/' + record.name;
      out.records.push_back(std::move(record));
    }
    out.sizes.push_back(data.records.size());
    say(concat("read ", data.size, " records of ", name,
               data.dropped.empty() ? "" : concat(", dropped ", data.dropped.size())));
    if (data.size == 0)
      throw IoError(concat(folder, ": no record is left after reading",
                           data.dropped.empty() ? ""
                                                : concat("; the first of ", data.dropped.size(),
                                                         " dropped: ", data.dropped[0].text)));
  }
  cordis::TensorDataset all;
  for (auto& part : parts) {
    all = cordis::concatenate(all, {part.x, part.y});
    part.x = part.y = {};
    out.accounts.push_back(std::move(part.account));
  }
  out.x = all.x;
  out.y = all.y;
  return out;
}

Json digest_json(const Records& records) {
  Json json;
  for (std::size_t i = 0; i < records.accounts.size(); ++i)
    json.push_back({{"records", records.sizes[i]}, {"digest", records.accounts[i].digest.hex()}});
  return json;
}

DataSection data_section(const std::string& title, const Records& records,
                         const std::vector<std::pair<std::string, std::vector<std::int64_t>>>& parts) {
  DataSection out;
  out.title = title;
  out.classes = records.classes;
  for (const auto& [name, rows] : parts) {
    DataSection::Part part{name, rows.size(), std::vector<std::size_t>(records.classes.size(), 0)};
    for (const auto row : rows)
      for (std::size_t k = 0; k < records.classes.size(); ++k)
        part.positives[k] += records.records[static_cast<std::size_t>(row)].labels[k] > 0;
    out.parts.push_back(std::move(part));
  }
  for (const EcgData& data : records.accounts) {
    for (const auto& step : data.steps)
      out.steps.push_back({step.what, static_cast<std::size_t>(step.after)});
    for (const auto& drop : data.dropped) out.dropped.emplace_back(drop.name, drop.text);
    for (auto& note : notes_of(data)) out.notes.push_back(std::move(note));
  }
  return out;
}

}  // namespace app
