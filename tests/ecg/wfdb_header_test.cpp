// tests/ecg/wfdb_header_test.cpp: every liberty of the field, and what is refused
#include <doctest/doctest.h>

#include <cordis/ecg/wfdb_header.hpp>

#include "scratch.hpp"

using namespace cordis;
using ecg::parse_header;
using scratch::message;
using scratch::says;

namespace {

ecg::WfdbHeader parse(std::string_view text, bool strict = false) {
  return parse_header(text, "r.hea", {.strict = strict});
}
std::string refusal(std::string_view text, bool strict = false) {
  return message([&] { parse(text, strict); });
}
ecg::SignalHeader signal(const std::string& line) {
  return parse("r 1 500 10\n" + line + "\n").signals.at(0);
}

}  // namespace

TEST_CASE("wfdb_header: as PTB-XL publishes it") {
  const auto header = parse(
      "00001_lr 2 100 1000\r\n00001_lr.dat 16 1000.0(0)/mV 16 0 -119 1508 0 I\r\n"
      "00001_lr.dat 16 1716(-6)/mV 0 3 -55 64758 0 II\r\n# Age: 56\r\n",
      true);
  CHECK(header.name == "00001_lr");
  CHECK(header.fs == 100);
  CHECK(header.samples == 1000);
  REQUIRE(header.signals.size() == 2);
  const auto& second = header.signals[1];
  CHECK(second.file == "00001_lr.dat");
  CHECK(second.skip == 0);
  CHECK(second.gain == 1716);
  CHECK(second.baseline == -6);
  CHECK(second.units == "mV");
  CHECK(second.initial_value == -55);
  CHECK(second.checksum == 64758);
  CHECK(second.lead == "II");
  CHECK(header.comments == std::vector<std::string>{"Age: 56"});
  CHECK(header.warnings.empty());
}

TEST_CASE("wfdb_header: the record line's liberties") {
  const std::string line = "\na.dat 16 200 12 0 1 2 0 I\n";
  CHECK(parse("E00018.mat 1 500 5000 05-May-2020 14:50:55" + line).name == "E00018");
  CHECK(parse("r 1 500 10 14:02:05 07/10/2000" + line, true).samples == 10);
  CHECK(parse("r 1 500/500(0) 10" + line).fs == 500);
  CHECK(parse("r 1 360.5/1000 10" + line).fs == 360.5);
  CHECK(parse("r 1 500" + line).samples == std::nullopt);
  CHECK(parse("r 1 500 0" + line).samples == std::nullopt);
  CHECK(parse("# before\n\nr 1 500 10" + line).comments.size() == 1);
  const auto bare = parse("r 1" + line);
  CHECK(bare.fs == 250);
  REQUIRE(bare.warnings.size() == 1);
  CHECK(bare.warnings[0].key == "rate");
}

TEST_CASE("wfdb_header: a signal line may end after any field") {
  CHECK(signal("a.dat 16").gain == 200);
  CHECK(signal("a.dat 16").lead.empty());
  CHECK(signal("a.dat 16 1000.0").gain == 1000);
  CHECK(signal("a.dat 16 2e3/uV").units == "uV");
  CHECK(signal("a.dat 16 2e3/uV").gain == 2000);
  CHECK(signal("a.dat 16 1000(5)").baseline == 5);
  CHECK(signal("a.dat 16 1000/mV 16").baseline == 0);
  CHECK(signal("a.dat 16 1000/mV 16 -7").baseline == -7);
  CHECK(signal("a.dat 16 1000(2)/mV 16 -7").baseline == 2);
  CHECK(signal("a.dat 16 1000 16 0").initial_value == std::nullopt);
  CHECK(signal("a.dat 16 1000 16 0 -3").initial_value == -3);
  CHECK(signal("a.dat 16 1000 16 0 -3").checksum == std::nullopt);
  CHECK(signal("a.dat 16 1000 16 0 -3 -9").checksum == -9);
  CHECK(signal("a.dat 16 1000 16 0 -3 9 0 lead  I modified ").lead == "lead  I modified");
  CHECK(signal("a.dat 16 1000 16 0 aVR").lead == "aVR");
  CHECK(signal("a.dat 16 aVR").lead == "aVR");
}

TEST_CASE("wfdb_header: formats") {
  CHECK(signal("a.mat 16+24 1000/mV 16 0 1 2 0 I").skip == 24);
  CHECK(signal("a.mat 16x1+24 1000/mV").skip == 24);
  CHECK(signal("a.mat 16x1:0+24 1000/mV").skip == 24);
  CHECK(says(refusal("r 1 360 10\na.dat 212 200 11 1024 995 -22131 0 MLII\n"),
             {"r.hea:2:", "format 212", "lead MLII", "a.dat", "16"}));
  CHECK(says(refusal("r 1 360 10\na.dat 16x4 200\n"), {"r.hea:2:", "4 samples per frame"}));
  CHECK(says(refusal("r 1 360 10\na.dat 16:3 200\n"), {"r.hea:2:", "skew of 3"}));
  CHECK(says(refusal("r 1 360 10\na.dat 16+-4 200\n"), {"r.hea:2:", "-4", "negative"}));
  CHECK(says(refusal("r 1 360 10\na.dat x 200\n"), {"r.hea:2:", "format", "not an integer"}));
  CHECK(says(refusal("r 1 360 10\na.dat\n"), {"r.hea:2:", "a.dat", "no format"}));
}

