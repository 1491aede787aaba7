#pragma once

#include <string>
#include <string_view>

namespace pghang {

/// Lays a report out for a terminal of 100 columns. Empty values leave no line.
class ReportWriter {
 public:
  /// A line of its own, an empty one before it (but for the first); nothing when nothing follows.
  void heading(std::string_view words);
  /// Wrapped text at the left margin.
  void paragraph(std::string_view words);
  /// `  name           value`, the value wrapped under itself.
  void field(std::string_view name, std::string_view value);
  /// `  1. words`, the words wrapped under themselves.
  void item(std::string_view mark, std::string_view words);
  /// As it is, indented.
  void line(std::string_view words);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  /// Writes the heading that waits for its first line.
  void begin_line();
  void hang(std::string_view mark, std::size_t indent, std::string_view words);

  std::string text_;
  std::string heading_;
};

}  // namespace pghang
