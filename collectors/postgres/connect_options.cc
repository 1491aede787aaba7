#include "collectors/postgres/connect_options.h"

#include <algorithm>
#include <vector>

namespace pghang {
namespace {

Error unreadable_dsn(const char* why) {
  return {Errc::malformed, std::string("dsn: ") + why};
}

/// libpq merges service file, environment and defaults only on the way to a connection. A value
/// that it rejects after merging makes it stop there. What replaces the DSN's own value is lost.
ConnectOptions merged(ConnectOptions own, const ConnectOptions& replaced) {
  for (const auto& [keyword, value] : replaced)
    own[keyword] = value;
  const PgConnection rejected = start_connection(own);
  const PgConninfo array(PQconninfo(rejected.get()));
  return options_of(array.get());
}

}  // namespace

ConnectOptions options_of(const PQconninfoOption* array) {
  ConnectOptions options;
  for (const PQconninfoOption* option = array; option != nullptr && option->keyword != nullptr;
       ++option) {
    if (option->val != nullptr && *option->val != '\0') options[option->keyword] = option->val;
  }
  return options;
}

Result<ConnectOptions> parse_dsn(const std::string& dsn) {
  const PgConninfo parsed(PQconninfoParse(dsn.c_str(), nullptr));
  if (!parsed) return unreadable_dsn("not a libpq connection string or URI");
  ConnectOptions options = options_of(parsed.get());

  // `postgresql://user:pa@ss@host` and `postgresql://user:pa/ss@host` parse, with a part of the
  // password as host, port or database. From there it would get into messages.
  const std::string& host = options["host"];
  const std::string& port = options["port"];
  if (host.find('@', 1) != std::string::npos ||
      port.find_first_not_of("0123456789,") != std::string::npos) {
    return unreadable_dsn("the host or port is not one; percent-encode @ and / in a URI's password"
    );
  }
  std::erase_if(options, [](const auto& option) { return option.second.empty(); });
  return options;
}

Result<ConnectOptions> effective_options(const std::string& dsn) {
  const Result<ConnectOptions> own = parse_dsn(dsn);
  if (!own) return own.error();
  // Each gives what the other has lost. Neither reads the passfile, of which libpq would complain
  // on stderr once more.
  ConnectOptions options = merged(*own, {{"gssencmode", "rejected"}, {"passfile", "/nonexistent"}});
  if (options.empty()) return unreadable_dsn("its service definition is not usable");
  const ConnectOptions others = merged(*own, {{"sslmode", "rejected"}, {"password", "unused"}});
  for (const char* keyword : {"gssencmode", "passfile"}) {
    options.erase(keyword);
    if (const auto other = others.find(keyword); other != others.end()) options.insert(*other);
  }
  return options;
}

PgConnection start_connection(const ConnectOptions& options) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : options) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return PgConnection(PQconnectStartParams(keywords.data(), values.data(), 0));
}

}  // namespace pghang