TEST_CASE(
    "wfdb_header: a gain of zero or none reads as 200, with a warning that names the lead; strict refuses") {
  for (const std::string gain : {"0", "0(0)/mV", "0.0/mV", "-0"}) {
    const std::string text = "r 1 500 10\na.dat 16 " + gain + " 16 0 1 2 0 V5\n";
    const auto header = parse(text);
    CHECK(header.signals[0].gain == 200);
    REQUIRE(header.warnings.size() == 1);
    CHECK(header.warnings[0].key == "gain");
    CHECK(says(header.warnings[0].text, {"r.hea:2:", "lead V5", "gain of zero", "200"}));
    CHECK(says(refusal(text, true), {"r.hea:2:", "lead V5", "gain of zero"}));
  }
  CHECK(
      says(parse("r 1 500 10\na.dat 16\n").warnings.at(0).text, {"r.hea:2:", "signal 0", "no gain", "200"}));
  CHECK(says(refusal("r 1 500 10\na.dat 16\n", true), {"r.hea:2:", "no gain"}));
}

TEST_CASE("wfdb_header: numbers that are none name the field") {
  const auto of = [](const char* fields) { return refusal(concat("r 1 500 10\na.dat 16 ", fields, "\n")); };
  CHECK(says(of("1o0/mV 16 0 1 2 0 V5"), {"r.hea:2:", "gain '1o0/mV'"}));
  CHECK(says(of("nan/mV 16 0 1 2 0 V5"), {"r.hea:2:", "gain 'nan/mV'"}));
  CHECK(says(of("1e999/mV 16 0 1 2 0 V5"), {"r.hea:2:", "gain '1e999/mV'"}));
  CHECK(says(of("100(1.5)/mV"), {"r.hea:2:", "baseline", "100(1.5)/mV"}));
  CHECK(says(of("100(1/mV"), {"r.hea:2:", "baseline"}));
  CHECK(says(of("100 16 0 1x"), {"r.hea:2:", "initial value '1x'"}));
  CHECK(says(of("100 16 0 1 99999999999999999999 0 V5"), {"r.hea:2:", "checksum", "99999999999999999999"}));
}

TEST_CASE("wfdb_header: absurd record lines") {
  const std::string line = "\na.dat 16 200 12 0 1 2 0 I\n";
  CHECK(says(refusal(""), {"r.hea", "no record line"}));
  CHECK(says(refusal("# only a comment\n"), {"r.hea", "no record line"}));
  CHECK(says(refusal("r"), {"r.hea:1:", "no number of signals"}));
  CHECK(says(refusal("r 0 500 10"), {"r.hea:1:", "no signals"}));
  CHECK(says(refusal("r -1 500 10"), {"r.hea:1:", "-1"}));
  CHECK(says(refusal("r 1152921504606846976 500 10" + line), {"r.hea:1:", "1152921504606846976", "signals"}));
  CHECK(says(refusal("r 99999999999999999999 500 10" + line), {"r.hea:1:", "99999999999999999999"}));
  CHECK(says(refusal("r twelve 500 10" + line), {"r.hea:1:", "number of signals 'twelve'"}));
  CHECK(says(refusal("r 2 500 10" + line), {"r.hea", "1 signal lines", "names 2"}));
  CHECK(says(refusal("r 1 500 10" + line + "a.dat 16\n"), {"r.hea:3:", "follows the last of 1"}));
  CHECK(says(refusal("r 1 0 10" + line), {"r.hea:1:", "sampling rate '0'"}));
  CHECK(says(refusal("r 1 -500 10" + line), {"r.hea:1:", "sampling rate '-500'"}));
  CHECK(says(refusal("r 1 inf 10" + line), {"r.hea:1:", "sampling rate 'inf'"}));
  CHECK(says(refusal("r 1 500/x 10" + line), {"r.hea:1:", "500/x"}));
  CHECK(says(refusal("r 1 500 1152921504606846976" + line), {"r.hea:1:", "1152921504606846976", "samples"}));
  CHECK(says(refusal("r 1 500 -3" + line), {"r.hea:1:", "number of samples -3"}));
  CHECK(says(refusal("r 1 500 10 rubbish" + line), {"r.hea:1:", "'rubbish'"}));
  CHECK(says(refusal("r/3 1 500 10" + line), {"r.hea:1:", "several segments", "3"}));
}

TEST_CASE("wfdb_header: strict refuses what the Challenges ship") {
  const std::string line = "\na.dat 16 200 12 0 1 2 0 I\n";
  CHECK(says(refusal("E1.mat 1 500 10" + line, true), {"r.hea:1:", "E1.mat", "suffix"}));
  CHECK(says(refusal("E1 1 500 10 05-May-2020 14:50:55" + line, true), {"r.hea:1:", "05-May-2020"}));
  CHECK(says(refusal("E1 1 500 10 05/05/2020 14:50:55" + line, true), {"r.hea:1:", "14:50:55", "order"}));
  CHECK(refusal("E1 1 500 10 14:50:55 05/05/2020" + line, true).empty());
}

TEST_CASE("wfdb_header: comments by key") {
  const auto header = parse("r 1 500 10\na.dat 16 200\n#Age: 82\n# Dx: 1,2 \n#dx: 3\n#Dxy: 4\n#Hx\n");
  CHECK(ecg::comment_value(header.comments, "Dx") == "1,2");
  CHECK(ecg::comment_value(header.comments, "age") == "82");
  CHECK(ecg::comment_value(header.comments, "Hx") == std::nullopt);
  CHECK(ecg::comment_value(header.comments, "Sex") == std::nullopt);
}
