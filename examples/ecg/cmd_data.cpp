// examples/ecg/cmd_data.cpp: ecg data: what folders hold, and what becomes of it
#include <algorithm>
#include <cordis/ecg/oracles.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "commands.hpp"
#include "console.hpp"
#include "download.hpp"
#include "records.hpp"

namespace app {
namespace {

using cordis::concat;
using cordis::ecg::EcgData;

std::string padded(const std::string& text, std::size_t width) {
  return text.size() >= width ? text : std::string(width - text.size(), ' ') + text;
}

void print(const std::string& folder, const std::string& kind, const EcgData& data, double rate) {
  std::cout << folder << "\n  kind        " << kind << "\n  records     " << data.size << " of 12 leads, "
            << data.length << " samples at " << rate << " Hz\n  digest      " << data.digest.hex() << '\n';
  std::cout << "  classes\n";
  const auto counts = cordis::ecg::class_counts(data.records, data.classes.size());
  std::size_t width = 8;
  for (const auto& name : data.classes) width = std::max(width, name.size());
  for (std::size_t k = 0; k < data.classes.size(); ++k)
    std::cout << "    " << data.classes[k] << std::string(width - data.classes[k].size(), ' ')
              << padded(std::to_string(counts[k]), 8)
              << padded(
                     fixed(data.size ? 100.0 * static_cast<double>(counts[k]) / static_cast<double>(data.size)
                                     : 0,
                           1),
                     8)
              << " %" << (counts[k] == 0 ? "   empty: cannot be learnt or tested" : "") << '\n';
  const auto none = std::ranges::count_if(data.records, [](const auto& record) {
    return std::ranges::none_of(record.labels, [](float label) { return label > 0; });
  });
  std::cout << "    "
            << "(none)" << std::string(width - 6, ' ') << padded(std::to_string(none), 8) << '\n';
  std::map<int, std::int64_t> folds;
  std::map<std::string, std::int64_t> patients;
  for (const auto& record : data.records) {
    ++folds[record.fold];
    if (!record.patient.empty()) ++patients[record.patient];
  }
  if (folds.size() > 1 || !folds.contains(cordis::ecg::kNoFold)) {
    std::cout << "  folds      ";
    for (const auto& [fold, count] : folds)
      std::cout << ' '
                << (fold == cordis::ecg::kTrainingFold ? "1-8"
                    : fold == cordis::ecg::kNoFold     ? "none"
                                                       : std::to_string(fold))
                << ": " << count;
    std::cout << '\n';
  }
  if (!patients.empty()) std::cout << "  patients    " << patients.size() << '\n';
  std::cout << "  steps\n";
  for (const auto& step : data.steps)
    std::cout << "    " << padded(std::to_string(step.before), 6) << " -> "
              << padded(std::to_string(step.after), 6) << "  " << step.what << '\n';
  std::cout << "  dropped     " << data.dropped.size() << '\n';
  for (const auto& drop : data.dropped) std::cout << "    " << drop.key << ": " << drop.text << '\n';
  std::cout << "  warnings    " << data.warnings.size() << '\n';
  for (const auto& warning : data.warnings)
    std::cout << "    " << warning.key << ": " << warning.text << '\n';
  if (data.filled > 0) std::cout << "  filled      " << data.filled << " missing samples\n";
  if (!data.unused_codes.empty()) {
    std::cout << "  codes that stand for none of the classes\n";
    std::vector<std::pair<std::string, std::int64_t>> codes(data.unused_codes.begin(),
                                                            data.unused_codes.end());
    std::ranges::stable_sort(codes, [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& [code, count] : codes)
      std::cout << "    " << code << std::string(code.size() < 12 ? 12 - code.size() : 1, ' ')
                << padded(std::to_string(count), 6) << '\n';
  }
}

// A set of the published size: whether its counts are the published ones.
void print_published(const cordis::ecg::Cohort& cohort, const EcgData& data,
                     const cordis::ecg::PreprocessOptions& signal) {
  auto agreement = cordis::ecg::check_published(cohort);
  if (!agreement) return;
  cordis::ecg::check_kept(*agreement, data.size, signal);
  std::cout << "  published   " << agreement->text() << '\n';
  if (!agreement->differs.empty()) warn(agreement->text());
}

}  // namespace

void add_data(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "data",
      "What a folder of ECGs holds: counts per class and per step, every record dropped and why\n\n"
      "Reads and preprocesses every record as the other commands do. Known are: a labels.csv with a filename "
      "column and "
      "classes of 0 and 1; PTB-XL as published (ptbxl_database.csv, scp_statements.csv); folders of the "
      "PhysioNet "
      "Challenges 2020 and 2021 (.hea files with a #Dx line), CPSC2018 and Georgia among them; the PTB "
      "Diagnostic ECG Database (RECORDS, patientNNN); LUDB (ludb.csv); CODE-test of Ribeiro et al. "
      "(ecg_tracings.hdf5, "
      "annotations). Whole sets are compared with what is published of them. The exit status is 1 if a "
      "record could not be read.");
  struct Options {
    std::vector<std::string> folders;
    SetOptions set;
    cordis::ecg::PreprocessOptions signal = default_signal();
    std::string download, root = ".";
  };
  const auto o = std::make_shared<Options>();
  auto* folders = command->add_option("DIR", o->folders, "Folders of ECGs");
  command
      ->add_option(
          "--download", o->download,
          "Say how to get one of the study's public sets, how much it is, and whether what lies there is "
          "all of it. Nothing is downloaded")
      ->check(CLI::IsMember(download_names()))
      ->type_name("ptb-xl|cpsc2018|georgia|ptb|ludb|ribeiro")
      ->excludes(folders);
  command->add_option("--root", o->root, "With --download: the folder that the sets lie in")
      ->type_name("DIR")
      ->capture_default_str();
  add_set_options(*command, o->set, "", "");
  command->remove_option(command->get_option("--drop-unreadable"));
  o->set.drop_unreadable = true;  // here they are always listed
  add_signal_options(*command, o->signal);
  command->footer(
      "Examples:\n  ecg data examples/data/ludb\n  ecg data examples/data/* --band none --scaling none\n"
      "  ecg data --download ptb-xl --root ~/ecg\n");
  command->callback([o, &action] {
    action = [o] {
      if (!o->download.empty()) return download_help(o->download, o->root);
      if (o->folders.empty()) throw CLI::RequiredError("DIR");
      cordis::ecg::check_options(o->signal);
      std::int64_t unreadable = 0, all = 0;
      for (std::size_t i = 0; i < o->folders.size(); ++i) {
        const auto cohort = open_folder(o->folders[i], o->set, o->signal);
        all += std::ssize(cohort.records) + std::ssize(cohort.dropped);
        const EcgData data = cordis::ecg::load(cohort, {.preprocess = o->signal, .drop_unreadable = true});
        for (const auto& drop : data.dropped) unreadable += drop.key == "unreadable";
        if (i > 0) std::cout << '\n';
        print(o->folders[i], cohort.kind, data, o->signal.rate);
        if (!o->set.merge_equivalent) print_published(cohort, data, o->signal);
      }
      if (unreadable == 0) return 0;
      std::cout.flush();
      std::cerr << "ecg: " << unreadable << " of " << all
                << " records could not be read; they are listed above\n";
      return 1;
    };
  });
}

}  // namespace app
