#include "collectors/postgres/session_setup.h"

#include <algorithm>

namespace pghang {
namespace {

/// The last `-c` of a parameter wins, so ours come after. A DSN whose own options end in an open
/// escape or an option without its value makes the server refuse the session, not run it unpinned.
std::string server_options(const std::string& own, const Polling& polling) {
  const auto limit = std::max(polling.statement_timeout, Duration{2});
  const std::string whole = std::to_string(limit.count());
  const std::string half = std::to_string((limit / 2).count());
  std::string options = own;
  if (!options.empty()) options += ' ';
  options += "-c search_path=pg_catalog";
  options += " -c statement_timeout=" + whole;
  // Below statement_timeout, so that the server's message says that it was a lock.
  options += " -c lock_timeout=" + half;
  options += " -c idle_in_transaction_session_timeout=" + whole;
  return options;
}

}  // namespace

void pin_session(ConnectOptions& options, const Polling& polling, std::size_t attempts) {
  options["application_name"] = "pghangd";
  options["client_encoding"] = "UTF8";
  options["options"] = server_options(options["options"], polling);
  // A replication session takes no parameters in its statements. Absent and empty would let an
  // environment's service bring it back.
  if (options.contains("replication")) options["replication"] = "false";
  // libpq's default asks the Kerberos library, which may talk to a KDC and block.
  std::string& gssencmode = options["gssencmode"];
  if (gssencmode.empty() || gssencmode == "prefer") gssencmode = "disable";

  const auto share =
      polling.connect_timeout / static_cast<Duration::rep>(std::max<std::size_t>(attempts, 1));
  options.try_emplace("tcp_user_timeout", std::to_string(std::max(share, Duration{1000}).count()));
  options.try_emplace("keepalives_idle", "10");
  options.try_emplace("keepalives_interval", "5");
  options.try_emplace("keepalives_count", "3");
}

}  // namespace pghang
