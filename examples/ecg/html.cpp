// examples/ecg/html.cpp: the few elements a report is made of, and its style sheet
#include "html.hpp"

namespace app {
namespace {

constexpr std::string_view kStyle = R"(
:root { --ink: #1d2126; --soft: #5b646e; --line: #d5dae0; --box: #f4f6f8; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.6rem 4rem; max-width: 72rem; color: var(--ink); background: #fff;
  font: 16px/1.5 "Source Sans 3", "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-top: .5rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1.02rem; margin: 1.5rem 0 .4rem; }
p, li { max-width: 48rem; }
p { margin: .4rem 0 .7rem; }
.soft { color: var(--soft); font-size: .92rem; }
.warn { border-left: 4px solid #b5490b; padding: .1rem 0 .1rem .8rem; }
.box { border: 1px solid var(--line); border-left: 6px solid var(--ink); background: var(--box);
  padding: .7rem 1.1rem; margin: .8rem 0; break-inside: avoid; }
.box strong { font-size: 1.06rem; }
.box ul { margin: .35rem 0 0; padding-left: 1.1rem; }
.box li { max-width: none; }
.scroll { overflow-x: auto; margin: .7rem 0 1.1rem; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: 0 0 .35rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 3.4rem); }
th, td { padding: .22rem .8rem .22rem 0; text-align: left; vertical-align: baseline; white-space: nowrap; }
th { border-bottom: 1px solid var(--ink); font-weight: 600; white-space: normal; vertical-align: bottom; }
td.n, th.n { text-align: right; padding: .22rem .2rem .22rem 1.3rem; }
td.w { white-space: normal; overflow-wrap: anywhere; min-width: 10rem; }
tr.g td { border-top: 1px solid var(--line); }
tr:last-child td { border-bottom: 1px solid var(--line); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(27rem, 100%), 1fr)); gap: .6rem 1.2rem; }
figure { margin: 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { font-size: .88rem; color: var(--soft); max-width: 34rem; }
details { margin: .8rem 0; } summary { cursor: pointer; }
pre { font: .82rem/1.4 "DejaVu Sans Mono", Consolas, monospace; background: var(--box); padding: .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
@media print { body { font-size: 10pt; padding: 0; max-width: none; } h2 { break-after: avoid; }
  tr, figure { break-inside: avoid; } .scroll { overflow: visible; } @page { margin: 15mm; } }
)";

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

Html::Html(const std::string& title) : title_(title) { body_ = "<h1>" + escape(title) + "</h1>\n"; }

void Html::heading(std::string_view text) { body_ += "<h2>" + escape(text) + "</h2>\n"; }
void Html::subheading(std::string_view text) { body_ += "<h3>" + escape(text) + "</h3>\n"; }

void Html::paragraph(std::string_view text, std::string_view style) {
  body_ += style.empty() ? "<p>" : "<p class=\"" + std::string(style) + "\">";
  body_ += escape(text) + "</p>\n";
}

void Html::list(const std::vector<std::string>& items) {
  body_ += "<ul>\n";
  for (const auto& item : items) body_ += "<li>" + escape(item) + "</li>\n";
  body_ += "</ul>\n";
}

void Html::table(const Table& table) {
  const auto cell = [&](const char* tag, std::size_t column, const std::string& text) {
    const bool number = column >= table.names;
    const char* style = number ? " class=\"n\"" : text.size() > 48 ? " class=\"w\"" : "";
    return std::string("<") + tag + style + '>' + escape(text) + "</" + tag + '>';
  };
  body_ += "<div class=\"scroll\"><table>\n";
  if (!table.caption.empty()) body_ += "<caption><span>" + escape(table.caption) + "</span></caption>\n";
  body_ += "<thead><tr>";
  for (std::size_t i = 0; i < table.head.size(); ++i) body_ += cell("th", i, table.head[i]);
  body_ += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    body_ += !row.empty() && !row[0].empty() ? "<tr class=\"g\">" : "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) body_ += cell("td", i, row[i]);
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
}

void Html::figures(const std::vector<Figure>& figures) {
  body_ += "<div class=\"figures\">\n";
  for (const auto& figure : figures)
    body_ += "<figure role=\"img\" aria-label=\"" + escape(figure.caption) + "\">" + figure.svg +
             "<figcaption>" + escape(figure.caption) + "</figcaption></figure>\n";
  body_ += "</div>\n";
}

void Html::box(std::string_view headline, const std::vector<std::string>& sentences) {
  body_ += "<div class=\"box\"><strong>" + escape(headline) + "</strong>\n<ul>\n";
  for (const auto& sentence : sentences) body_ += "<li>" + escape(sentence) + "</li>\n";
  body_ += "</ul></div>\n";
}

void Html::preformatted(std::string_view text, std::string_view summary) {
  body_ += "<details><summary>" + escape(summary) + "</summary><pre>" + escape(text) + "</pre></details>\n";
}

std::string Html::html() const {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\">\n<title>" +
         escape(title_) + "</title>\n<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n" + body_ +
         "</body>\n</html>\n";
}

}  // namespace app
