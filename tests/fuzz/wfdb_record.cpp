// tests/fuzz/wfdb_record.cpp: a header and a signal file that need not fit each other, read and prepared
// Input: two bytes, the header's length; the header of a record r; the bytes of r.dat, which r.mat holds too.
#include <cordis/ecg/preprocess.hpp>

#include "target.hpp"

void one_input(std::string_view bytes) {
  if (bytes.size() < 2) return;
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0]) +
                                               256 * static_cast<unsigned char>(bytes[1]));
  bytes.remove_prefix(2);
  fuzz::write("r.hea", bytes.substr(0, length));
  const auto signal = bytes.substr(std::min(length, bytes.size()));
  fuzz::write("r.dat", signal);
  fuzz::write("r.mat", signal);
  fuzz::try_it([&] {
    const auto record = cordis::ecg::read_record(fuzz::folder() / "r");
    if (static_cast<std::size_t>(record.length) * record.leads.size() != record.samples.size()) std::abort();
    for (const bool band : {false, true})
      fuzz::try_it([&] {
        cordis::ecg::PreprocessOptions options;
        options.length = 20;
        options.band_pass = band;
        options.resampling = band ? cordis::ecg::Resampling::polyphase : cordis::ecg::Resampling::decimate;
        options.scaling = band ? cordis::ecg::Scaling::z_score : cordis::ecg::Scaling::min_max;
        cordis::ecg::preprocess(record, options);
      });
  });
}
