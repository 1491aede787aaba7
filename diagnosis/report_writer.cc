#include "diagnosis/report_writer.h"

#include <algorithm>

#include "diagnosis/text.h"

namespace pghang {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kFieldIndent = 16;
constexpr std::size_t kItemIndent = 5;

}  // namespace

void ReportWriter::heading(std::string_view words) {
  heading_ = words;
}

void ReportWriter::paragraph(std::string_view words) {
  hang("", 0, words);
}

void ReportWriter::field(std::string_view name, std::string_view value) {
  hang("  " + std::string(name) + " ", kFieldIndent, value);
}

void ReportWriter::item(std::string_view mark, std::string_view words) {
  hang("  " + std::string(mark) + " ", kItemIndent, words);
}

void ReportWriter::line(std::string_view words) {
  begin_line();
  text_.append("  ").append(words) += '\n';
}

void ReportWriter::begin_line() {
  if (heading_.empty()) return;
  if (!text_.empty()) text_ += '\n';
  text_.append(heading_) += '\n';
  heading_.clear();
}

void ReportWriter::hang(std::string_view mark, std::size_t indent, std::string_view words) {
  std::string margin(mark);
  margin.resize(std::max(margin.size(), indent), ' ');
  for (const std::string& line : text::wrap(words, kWidth - indent)) {
    begin_line();
    text_.append(margin).append(line) += '\n';
    margin.assign(indent, ' ');
  }
}

}  // namespace pghang
