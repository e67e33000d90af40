// cordis/ecg/csv.hpp: tables in CSV (RFC 4180): quoted fields, line breaks inside them, CRLF, byte order mark
#pragma once

#include <algorithm>
#include <cordis/config.hpp>
#include <cordis/ecg/file.hpp>
#include <cordis/ecg/text.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cordis::inline CORDIS_ABI::ecg {

// A table with a header line; RFC 4180.
struct CsvTable {
  std::string source;                          // the file, for messages
  std::vector<std::string> columns;            // first row
  std::vector<std::vector<std::string>> rows;  // each as wide as `columns`
  std::vector<std::int64_t> lines;             // line of the file on which each row starts, from 1

  // Whether there is such a column.
  bool has(std::string_view name) const { return std::ranges::find(columns, name) != columns.end(); }

  // Its number; IoError with the columns that there are where it is none of them.
  std::size_t column(std::string_view name) const {
    const auto found = std::ranges::find(columns, name);
    if (found == columns.end())
      throw IoError(concat(source, ":1: no column '", name, "'; there are: ", join(columns, 60)));
    if (std::find(found + 1, columns.end(), name) != columns.end())
      throw IoError(concat(source, ":1: column '", name, "' appears twice"));
    return static_cast<std::size_t>(found - columns.begin());
  }

  // "labels.csv:12: column 'NORM'": where an error message starts.
  std::string where(std::size_t row, std::size_t col) const {
    return concat(source, ":", lines[row], ": column '", shown(columns[col]), "'");
  }
};

namespace detail {

// Reads fields off a text and counts its lines.
struct CsvScanner {
  std::string_view text;
  const std::string& source;
  std::size_t at = 0;
  std::int64_t line = 1;

  bool done() const { return at == text.size(); }
  bool at_line_end() const { return done() || text[at] == '\n' || text[at] == '\r'; }

  void pass_line_end() {
    if (!done()) at += text.substr(at).starts_with("\r\n") ? 2 : 1;
    ++line;
  }

  std::string quoted_field() {
    std::string field;
    const std::int64_t opened = line;
    for (++at;;) {
      if (done()) throw IoError(concat(source, ":", opened, ": a quote opened here is never closed"));
      const char c = text[at++];
      if (c == '"') {
        if (done() || text[at] != '"') break;
        ++at;
      }
      if (c == '\n' || (c == '\r' && (done() || text[at] != '\n'))) ++line;
      field += c;
    }
    if (!at_line_end() && text[at] != ',')
      throw IoError(concat(source, ":", line, ": text after a closing quote: '", text[at], "'"));
    return field;
  }

  std::string field() {
    if (!done() && text[at] == '"') return quoted_field();
    const std::size_t end = std::min(text.find_first_of(",\r\n", at), text.size());
    std::string out(text.substr(at, end - at));
    at = end;
    return out;
  }

  std::vector<std::string> row() {
    std::vector<std::string> out{field()};
    while (!at_line_end()) {
      ++at;  // the comma
      out.push_back(field());
    }
    pass_line_end();
    return out;
  }
};

}  // namespace detail

// Empty lines are skipped. A quote inside an unquoted field is an ordinary character. Every other departure
// from RFC 4180 throws IoError with the line: an open quote, text after a closing quote, a row of another
// width.
inline CsvTable parse_csv(std::string_view text, std::string source) {
  CsvTable table{.source = std::move(source), .columns = {}, .rows = {}, .lines = {}};
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  detail::CsvScanner scan{.text = text, .source = table.source};
  while (!scan.done()) {
    if (scan.at_line_end()) {
      scan.pass_line_end();
      continue;
    }
    const std::int64_t line = scan.line;
    auto row = scan.row();
    if (table.columns.empty()) {
      table.columns = std::move(row);
      continue;
    }
    if (row.size() != table.columns.size())
      throw IoError(concat(table.source, ":", line, ": row has ", row.size(), " fields, the header has ",
                           table.columns.size()));
    table.rows.push_back(std::move(row));
    table.lines.push_back(line);
  }
  if (table.columns.empty()) throw IoError(concat(table.source, ": empty, a header row was wanted"));
  return table;
}

// With `digest`, the bytes read are added to it.
inline CsvTable read_csv(const std::filesystem::path& path, Digest* digest = nullptr) {
  const std::string text = read_text(path);
  if (digest) digest->add(text);
  return parse_csv(text, path.string());
}

// A field as it is written: quoted where it holds a comma, a quote or a line break.
inline std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace cordis::inline CORDIS_ABI::ecg
