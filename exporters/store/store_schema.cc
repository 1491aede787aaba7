#include "exporters/store/store_schema.h"

#include "exporters/store/sqlite_result.h"
#include "exporters/store/store_file.h"

namespace pghang {
namespace {

/// `pghd`: tells file(1), and us, whose database it is.
constexpr int kApplicationId = 0x70676864;

/// incremental vacuum gives space back without rewriting the file; it has to be asked for before
/// the first table is made.
constexpr const char* kSchema = R"(
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN;
CREATE TABLE incidents (
  id TEXT PRIMARY KEY,
  target TEXT NOT NULL,
  opened INTEGER NOT NULL,
  resolved INTEGER,
  record BLOB NOT NULL
);
CREATE INDEX incidents_opened ON incidents (opened);
CREATE INDEX incidents_resolved ON incidents (resolved);
CREATE TABLE escalations (
  target TEXT NOT NULL,
  sighting INTEGER NOT NULL,
  incident TEXT NOT NULL,
  server TEXT NOT NULL,
  in_recovery INTEGER NOT NULL,
  boot TEXT NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (target, sighting)
);
CREATE TABLE signals (
  incident TEXT NOT NULL,
  at INTEGER NOT NULL,
  signal TEXT NOT NULL,
  answer TEXT NOT NULL,
  words TEXT NOT NULL,
  target TEXT NOT NULL,
  rule TEXT NOT NULL,
  why TEXT NOT NULL,
  pid INTEGER NOT NULL,
  backend_start INTEGER NOT NULL,
  user TEXT NOT NULL,
  database TEXT NOT NULL,
  application_name TEXT NOT NULL,
  PRIMARY KEY (incident, at, signal)
);
CREATE INDEX signals_at ON signals (at);
PRAGMA application_id = 1885825124;
PRAGMA user_version = 1;
COMMIT;
)";
static_assert(kApplicationId == 1885825124 && StoreFile::kVersion == 1);

}  // namespace

void make_tables(SQLite::Database& database) {
  database.exec(kSchema);
}

Result<void> check_owner(SQLite::Database& database, const std::string& path) {
  const int owner = pragma(database, "application_id");
  const int tables = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt();
  if (owner == 0 && tables == 0) return Error{Errc::not_found, path + ": holds nothing yet"};
  if (owner != kApplicationId) {
    return Error{Errc::refused, path + ": is another program's database, and is left alone"};
  }
  const int version = pragma(database, "user_version");
  if (version <= StoreFile::kVersion) return boost::system::in_place_value;
  return Error{
      Errc::unsupported,
      path + ": is of format " + std::to_string(version) + ", this pghangd knows up to " +
          std::to_string(StoreFile::kVersion)};
}

}  // namespace pghang
