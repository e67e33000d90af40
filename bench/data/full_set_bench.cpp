// bench/data/full_set_bench.cpp: a set of PTB-XL's size: reading, an epoch of batches, and both again from
// the cache full_set_bench FOLDER [RECORDS]: makes the records in FOLDER where they are not there (21837 of
// 10 s at 100 Hz by default: noise in PTB-XL's layout, 0.5 GB), and prints seconds and the process's largest
// memory after each phase.
#include <sys/resource.h>

#include <chrono>
#include <cordis/core/random.hpp>
#include <cordis/data/loader.hpp>
#include <cordis/ecg/cache.hpp>
#include <cordis/ecg/sources.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace fs = std::filesystem;
using namespace cordis;

namespace {

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}
double peak_gb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

void make_records(const fs::path& folder, int records) {
  std::ofstream statements(folder / "scp_statements.csv");
  statements
      << ",diagnostic,diagnostic_class\nNORM,1.0,NORM\nIMI,1.0,MI\nNDT,1.0,STTC\nLVH,1.0,HYP\nCLBBB,1.0,CD\n";
  const char* const codes[] = {"NORM", "IMI", "NDT", "LVH", "CLBBB"};
  std::string table = "ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr\n";
  Generator generator(1);
  std::vector<std::int16_t> samples(1000 * 12);
  for (int id = 1; id <= records; ++id) {
    char name[64];
    std::snprintf(name, sizeof name, "records100/%05d/%05d_lr", id / 1000 * 1000, id);
    table += concat(id, ',', id, ".0,\"{'", codes[generator.below(5)], "': 100.0}\",", 1 + id % 10, ',', name,
                    ",\n");
    fs::create_directories((folder / name).parent_path());
    for (auto& sample : samples) sample = static_cast<std::int16_t>(generator.below(2000)) - 1000;
    std::ofstream((folder / name).string() + ".dat", std::ios::binary)
        .write(reinterpret_cast<const char*>(samples.data()),
               static_cast<std::streamsize>(samples.size() * sizeof samples[0]));
    const std::string stem = fs::path(name).filename().string();
    std::ofstream header((folder / name).string() + ".hea");
    header << stem << " 12 100 1000\n";
    for (const auto lead : ecg::kStandardLeads)
      header << stem << ".dat 16 1000.0(0)/mV 16 0 " << lead << '\n';
  }
  std::ofstream(folder / "ptbxl_database.csv") << table;
}

// One epoch of shuffled batches of 256; returns its seconds.
double iterate(const Tensor& x, const Tensor& y) {
  const auto begun = std::chrono::steady_clock::now();
  double sum = 0;
  std::int64_t seen = 0;
  const TensorDataset data{x, y};
  for (const auto& [bx, by] : Loader(data, {.batch = 256, .shuffle = true, .seed = 1})) {
    sum += static_cast<double>(bx.data<float>()[0]) + static_cast<double>(by.data<float>()[0]);
    seen += bx.size(0);
  }
  CORDIS_CHECK(seen == x.size(0) && std::isfinite(sum), "[full_set_bench] ", seen, " records seen");
  return seconds_since(begun);
}

void tell(const char* what, double seconds) {
  std::printf("%-44s %7.1f s   largest memory so far %.2f GB\n", what, seconds, peak_gb());
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "full_set_bench FOLDER [RECORDS]\n");
    return 2;
  }
  const fs::path folder = arguments[1], cache = folder / "cache" / "kept.safetensors";
  const int records = count > 2 ? std::atoi(arguments[2]) : 21837;
  fs::create_directories(cache.parent_path());
  if (!fs::exists(folder / "ptbxl_database.csv")) {
    make_records(folder, records);
    std::printf("made %d records\n", records);
  }
  auto begun = std::chrono::steady_clock::now();
  const auto cohort = ecg::open_source(folder, {.kind = "ptb-xl"});
  const ecg::LoadOptions options{.preprocess = {.band_pass = true,
                                                .resampling = ecg::Resampling::polyphase,
                                                .scaling = ecg::Scaling::z_score}};
  const std::string key = ecg::cache_key(cohort, options);
  tell("tables read, files looked at", seconds_since(begun));
  begun = std::chrono::steady_clock::now();
  const auto found = ecg::read_cache(cache, key);
  if (!found) {
    ecg::EcgData data = ecg::load(cohort, options);
    tell("read, band-passed and scaled", seconds_since(begun));
    begun = std::chrono::steady_clock::now();
    const auto owner = std::make_shared<std::vector<float>>(std::move(data.samples));
    const Tensor x({data.size, data.length, 12}, DType::f32, Storage(owner->data(), owner));
    const Tensor y = Tensor::of<float>({data.size, std::ssize(data.classes)}, data.labels);
    ecg::write_cache(cache, key, data, x, y);
    tell("written to the cache", seconds_since(begun));
    tell("an epoch of batches", iterate(x, y));
  } else {
    tell("mapped from the cache, checksum verified", seconds_since(begun));
    tell("an epoch of batches", iterate(found->x, found->y));
  }
  return 0;
}
