// examples/ecg/html.hpp: the few elements a report is made of, and its style sheet
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace app {

std::string escape(std::string_view text);

// A table whose first `names` columns are text and whose other columns are numbers, set right.
struct Table {
  std::string caption = {};
  std::size_t names = 1;
  std::vector<std::string> head = {};
  std::vector<std::vector<std::string>> rows = {};  // a first cell that is empty continues the group above
};

// Text handed in is escaped; svg and the result of html() are not.
class Html {
 public:
  explicit Html(const std::string& title);
  void heading(std::string_view text);
  void subheading(std::string_view text);
  void paragraph(std::string_view text, std::string_view style = {});
  void list(const std::vector<std::string>& items);
  void table(const Table& table);
  // Drawings side by side, each with its caption for those who cannot see it.
  struct Figure {
    std::string svg, caption;
  };
  void figures(const std::vector<Figure>& figures);
  // A boxed answer: headline and sentences.
  void box(std::string_view headline, const std::vector<std::string>& sentences);
  void preformatted(std::string_view text, std::string_view summary);  // folded
  std::string html() const;

 private:
  std::string body_;
  std::string title_;
};

}  // namespace app
