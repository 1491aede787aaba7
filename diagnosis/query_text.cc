#include "diagnosis/query_text.h"

#include <optional>

/// Follows PostgreSQL's scan.l. In doubt it masks too much, never too little.
namespace pghang {
namespace {

constexpr std::string_view kCut = "…";

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

bool starts_identifier(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         static_cast<unsigned char>(byte) >= 0x80U;
}

bool continues_identifier(char byte) {
  return starts_identifier(byte) || is_digit(byte) || byte == '$';
}

class Scanner {
 public:
  explicit Scanner(std::string_view query) : rest_(query) {}

  std::string mask() {
    while (!rest_.empty() && !cut_)
      step();
    if (cut_) masked_ += kCut;
    return std::move(masked_);
  }

 private:
  void step() {
    const char byte = rest_.front();
    if (rest_.starts_with("--")) {
      line_comment();
    } else if (rest_.starts_with("/*")) {
      block_comment();
    } else if (byte == '\'') {
      string(false);
    } else if (byte == '"') {
      quoted_identifier();
    } else if (byte == '$') {
      dollar();
    } else if (is_digit(byte) || (byte == '.' && rest_.size() > 1 && is_digit(rest_[1]))) {
      number();
    } else if (starts_identifier(byte)) {
      identifier();
    } else {
      keep(1);
    }
  }

  void keep(std::size_t size) {
    masked_ += rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  /// The end of the text, in the middle of something that may not be shown.
  void cut() {
    rest_ = {};
    cut_ = true;
  }

  void line_comment() {
    const auto end = rest_.find_first_of("\r\n");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }

  void block_comment() {
    std::size_t depth = 0;
    std::size_t at = 0;
    do {
      if (rest_.substr(at).starts_with("/*")) {
        ++depth;
        at += 2;
      } else if (rest_.substr(at).starts_with("*/")) {
        --depth;
        at += 2;
      } else {
        ++at;
      }
    } while (depth > 0 && at < rest_.size());
    if (depth > 0) return cut();
    rest_.remove_prefix(at);
    masked_ += ' ';
  }

  /// At the opening quote. Without `escapes` a backslash before a quote is ambiguous: whether it
  /// ends the string there depends on standard_conforming_strings, so the text is cut.
  void string(bool escapes) {
    masked_ += '?';
    bool after_backslash = false;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      const char byte = rest_[at];
      if (byte == '\\') {
        after_backslash = !after_backslash;
        continue;
      }
      if (byte != '\'' || (escapes && after_backslash)) {
        after_backslash = false;
        continue;
      }
      if (after_backslash) break;
      if (at + 1 < rest_.size() && rest_[at + 1] == '\'') {
        ++at;
        continue;
      }
      rest_.remove_prefix(at + 1);
      return;
    }
    cut();
  }

  void quoted_identifier() {
    std::size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"')
      ++at;
    if (at == rest_.size()) return cut();
    keep(at + 1);
  }

  /// `$1`, `$$...$$` or `$tag$...$tag$`.
  void dollar() {
    std::size_t at = 1;
    if (at < rest_.size() && is_digit(rest_[at])) {
      while (at < rest_.size() && is_digit(rest_[at]))
        ++at;
      return keep(at);
    }
    while (at < rest_.size() && rest_[at] != '$' && continues_identifier(rest_[at]))
      ++at;
    if (at == rest_.size()) return cut();
    if (rest_[at] != '$') return keep(1);
    const std::string_view quote = rest_.substr(0, at + 1);
    masked_ += '?';
    const auto end = rest_.find(quote, quote.size());
    if (end == std::string_view::npos) return cut();
    rest_.remove_prefix(end + quote.size());
  }

  /// Digits, points, exponents, radix prefixes, underscores and any junk that sticks to them.
  void number() {
    std::size_t at = 0;
    while (at < rest_.size()) {
      const char byte = rest_[at];
      const bool sign = (byte == '+' || byte == '-') && at > 0 &&
                        (rest_[at - 1] == 'e' || rest_[at - 1] == 'E') && at + 1 < rest_.size() &&
                        is_digit(rest_[at + 1]);
      const bool range = rest_.substr(at).starts_with("..");
      if (range || !(sign || byte == '.' || continues_identifier(byte)) || byte == '$') break;
      ++at;
    }
    masked_ += '?';
    rest_.remove_prefix(at);
  }

  /// An identifier or keyword, or the letter before `E'..'`, `B'..'`, `X'..'`, `N'..'`, `U&'..'`.
  void identifier() {
    std::size_t at = 1;
    while (at < rest_.size() && continues_identifier(rest_[at]))
      ++at;
    const std::string_view after = rest_.substr(at);
    const char letter = at == 1 ? static_cast<char>(rest_.front() | 0x20) : '\0';
    const bool prefixes_string = letter == 'e' || letter == 'b' || letter == 'x' || letter == 'n';
    if (prefixes_string && after.starts_with('\'')) {
      rest_.remove_prefix(1);
      return string(letter == 'e');
    }
    if (letter == 'u' && after.starts_with("&'")) {
      rest_.remove_prefix(2);
      return string(false);
    }
    keep(at);
  }

  std::string_view rest_;
  std::string masked_;
  bool cut_ = false;
};

}  // namespace

std::string mask_query(std::string_view query) {
  return Scanner(query).mask();
}

}  // namespace pghang
