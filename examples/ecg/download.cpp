// examples/ecg/download.cpp: where the study's public data sets are, and whether one has come whole
#include "download.hpp"

#include <algorithm>
#include <filesystem>

#include "console.hpp"
#include "records.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;
using cordis::concat;

struct PublicSet {
  const char* name;
  const char* folder;  // below the root
  const char* page;
  const char* size;                   // of the signals, by their number, length and sample size
  std::vector<std::int64_t> records;  // in a whole set; by version
  std::vector<std::string> commands;  // run in the root
};

std::string physionet(const std::string& path, const std::string& folder, int cut,
                      const std::string& more = {}) {
  return concat("wget -r -N -c -np -nH --cut-dirs=", cut, ' ', more, more.empty() ? "" : " ", "-P ", folder,
                " https://physionet.org/files/", path, '/');
}

const std::vector<PublicSet>& sets() {
  static const std::vector<PublicSet> all = {
      {"ptb-xl",
       "ptb-xl",
       "https://physionet.org/content/ptb-xl/1.0.3/",
       "0.5 GB at 100 Hz (21799 records of 24 kB), and 2.6 GB more at 500 Hz",
       {21837, 21799},
       {physionet("ptb-xl/1.0.3", "ptb-xl", 3, "-X /files/ptb-xl/1.0.3/records500"),
        "(cd ptb-xl && grep -v records500 SHA256SUMS.txt | sha256sum -c --quiet)"}},
      {"cpsc2018",
       "cpsc_2018",
       "https://physionet.org/content/challenge-2020/1.0.2/",
       "about 1.3 GB (6877 records of 6 to 144 s, 12 kB a second)",
       {6877},
       {physionet("challenge-2020/1.0.2/training/cpsc_2018", "cpsc_2018", 5)}},
      {"georgia",
       "georgia",
       "https://physionet.org/content/challenge-2020/1.0.2/",
       "1.2 GB (10344 records of at most 120 kB)",
       {10344},
       {physionet("challenge-2020/1.0.2/training/georgia", "georgia", 5)}},
      {"ptb",
       "ptbdb",
       "https://physionet.org/content/ptbdb/1.0.0/",
       "about 1.8 GB (549 records of 15 leads, 30 kB a second)",
       {549},
       {physionet("ptbdb/1.0.0", "ptbdb", 3), "(cd ptbdb && sha256sum -c --quiet SHA256SUMS.txt)"}},
      {"ludb",
       "ludb",
       "https://physionet.org/content/ludb/1.0.1/",
       "about 30 MB (200 records of 120 kB, and their annotations)",
       {200},
       {physionet("ludb/1.0.1", "ludb", 3), "(cd ludb && sha256sum -c --quiet SHA256SUMS.txt)"}},
      {"ribeiro",
       "code-test",
       "https://zenodo.org/records/3765780",
       "0.2 or 0.3 GB (827 records of 4096 samples, 12 leads, 4 or 8 bytes)",
       {827},
       {"mkdir -p code-test && wget -c -O code-test/data.zip "
        "'https://zenodo.org/records/3765780/files/data.zip?download=1'",
        "(cd code-test && unzip data.zip && mv data/* .)"}},
  };
  return all;
}

// Tells what is there; the number of records, kept or dropped.
std::int64_t look(const fs::path& folder) {
  SetOptions options;
  options.folders = {folder.string()};
  const auto cohort = open_folder(folder.string(), options, default_signal());
  const auto count = std::ssize(cohort.records) + std::ssize(cohort.dropped);
  say(concat("  there are ", count, " records of kind ", cohort.kind));
  return count;
}

}  // namespace

std::vector<std::string> download_names() {
  std::vector<std::string> names;
  for (const auto& set : sets()) names.emplace_back(set.name);
  return names;
}

int download_help(const std::string& name, const std::string& root) {
  const auto set = std::ranges::find(sets(), name, &PublicSet::name);
  CORDIS_CHECK(set != sets().end(), "[download_help] no set is called ", name);
  const fs::path folder = fs::path(root) / set->folder;
  say(concat(set->name, ": ", set->page, "\n  ", set->size,
             "\n  its licence and citation stand on that page\n"));
  say(concat("  cd ", root));
  for (const auto& command : set->commands) say("  " + command);
  say();
  if (!fs::exists(folder)) {
    say(concat("  ", folder.string(), " is not there yet"));
    return 0;
  }
  say(concat("  looking at ", folder.string()));
  const auto count = look(folder);
  if (std::ranges::find(set->records, count) != set->records.end()) {
    say("  that is all of it; `ecg data` compares its labels with what is published");
    return 0;
  }
  throw cordis::IoError(concat(folder.string(), ": ", count, " records, ", cordis::ecg::join(set->records),
                               " were published; the commands above go on where they were stopped"));
}

}  // namespace app
