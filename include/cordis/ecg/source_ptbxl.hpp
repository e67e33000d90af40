// cordis/ecg/source_ptbxl.hpp: PTB-XL as published: ptbxl_database.csv and scp_statements.csv
// A record has a superclass if any of its SCP statements maps to it (column diagnostic_class), at any
// likelihood.
#pragma once

#include <cordis/config.hpp>
#include <cordis/ecg/cohort.hpp>
#include <cordis/ecg/csv.hpp>
#include <cordis/ecg/source_labels.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// Of open_ptbxl.
struct PtbXlOptions {
  std::vector<std::string> classes = kPtbXlClasses;
  int rate = 100;                // Hz: 100 or 500
  bool drop_unlabelled = false;  // else records without a superclass stay, as rows of zeros
};

// The keys of a Python dict literal of numbers: "{'NORM': 100.0, 'SR': 0.0}". `where` starts the error
// message.
inline std::vector<std::string> dict_keys(std::string_view text, const std::string& where) {
  std::vector<std::string> keys;
  std::size_t at = 0;
  const auto skip_blanks = [&] { at = std::min(text.find_first_not_of(kBlanks, at), text.size()); };
  const auto expect = [&](char wanted) {
    skip_blanks();
    if (at == text.size() || text[at] != wanted)
      throw IoError(concat(where, ": not a dict of numbers: wanted ", wanted, " at character ", at, " of \"",
                           shown(text), "\""));
    ++at;
  };
  const auto next_is = [&](char c) {
    skip_blanks();
    return at < text.size() && text[at] == c;
  };
  expect('{');
  while (!next_is('}')) {
    if (!keys.empty()) {
      expect(',');
      if (next_is('}')) break;
    }
    const char quote = next_is('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = std::min(text.find(quote, at), text.size());
    keys.emplace_back(text.substr(at, end - at));
    at = end;
    expect(quote);
    expect(':');
    skip_blanks();
    const std::size_t number_end = std::min(text.find_first_of(",} \t", at), text.size());
    if (!to_real(text.substr(at, number_end - at)))
      throw IoError(concat(where, ": not a dict of numbers: wanted a number at character ", at, " of \"",
                           shown(text), "\""));
    at = number_end;
  }
  expect('}');
  skip_blanks();
  if (at != text.size())
    throw IoError(concat(where, ": text after the dict at character ", at, " of \"", shown(text), "\""));
  return keys;
}

// Statement -> superclass; empty for statements of form and rhythm. The code stands in the first, unnamed
// column.
inline std::map<std::string, std::string> read_scp_statements(const std::filesystem::path& path,
                                                              Digest* digest = nullptr) {
  const CsvTable table = read_csv(path, digest);
  const std::size_t diagnostic = table.column("diagnostic"), superclass = table.column("diagnostic_class");
  std::map<std::string, std::string> out;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto& fields = table.rows[row];
    if (!out.emplace(fields[0], to_real(fields[diagnostic]) == 1.0 ? fields[superclass] : "").second)
      throw IoError(concat(table.where(row, 0), " names statement ", fields[0], " a second time"));
  }
  return out;
}

// PTB-XL as published: ptbxl_database.csv and scp_statements.csv; a superclass counts whatever its
// likelihood.
inline Cohort open_ptbxl(const std::filesystem::path& folder, const PtbXlOptions& options = {}) {
  CORDIS_CHECK(options.rate == 100 || options.rate == 500, "[open_ptbxl] rate is ", options.rate,
               " Hz, but must be 100 or 500");
  detail::check_classes(options.classes, "open_ptbxl");
  Cohort cohort{.kind = "ptb-xl", .folder = folder, .classes = options.classes};
  const auto statements = read_scp_statements(folder / "scp_statements.csv", &cohort.digest);
  for (const std::string& name : options.classes)
    if (std::ranges::none_of(statements, [&](const auto& s) { return s.second == name; }))
      throw IoError(
          concat((folder / "scp_statements.csv").string(), ": no statement has diagnostic_class ", name));

  const CsvTable table = read_csv(folder / "ptbxl_database.csv", &cohort.digest);
  const std::size_t id = table.column("ecg_id"), patient = table.column("patient_id"),
                    codes = table.column("scp_codes"), fold = table.column("strat_fold"),
                    file = table.column(options.rate == 100 ? "filename_lr" : "filename_hr");
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto& fields = table.rows[row];
    CohortRecord record{.name = fields[file],
                        .path = folder / fields[file],
                        .labels = std::vector<float>(options.classes.size(), 0.0f),
                        .fold = detail::parse_fold(table, row, fold),
                        .patient = detail::parse_patient(fields[patient])};
    for (const std::string& code : dict_keys(fields[codes], table.where(row, codes))) {
      const auto statement = statements.find(code);
      if (statement == statements.end()) {
        ++cohort.unused_codes[code];
        continue;
      }
      for (std::size_t k = 0; k < options.classes.size(); ++k)
        if (options.classes[k] == statement->second) record.labels[k] = 1;
    }
    if (record.name.empty())
      cohort.dropped.push_back({"ecg_id " + fields[id], "no file", table.where(row, file) + " is empty"});
    else
      cohort.records.push_back(std::move(record));
  }
  cohort.steps.push_back(
      {concat("has a ", table.columns[file]), std::ssize(table.rows), std::ssize(cohort.records)});
  if (options.drop_unlabelled) detail::drop_unlabelled(cohort);
  return cohort;
}

}  // namespace cordis::inline CORDIS_ABI::ecg
