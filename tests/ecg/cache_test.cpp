// tests/ecg/cache_test.cpp: preprocessed records kept and found again, and when they are not
#include <doctest/doctest.h>

#include <cordis/ecg/cache.hpp>
#include <cordis/ecg/sources.hpp>
#include <cordis/io/atomic_file.hpp>

#include "scratch.hpp"

using namespace cordis;
namespace fs = std::filesystem;
using scratch::message;
using scratch::says;

namespace {

const fs::path kLudb = fs::path(CORDIS_DATA_DIR) / "ludb";

// The first records of LUDB, their signals linked, and one that is too short for the crop.
void some_ludb(const scratch::Folder& folder) {
  fs::create_directories(folder.path / "data");
  for (const char* name : {"1", "2", "3", "4", "5"})
    for (const char* suffix : {".hea", ".dat"})
      fs::copy_file(kLudb / "data" / (std::string(name) + suffix),
                    folder.path / "data" / (std::string(name) + suffix));
  std::string labels;
  for (const char c : ecg::read_text(kLudb / "labels.csv")) {
    labels += c;
    if (std::ranges::count(labels, '\n') == 6) break;
  }
  folder.write("labels.csv", labels);
}

const ecg::LoadOptions kOptions{.preprocess = {.length = 300, .scaling = ecg::Scaling::z_score}};

struct Kept {
  ecg::EcgData data;
  Tensor x, y;
};
Kept keep(const fs::path& file, const ecg::Cohort& cohort, const ecg::LoadOptions& options) {
  Kept out{.data = ecg::load(cohort, options), .x = {}, .y = {}};
  out.x = Tensor::of<float>({out.data.size, out.data.length, 12}, out.data.samples);
  out.y = Tensor::of<float>({out.data.size, std::ssize(out.data.classes)}, out.data.labels);
  ecg::write_cache(file, ecg::cache_key(cohort, options), out.data, out.x, out.y);
  return out;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

}  // namespace

TEST_CASE("cache: what was kept is found again, the account of the reading too") {
  const scratch::Folder folder;
  some_ludb(folder);
  const auto cohort = ecg::open_source(folder.path);
  const fs::path file = folder.path / "kept.safetensors";
  const std::string key = ecg::cache_key(cohort, kOptions);
  CHECK(!ecg::read_cache(file, key));
  const Kept kept = keep(file, cohort, kOptions);
  const auto found = ecg::read_cache(file, ecg::cache_key(cohort, kOptions));
  // The file lies in the set's own folder, which has changed with it.
  CHECK(!found);
  const scratch::Folder elsewhere;
  const fs::path other = elsewhere.path / "kept.safetensors";
  fs::remove(file);
  CHECK(ecg::cache_key(cohort, kOptions) == key);
  keep(other, cohort, kOptions);
  const auto again = ecg::read_cache(other, ecg::cache_key(cohort, kOptions));
  REQUIRE(again);
  CHECK(same(again->x, kept.x));
  CHECK(same(again->y, kept.y));
  const ecg::EcgData &a = again->account, &b = kept.data;
  CHECK(a.size == b.size);
  CHECK(a.length == b.length);
  CHECK(a.classes == b.classes);
  CHECK(a.filled == b.filled);
  CHECK(a.digest.value == b.digest.value);
  CHECK(a.warning_counts == b.warning_counts);
  CHECK(a.unused_codes == b.unused_codes);
  REQUIRE(a.records.size() == b.records.size());
  for (std::size_t i = 0; i < a.records.size(); ++i) {
    CHECK(a.records[i].name == b.records[i].name);
    CHECK(a.records[i].path == b.records[i].path);
    CHECK(a.records[i].labels == b.records[i].labels);
    CHECK(a.records[i].fold == b.records[i].fold);
    CHECK(a.records[i].patient == b.records[i].patient);
  }
  REQUIRE(a.steps.size() == b.steps.size());
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    CHECK(a.steps[i].what == b.steps[i].what);
    CHECK(a.steps[i].before == b.steps[i].before);
    CHECK(a.steps[i].after == b.steps[i].after);
  }
}

TEST_CASE("cache: dropped records and warnings, with commas and line breaks in their texts") {
  const scratch::Folder folder;
  some_ludb(folder);
  const auto cohort = ecg::open_source(folder.path);
  auto data = ecg::load(cohort, kOptions);
  data.dropped = {{"a,b", "too short", "said \"so\",\nand more"}, {"c", "rate", ""}};
  data.warnings = {{"checksum", "one, two"}, {"checksum", "three"}, {"first", ""}};
  data.unused_codes = {{"427084000", 3}};
  data.filled = 17;
  const scratch::Folder elsewhere;
  const fs::path file = elsewhere.path / "kept";
  ecg::write_cache(file, "key", data, Tensor::of<float>({5, 300, 12}, data.samples),
                   Tensor::of<float>({5, std::ssize(data.classes)}, data.labels));
  const auto found = ecg::read_cache(file, "key");
  REQUIRE(found);
  REQUIRE(found->account.dropped.size() == 2);
  CHECK(found->account.dropped[0].name == "a,b");
  CHECK(found->account.dropped[0].text == "said \"so\",\nand more");
  CHECK(found->account.warning_counts == std::map<std::string, std::int64_t>{{"checksum", 2}, {"first", 1}});
  CHECK(found->account.unused_codes == data.unused_codes);
  CHECK(found->account.filled == 17);
  CHECK(!ecg::read_cache(file, "another"));
}

