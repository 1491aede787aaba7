#include "daemon/doctor/connect_advice.h"

#include <array>
#include <string_view>

namespace pghang::doctor {
namespace {

struct Advice {
  std::string_view words;  ///< of the server or libpq
  std::string_view fix;
};

constexpr std::string_view kSetup = "sudo -u postgres psql -f /usr/share/pghangd/setup.sql";

/// The first that is contained in the message decides.
constexpr std::array<Advice, 12> kByWords{{
    {"too many connections for role",
     "end what else uses the role, or ALTER ROLE pghangd CONNECTION LIMIT 3"},
    {"sorry, too many clients",
     "raise max_connections, or end idle sessions: pghangd needs one connection"},
    {"remaining connection slots are reserved",
     "raise max_connections, or end idle sessions: pghangd needs one connection"},
    {"is not permitted to log in", kSetup},
    {"password authentication failed",
     "set the password (\\password pghangd in psql) and put the same into password_file"},
    {"no password supplied",
     "password_file of the target (LoadCredential= in the unit), or ~/.pgpass"},
    {"Peer authentication failed",
     "run as the user that the role is named after (the unit's is pghangd), or map it in "
     "pg_ident.conf"},
    {"no pg_hba.conf entry",
     "add to pg_hba.conf, above the other lines: local postgres pghangd peer; then SELECT "
     "pg_reload_conf()"},
    {"database \"", "dbname of the dsn: a database that exists, such as postgres"},
    {"role \"", kSetup},
    {"No such file or directory",
     "start the server, or correct host and port of the dsn: SHOW unix_socket_directories"},
    {"Connection refused",
     "start the server, or correct host and port of the dsn: SHOW listen_addresses"},
}};

}  // namespace

std::string connect_advice(const Error& error, const Target& target) {
  if (error.context.find("password_file") != std::string::npos) {
    return "a file of one line that pghangd may read: ls -l " + target.password_file;
  }
  for (const Advice& advice : kByWords) {
    if (error.context.find(advice.words) != std::string::npos) return std::string(advice.fix);
  }
  switch (error.code) {
    case Errc::permission_denied:
      return "the role, its password or its line in pg_hba.conf: " + std::string(kSetup) +
             "; the server's log says which";
    case Errc::connect_timeout:
    case Errc::start_up_timeout:
    case Errc::timeout:
      return "the server accepts and does not answer: pghangd diagnose its postmaster; else "
             "polling.connect_timeout";
    case Errc::disconnected: return "start the server, or correct host and port of the dsn";
    case Errc::malformed: return "correct the dsn: keyword=value ... or postgresql://...";
    default: return "see the server's log";
  }
}

}  // namespace pghang::doctor
