// cordis/ecg/wfdb_stream.hpp: a WFDB record piece by piece, for records longer than memory
#pragma once

#include <algorithm>
#include <cordis/ecg/wfdb.hpp>
#include <string>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// The samples of read_record, given in pieces; holds one piece in memory. Made once the headers are read and
// the signal files are found to be there in full: throws IoError where read_record would.
class RecordStream {
 public:
  // "x", "x.hea", "x.dat" and "x.mat" name the same record.
  explicit RecordStream(const std::filesystem::path& record, WfdbOptions options = {})
      : header_(read_header(record, options)),
        reader_{header_path(record), header_, options.strict, header_.samples} {
    for (auto& group : reader_.groups()) {
      reader_.check(group);
      const auto path = reader_.path_of(group);
      files_.push_back(
          {group, path,
           cordis::detail::FileDescriptor(cordis::detail::open_retrying(path.c_str(), O_RDONLY))});
      const int fd = files_.back().bytes.get();
      if (fd < 0 || ::lseek(fd, header_.signals[group[0]].skip, SEEK_SET) < 0)
        cordis::detail::io_fail(path, "cannot be opened");
    }
    sums_.resize(header_.signals.size());
  }
  RecordStream(const RecordStream&) = delete;
  RecordStream& operator=(const RecordStream&) = delete;

  // Rate, leads, gains, comments.
  const WfdbHeader& header() const { return header_; }
  // Samples per lead, of the whole record.
  std::int64_t length() const { return reader_.samples.value_or(0); }
  // Samples per lead that were read so far.
  std::int64_t position() const { return at_; }

  // The next `n` samples of every lead, fewer at the end, none (length 0) after it: a record of its own, in
  // mV. With the last sample come the warnings about checksums; in strict reading they are thrown.
  Record read(std::int64_t n) {
    CORDIS_CHECK(n > 0, "[RecordStream] a piece of ", n, " samples: at least one is needed");
    const std::int64_t rows = std::min(n, length() - at_);
    const std::size_t leads = header_.signals.size();
    Record piece = detail::described(header_, reader_.header_file, rows);
    piece.samples.resize(static_cast<std::size_t>(rows) * leads);
    for (const auto& [group, path, file] : files_) {
      bytes_.resize(static_cast<std::size_t>(rows) * 2 * group.size());
      if (cordis::detail::read_all(file.get(), bytes_.data(), bytes_.size(), path) < bytes_.size())
        throw IoError(concat(path.string(), ": ends after ", at_, " of ", length(), " samples"));
      for (std::size_t k = 0; k < group.size(); ++k)
        sums_[group[k]] += reader_.convert(bytes_.data() + 2 * k, group.size(), group[k], piece.samples);
      if (at_ == 0 && rows > 0)
        for (std::size_t k = 0; k < group.size(); ++k) reader_.check_first(bytes_.data() + 2 * k, group[k]);
    }
    at_ += rows;
    if (at_ == length() && rows > 0)
      for (std::size_t s = 0; s < leads; ++s) reader_.check_sum(sums_[s], s);
    piece.warnings = std::exchange(reader_.warnings, {});
    return piece;
  }

 private:
  struct File {
    std::vector<std::size_t> group;
    std::filesystem::path path;
    cordis::detail::FileDescriptor bytes;
  };
  WfdbHeader header_;
  detail::SignalFileReader reader_;
  std::vector<File> files_;
  std::vector<std::uint32_t> sums_;  // of each signal's samples so far
  std::string bytes_;
  std::int64_t at_ = 0;
};

}  // namespace cordis::inline CORDIS_ABI::ecg
