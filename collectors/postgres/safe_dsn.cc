#include <algorithm>
#include <array>
#include <string>

#include "collectors/postgres/connect_options.h"
#include "collectors/postgres/connection.h"

namespace pghang {
namespace {

/// What identifies a server. Everything else is left out, not only what is known to be secret:
/// `options` can hold one too, and so can keywords of a later libpq.
constexpr std::array<const char*, 6> kShown =
    {"host", "hostaddr", "port", "dbname", "user", "service"};

/// Quoted as PQconninfoParse() reads it back.
std::string quoted(const std::string& value) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c != '\'' && c != '\\' && c != '\x7f';
  });
  if (plain) return value;
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return text + '\'';
}

/// A connection string inside a value, or the end of a password with an unencoded `/` or `@`.
bool may_hold_a_secret(const std::string& value) {
  return value.find("://") != std::string::npos || value.find('=') != std::string::npos ||
         value.find('@', 1) != std::string::npos;
}

}  // namespace

std::string safe_dsn(const std::string& dsn) {
  const Result<ConnectOptions> options = parse_dsn(dsn);
  if (!options) return "(unreadable dsn)";
  std::string text;
  for (const char* keyword : kShown) {
    const auto option = options->find(keyword);
    if (option == options->end()) continue;
    if (!text.empty()) text += ' ';
    text += keyword;
    text += '=';
    text += may_hold_a_secret(option->second) ? "..." : quoted(option->second);
  }
  return text;
}

}  // namespace pghang
