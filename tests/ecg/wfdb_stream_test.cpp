// tests/ecg/wfdb_stream_test.cpp: records in pieces are the records in one, and so are the complaints
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cordis/ecg/wfdb_stream.hpp>

#include "scratch.hpp"

using namespace cordis;
using ecg::RecordStream;
using scratch::bytes_of;
using scratch::message;
using scratch::says;

namespace {

// All pieces of `n` samples, one behind the other; missing samples count as -1e9.
std::vector<float> in_pieces(RecordStream& stream, std::int64_t n) {
  std::vector<float> all;
  while (true) {
    const ecg::Record piece = stream.read(n);
    if (piece.length == 0) break;
    REQUIRE(std::ssize(piece.samples) == piece.length * std::ssize(piece.leads));
    CHECK((piece.length == n || stream.position() == stream.length()));
    all.insert(all.end(), piece.samples.begin(), piece.samples.end());
  }
  for (float& sample : all) sample = std::isnan(sample) ? -1e9F : sample;
  return all;
}

// While alive, one more file can be opened, and no second beside it.
class OneFileMore {
 public:
  OneFileMore() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved_) == 0);
    const int next = ::open("/dev/null", O_RDONLY);
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next) + 1, saved_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  }
  ~OneFileMore() { ::setrlimit(RLIMIT_NOFILE, &saved_); }

 private:
  rlimit saved_{};
};

}  // namespace

TEST_CASE("wfdb stream: a real record comes in pieces of any size as it is read in one") {
  const auto path = scratch::fs::path(CORDIS_DATA_DIR) / "ludb/data/1";
  const ecg::Record whole = ecg::read_record(path);
  for (const std::int64_t n : {1, 777, 1000, 5000, 9000}) {
    RecordStream stream(path);
    CHECK(stream.length() == whole.length);
    CHECK(in_pieces(stream, n) == whole.samples);
    CHECK(stream.read(n).length == 0);
  }
  RecordStream stream(path);
  const ecg::Record piece = stream.read(10);
  CHECK(piece.leads == whole.leads);
  CHECK(piece.units == whole.units);
  CHECK(piece.fs == whole.fs);
  CHECK(piece.warnings.empty());
  CHECK(says(message<std::invalid_argument>([&] { stream.read(0); }), {"[RecordStream]", "0 samples"}));
}

TEST_CASE("wfdb stream: several files, an offset, microvolts and missing samples") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 3 100 4\na.dat 16 2(1)/uV\nb.dat 16+2 4/mV\na.dat 16 1/NU\n");
  folder.write("a.dat", bytes_of({1, 2, -32768, 4, 5, 6, 7, 8}));
  folder.write("b.dat", bytes_of({99, 10, 20, 30, 40}));
  RecordStream stream(folder.path / "r");
  auto whole = ecg::read_record(folder.path / "r").samples;
  for (float& sample : whole) sample = std::isnan(sample) ? -1e9F : sample;
  CHECK(whole[3] == -1e9F);
  CHECK(in_pieces(stream, 3) == whole);
}

TEST_CASE("wfdb stream: a wrong first sample is told with the first piece, a wrong checksum with the last") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 1 100 4\nr.dat 16 200/mV 16 0 9 11 0 V1\n");
  folder.write("r.dat", bytes_of({1, 2, 3, 4}));
  RecordStream stream(folder.path / "r");
  const auto first = stream.read(2).warnings, last = stream.read(2).warnings;
  REQUIRE(first.size() == 1);
  REQUIRE(last.size() == 1);
  CHECK(says(first[0].text, {"r.dat", "first sample", "V1", "is 1", "says 9"}));
  CHECK(says(last[0].text, {"r.dat", "checksum", "V1", "is 10", "says 11"}));
  RecordStream strict(folder.path / "r", {.strict = true});
  CHECK(says(message([&] { strict.read(2); }), {"first sample"}));
}

TEST_CASE(
    "wfdb stream: a file that is too short is refused before anything is read, one cut later where it ends") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 1 100 4\nr.dat 16 200/mV\n");
  folder.write("r.dat", bytes_of({1, 2, 3}));
  CHECK(
      says(message([&] { RecordStream stream(folder.path / "r"); }), {"r.dat", "holds 6 bytes", "wanted 8"}));
  folder.write("r.dat", bytes_of(std::vector<std::int16_t>(100000)));
  folder.write("r.hea", "r 1 100 100000\nr.dat 16 200/mV\n");
  RecordStream stream(folder.path / "r");
  CHECK(stream.read(10).length == 10);
  folder.write("r.dat", bytes_of({1, 2}));
  CHECK(says(message([&] { stream.read(90000); }), {"r.dat", "ends after 10 of 100000"}));
}

TEST_CASE("wfdb stream: more signal files than can be open at once") {
  const scratch::Folder folder;
  folder.write("r.hea", "r 2 100 2\na.dat 16 200/mV\nb.dat 16 200/mV\n");
  for (const char* name : {"a.dat", "b.dat"}) folder.write(name, bytes_of({1, 2}));
  const auto why = [&] {
    const OneFileMore limit;
    return message([&] { RecordStream stream(folder.path / "r"); });
  }();
  CHECK(says(why, {"b.dat: cannot be opened", "Too many open files"}));
  CHECK(RecordStream(folder.path / "r").length() == 2);
}