TEST_CASE("cache: other options, other labels and changed files have other keys") {
  const scratch::Folder folder;
  some_ludb(folder);
  const auto key = [&](const ecg::LoadOptions& options, const ecg::SourceOptions& source = {}) {
    return ecg::cache_key(ecg::open_source(folder.path, source), options);
  };
  std::vector<std::string> keys{key(kOptions)};
  CHECK(key(kOptions) == keys[0]);
  auto options = kOptions;
  options.preprocess.length = 301;
  keys.push_back(key(options));
  options = kOptions;
  options.preprocess.scaling = ecg::Scaling::min_max;
  keys.push_back(key(options));
  options = kOptions;
  options.preprocess.resampling = ecg::Resampling::polyphase;
  keys.push_back(key(options));
  options = kOptions;
  options.preprocess.band_pass = true;
  keys.push_back(key(options));
  keys.push_back(key(kOptions, {.classes = {"HYP", "NORM"}}));
  keys.push_back(key(kOptions, {.classes = {"NORM", "HYP"}}));
  fs::last_write_time(folder.path / "data" / "3.dat",
                      fs::last_write_time(folder.path / "data" / "3.dat") + std::chrono::seconds(1));
  keys.push_back(key(kOptions));
  folder.write("data/notes.txt", "new");
  keys.push_back(key(kOptions));
  auto sorted = keys;
  std::ranges::sort(sorted);
  CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
}

TEST_CASE("cache: no key where a folder of the records can no longer be listed") {
  const scratch::Folder folder;
  some_ludb(folder);
  const auto cohort = ecg::open_source(folder.path);
  fs::rename(folder.path / "data", folder.path / "elsewhere");
  CHECK(
      says(message([&] { ecg::cache_key(cohort, kOptions); }), {"/data: cannot be listed", "No such file"}));
}

TEST_CASE("cache: each part of its account that is missing or no longer what was written is named") {
  const scratch::Folder folder;
  const fs::path path = folder.path / "kept";
  const Tensor x = Tensor::of<float>({1, 1, 2}, {1, 2}), y = Tensor::of<float>({1, 1}, {1});
  ecg::EcgData data;
  data.size = data.length = 1;
  data.leads = 2;
  data.classes = {"A"};
  data.records = {{.name = "r", .path = "r.hea", .labels = {1}, .patient = "p"}};
  data.steps = {{"has a label", 2, 1}};
  data.unused_codes = {{"SR", 2}};
  ecg::write_cache(path, "key", data, x, y);
  const auto good = read_safetensors(path);
  REQUIRE(ecg::read_cache(path, "key"));
  const auto refused = [&](const StateDict& tensors, const std::map<std::string, std::string>& metadata) {
    write_safetensors(path, tensors, metadata);
    return message([&] { ecg::read_cache(path, "key"); });
  };
  for (const auto& [name, text] : good.metadata) {
    auto metadata = good.metadata;
    metadata.erase(name);
    CHECK(says(refused(good.tensors, metadata), {"kept: its metadata has no " + name}));
  }
  const auto with = [&](const char* name, const char* text) {
    auto metadata = good.metadata;
    metadata[name] = text;
    return refused(good.tensors, metadata);
  };
  for (const char* name : {"classes", "records", "dropped", "steps", "warnings", "unused"})
    CHECK(says(with(name, "one\nx\n"), {concat("kept (", name, "):1: columns are one; "), "was wanted"}));
  CHECK(says(with("steps", "what,before,after\na,b,1\n"),
             {"kept (steps):2: column 'before': \"b\" is not a number"}));
  CHECK(says(with("records", "record,path,fold,patient,row\nr,r,9876543210,p,1\n"),
             {"(records):2: column 'fold'"}));
  CHECK(says(with("filled", "many"), {"kept: its filled is \"many\", a number is wanted"}));
  CHECK(says(with("digest", "xyz"), {"kept: its digest is \"xyz\""}));
  CHECK(says(with("classes", "class\nA\nB\n"),
             {"x (1, 1, 2) and y (1, 1) are not those of 1 records and 2 classes"}));
  CHECK(says(refused({{"y", y}}, good.metadata), {"are not those of 1 records"}));
  CHECK(says(refused({{"x", y}, {"y", y}}, good.metadata), {"x (1, 1) and y"}));
  write_safetensors(path, good.tensors, {{"cache.format", "0"}});
  CHECK(!ecg::read_cache(path, "key"));
}

TEST_CASE("cache: a damaged file is told, wherever it is damaged") {
  const scratch::Folder folder, elsewhere;
  some_ludb(folder);
  const auto cohort = ecg::open_source(folder.path);
  const fs::path file = elsewhere.path / "kept";
  keep(file, cohort, kOptions);
  const std::string key = ecg::cache_key(cohort, kOptions), whole = read_file(file);
  REQUIRE(ecg::read_cache(file, key));
  int noticed = 0;
  Generator generator(3);
  for (int i = 0; i < 40; ++i) {
    std::string bytes = whole;
    const auto at = bytes.size() - 1 - generator.below(300 * 12 * 4 * 5);  // among the elements
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << generator.below(8)));
    atomic_write(file, bytes);
    noticed += says(message([&] { ecg::read_cache(file, key); }), {"its checksum is", "remove it"});
  }
  CHECK(noticed == 40);
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{100}, std::size_t{0}}) {
    atomic_write(file, whole.substr(0, size));
    CHECK(!message([&] { ecg::read_cache(file, key); }).empty());
  }
}
