#include "exporters/store/sqlite_result.h"

#include <sqlite3.h>

#include <cerrno>
#include <system_error>

namespace pghang {

Errc code_of(int sqlite_error) {
  switch (sqlite_error & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::malformed;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return Errc::permission_denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::busy;
    default: return Errc::io;
  }
}

Error errno_error(const std::string& path) {
  const int error = errno;
  Errc code = Errc::io;
  if (error == EACCES || error == EPERM) code = Errc::permission_denied;
  if (error == ENOENT || error == ENOTDIR) code = Errc::not_found;
  return {code, path + ": " + std::generic_category().message(error)};
}

int pragma(SQLite::Database& database, const char* name) {
  return database.execAndGet("PRAGMA " + std::string(name)).getInt();
}

}  // namespace pghang
