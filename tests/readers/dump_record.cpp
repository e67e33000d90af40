// tests/readers/dump_record.cpp: what the WFDB reader makes of records, for comparison with another reader
// Reads record paths from standard input, one per line. Writes for each, to standard output, one line of text
//   <length> <leads> <rate> <checksum mismatches> <other warnings> <lead names joined by |>
// and then length x leads little-endian float32. A record that cannot be read gives the line "error
// <message>".
#include <cordis/ecg/wfdb.hpp>
#include <cstdio>
#include <iostream>
#include <string>

int main() {
  using namespace cordis;
  std::string path;
  while (std::getline(std::cin, path)) {
    try {
      const ecg::Record record = ecg::read_record(path);
      int checksums = 0, others = 0;
      for (const ecg::Warning& warning : record.warnings) ++(warning.key == "checksum" ? checksums : others);
      std::string names;
      for (const std::string& lead : record.leads) names += (names.empty() ? "" : "|") + lead;
      std::printf("%lld %zu %.17g %d %d %s\n", static_cast<long long>(record.length), record.leads.size(),
                  record.fs, checksums, others, names.c_str());
      std::fwrite(record.samples.data(), sizeof(float), record.samples.size(), stdout);
    } catch (const std::exception& error) {
      std::printf("error %s\n", error.what());
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
