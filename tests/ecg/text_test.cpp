// tests/ecg/text_test.cpp: trimming, fields, and numbers that must be the whole text
#include <doctest/doctest.h>

#include <cordis/ecg/text.hpp>
#include <limits>

using namespace cordis::ecg;
using Views = std::vector<std::string_view>;

TEST_CASE("text: trim takes blanks of every kind off both ends, and no others") {
  CHECK(trim(" \t\r\n\f\va b\t ") == "a b");
  CHECK(trim("") == "");
  CHECK(trim(" \n ") == "");
  CHECK(trim("\xC2\xA0x") == "\xC2\xA0x");
  CHECK(trim("x") == "x");
}

TEST_CASE("text: lower and comparing are for ASCII letters alone") {
  CHECK(lower("aVR-Z[@`{Ä") == "avr-z[@`{Ä");
  CHECK(same_ignoring_case("AVR", "avr"));
  CHECK(same_ignoring_case("", ""));
  CHECK(!same_ignoring_case("V1", "V10"));
  CHECK(!same_ignoring_case("V1", "V2"));
  CHECK(!same_ignoring_case("@", "`"));
}

TEST_CASE("text: next_field and split pass runs of separators") {
  std::string_view line = "  one two\t three ";
  CHECK(next_field(line) == "one");
  CHECK(line == " two\t three ");
  CHECK(next_field(line) == "two");
  CHECK(next_field(line) == "three");
  CHECK(next_field(line) == "");
  CHECK(line == "");
  CHECK(split(",a,,b c,", ",") == Views{"a", "b c"});
  CHECK(split("a/b-c", "/-") == Views{"a", "b", "c"});
  CHECK(split("", ",").empty());
  CHECK(split(",,", ",").empty());
}

TEST_CASE("text: to_int takes one whole decimal integer that fits") {
  CHECK(to_int("0") == 0);
  CHECK(to_int("-12") == -12);
  CHECK(to_int("+12") == 12);
  CHECK(to_int("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(to_int("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  for (const char* bad : {"", "+", "-", "+-1", "--1", "++1", " 1", "1 ", "1.0", "1e3", "0x10", "one",
                          "9223372036854775808", "-9223372036854775809"}) {
    CAPTURE(bad);
    CHECK(!to_int(bad));
  }
}

TEST_CASE("text: to_real takes one whole finite decimal number") {
  CHECK(to_real("0") == 0.0);
  CHECK(to_real("+1.5") == 1.5);
  CHECK(to_real("-1e-3") == -1e-3);
  CHECK(to_real(".5") == 0.5);
  CHECK(to_real("200.") == 200.0);
  for (const char* bad :
       {"", "+", "+-1", ".", "1,5", "1.5 ", " 1.5", "1.5mV", "nan", "inf", "-inf", "1e400", "0x1p3", "1e"}) {
    CAPTURE(bad);
    CHECK(!to_real(bad));
  }
}

TEST_CASE("text: what is shown of a file stays on one line and is not long") {
  CHECK(shown("a\nb\tc\r\x01\x7F") == "a b c   ");
  CHECK(shown(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(shown(std::string(81, 'x')) == std::string(80, 'x') + "...");
  CHECK(shown("abcdef", 3) == "abc...");
  CHECK(shown("\xC3\xA4") == "\xC3\xA4");
}

TEST_CASE("text: join says how many there are where it leaves some out") {
  CHECK(join(std::vector<int>{}) == "");
  CHECK(join(std::vector<int>{1}) == "1");
  CHECK(join(std::vector<std::string>{"a", "b\n", "c"}) == "a, b , c");
  CHECK(join(std::vector<int>{1, 2, 3}, 3) == "1, 2, 3");
  CHECK(join(std::vector<int>{1, 2, 3, 4}, 3) == "1, 2, 3, ... (4 in all)");
}
