// tests/ecg/csv_test.cpp: quoted fields, line counting, and what is refused
#include <doctest/doctest.h>

#include <random>

#include "scratch.hpp"

using namespace cordis;
using ecg::parse_csv;
using scratch::message;
using scratch::says;
using Row = std::vector<std::string>;

TEST_CASE("csv: quoted fields hold commas, doubled quotes and line breaks; lines are counted through them") {
  const auto table = parse_csv("id,text\r\n1,\"a,\"\"b\"\"\nc\r\nd\"\r\n\r\n2,\n3,e\"f", "t.csv");
  CHECK(table.columns == Row{"id", "text"});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0] == Row{"1", "a,\"b\"\nc\r\nd"});
  CHECK(table.rows[1] == Row{"2", ""});
  CHECK(table.rows[2] == Row{"3", "e\"f"});
  CHECK(table.lines == std::vector<std::int64_t>{2, 6, 7});
  CHECK(table.where(1, 1) == "t.csv:6: column 'text'");
}

TEST_CASE("csv: byte order mark, lone carriage returns, missing last line end") {
  const auto table = parse_csv("\xEF\xBB\xBFx,y\r1,2\r3,4", "t.csv");
  CHECK(table.columns == Row{"x", "y"});
  CHECK(table.rows == std::vector<Row>{{"1", "2"}, {"3", "4"}});
  CHECK(parse_csv("x\n", "t.csv").rows.empty());
  CHECK(parse_csv("x,y\n1,", "t.csv").rows == std::vector<Row>{{"1", ""}});
  CHECK(parse_csv("x,y\n,\"\"\n", "t.csv").rows == std::vector<Row>{{"", ""}});
}

TEST_CASE("csv: what is refused names the file and the line") {
  const auto refusal = [](const char* text) { return message([&] { parse_csv(text, "t.csv"); }); };
  CHECK(says(refusal("a,b\n1,\"two\nthree\n"), {"t.csv:2:", "never closed"}));
  CHECK(says(refusal("a,b\n\"1\"x,2\n"), {"t.csv:2:", "after a closing quote", "'x'"}));
  CHECK(says(refusal("a,b\n1,2\n1,2,3\n"), {"t.csv:3:", "3 fields", "header has 2"}));
  CHECK(says(refusal("a,b\n\"1\n2\",3\n4\n"), {"t.csv:4:", "1 fields"}));
  CHECK(says(refusal(""), {"t.csv", "empty"}));
  CHECK(says(refusal("\n\r\n"), {"t.csv", "empty"}));
}

TEST_CASE("csv: a missing or doubled column is named, with those there are") {
  const auto table = parse_csv("ecg_id,sex,sex\n1,2,3\n", "t.csv");
  CHECK(table.column("ecg_id") == 0);
  CHECK(
      says(message([&] { (void)table.column("strat_fold"); }), {"t.csv:1:", "'strat_fold'", "ecg_id, sex"}));
  CHECK(says(message([&] { (void)table.column("sex"); }), {"t.csv:1:", "'sex'", "twice"}));
  CHECK(says(message([] { ecg::read_csv("/nonexistent/labels.csv"); }),
             {"/nonexistent/labels.csv", "no such file"}));
}

TEST_CASE("csv: whatever is written with csv_field is read back") {
  std::mt19937 random(5);
  const std::string alphabet = "ab,\"\r\n ;'";
  for (int round = 0; round < 200; ++round) {
    std::vector<Row> rows(1 + random() % 4, Row(1 + random() % 4));
    rows.resize(1 + random() % 4, Row(rows[0].size()));
    for (Row& row : rows)
      for (std::string& field : row)
        for (auto n = random() % 6; n > 0; --n) field += alphabet[random() % alphabet.size()];
    std::string text = "c";
    for (std::size_t k = 1; k < rows[0].size(); ++k) text += concat(",c", k);
    text += "\n";
    for (const Row& row : rows) {
      std::string line;
      for (std::size_t k = 0; k < row.size(); ++k) line += (k ? "," : "") + ecg::csv_field(row[k]);
      text += (line.empty() ? "\"\"" : line) + "\n";  // an empty line would be skipped
    }
    CHECK(parse_csv(text, "t.csv").rows == rows);
  }
}

TEST_CASE("csv: LUDB's published table, whose fields hold line breaks") {
  const auto table = ecg::read_csv(std::filesystem::path(CORDIS_DATA_DIR) / "ludb/ludb.csv");
  CHECK(table.rows.size() == 160);
  CHECK(table.columns.size() == 12);
  CHECK(table.rows[0][table.column("Hypertrophies")] ==
        "Left ventricular overload\nLeft ventricular hypertrophy");
}
