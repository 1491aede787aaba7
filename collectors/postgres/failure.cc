#include "collectors/postgres/failure.h"

#include <algorithm>
#include <cctype>

namespace pghang {
namespace {

constexpr std::size_t kStateLength = 5;
constexpr std::string_view kInsufficientPrivilege = "42501";
constexpr std::string_view kTooManyConnections = "53300";
constexpr std::string_view kQueryCanceled = "57014";
constexpr std::string_view kBeforeState = ":  ";

bool is_sqlstate(std::string_view text) {
  return text.size() == kStateLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

Errc code_of_start_up(std::string_view sqlstate) {
  if (sqlstate.starts_with("28") || sqlstate == kInsufficientPrivilege)
    return Errc::permission_denied;
  if (sqlstate == kTooManyConnections) return Errc::too_many_connections;
  if (sqlstate.empty() || sqlstate.starts_with("57P")) return Errc::disconnected;
  return Errc::refused;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.starts_with("LOCATION:")) continue;
    line += ' ';
    for (const char c : part)
      line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  const auto doubled = [](char a, char b) {
    return a == ' ' && b == ' ';
  };
  line.erase(std::unique(line.begin(), line.end(), doubled), line.end());
  if (line.starts_with(' ')) line.erase(0, 1);
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

Error connect_failure(std::string_view message) {
  // With several hosts there are several; the last one is of the last host that answered.
  std::string sqlstate;
  std::string text(message);
  for (std::size_t at = text.find(kBeforeState); at != std::string::npos;
       at = text.find(kBeforeState, at + 1)) {
    const std::size_t state = at + kBeforeState.size();
    const std::string_view rest = std::string_view(text).substr(state);
    if (!is_sqlstate(rest.substr(0, kStateLength))) continue;
    if (!rest.substr(kStateLength).starts_with(": ")) continue;
    sqlstate = rest.substr(0, kStateLength);
    text.erase(state, kStateLength + 2);
  }
  return {code_of_start_up(sqlstate), one_line(text)};
}

Error statement_failure(const PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view state = sqlstate == nullptr ? "" : sqlstate;
  const bool denied = state == kInsufficientPrivilege;
  std::string words = one_line(primary != nullptr ? primary : PQresultErrorMessage(result));
  // From 16 on what is missing is said there. That of other errors may hold data.
  const char* detail = denied ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : nullptr;
  if (detail != nullptr) words += ". " + one_line(detail);
  return {
      denied                    ? Errc::permission_denied
      : state == kQueryCanceled ? Errc::timeout
                                : Errc::refused,
      words};
}

}  // namespace pghang
