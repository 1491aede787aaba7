#include "exporters/http/query_string.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace pghang {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char byte = text[i] == '+' ? ' ' : static_cast<unsigned char>(text[i]);
    if (text[i] == '%') {
      const std::string_view digits = text.substr(i + 1, 2);
      const char* const end = digits.data() + digits.size();
      const auto [rest, failed] = std::from_chars(digits.data(), end, byte, 16);
      if (digits.size() != 2 || failed != std::errc{} || rest != end) return std::nullopt;
      i += 2;
    }
    if (byte < ' ' || byte == 0x7F) return std::nullopt;
    plain += static_cast<char>(byte);
  }
  return plain;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decoded(pair.substr(0, equals));
    const auto value = decoded(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value) return Error{Errc::malformed, "the query has a broken escape"};
    if (!values.emplace(*key, *value).second)
      return Error{Errc::malformed, *key + ": is there twice"};
  }
  return values;
}

std::string query_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_plain(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return encoded;
}

}  // namespace pghang
