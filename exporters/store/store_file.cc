#include "exporters/store/store_file.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "config/unique_fd.h"

namespace pghang {
namespace {

/// `pghd`: tells file(1), and us, whose database it is.
constexpr int kApplicationId = 0x70676864;
constexpr int kBusyTimeoutMs = 1000;

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

/// SQLite's errors as values.
template <typename Work>
auto guarded(const std::string& path, Work work) -> Result<decltype(work())> {
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      return boost::system::in_place_value;
    } else {
      return work();
    }
  } catch (const SQLite::Exception& error) {
    return Error{code_of(error.getErrorCode()), path + ": " + error.getErrorStr()};
  }
}

int pragma(SQLite::Database& database, const char* name) {
  return database.execAndGet("PRAGMA " + std::string(name)).getInt();
}

void bind(SQLite::Statement& statement, int index, const std::optional<std::int64_t>& value) {
  if (value) {
    statement.bind(index, *value);
  } else {
    statement.bind(index);
  }
}

void bind_blob(SQLite::Statement& statement, int index, const std::string& bytes) {
  statement.bindNoCopy(index, bytes.data(), static_cast<int>(bytes.size()));
}

std::string_view blob(const SQLite::Column& column) {
  const int size = column.getBytes();
  const auto* data = static_cast<const char*>(column.getBlob());
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

void write_incidents(SQLite::Database& database, const StoreChanges& changes) {
  if (changes.incidents().empty()) return;
  SQLite::Statement statement(database, "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?)");
  for (const auto& [id, row] : changes.incidents()) {
    statement.bind(1, id);
    statement.bind(2, row.target);
    statement.bind(3, row.opened_micros);
    bind(statement, 4, row.resolved_micros);
    bind_blob(statement, 5, row.record);
    statement.exec();
    statement.reset();
  }
}

void write_escalations(SQLite::Database& database, const StoreChanges& changes) {
  if (changes.escalations().empty()) return;
  SQLite::Statement put(
      database,
      "INSERT OR REPLACE INTO escalations VALUES (?, ?, ?, ?, ?, ?, ?)"
  );
  SQLite::Statement erase(database, "DELETE FROM escalations WHERE target = ? AND sighting = ?");
  for (const auto& [key, row] : changes.escalations()) {
    SQLite::Statement& statement = row ? put : erase;
    statement.bind(1, key.first);
    statement.bind(2, static_cast<std::int64_t>(key.second));
    if (row) {
      statement.bind(3, row->incident);
      statement.bind(4, row->server);
      statement.bind(5, row->in_recovery ? 1 : 0);
      statement.bind(6, row->boot);
      bind_blob(statement, 7, row->record);
    }
    statement.exec();
    statement.reset();
  }
}

void write_signals(SQLite::Database& database, const StoreChanges& changes) {
  if (changes.signals().empty()) return;
  SQLite::Statement statement(
      database,
      "INSERT OR REPLACE INTO signals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
  );
  for (const auto& entry : changes.signals()) {
    const SignalRecord& record = entry.second;
    statement.bind(1, record.incident);
    statement.bind(2, record.at_micros);
    statement.bind(3, record.signal);
    statement.bind(4, record.answer);
    statement.bind(5, record.words);
    statement.bind(6, record.target);
    statement.bind(7, record.rule);
    statement.bind(8, record.why);
    statement.bind(9, record.backend.pid);
    statement.bind(10, record.backend.backend_start.micros);
    statement.bind(11, record.user);
    statement.bind(12, record.database);
    statement.bind(13, record.application_name);
    statement.exec();
    statement.reset();
  }
}

SignalRecord read_signal(const SQLite::Statement& row) {
  SignalRecord record;
  int column = 0;
  const auto text = [&] {
    return row.getColumn(column++).getString();
  };
  record.incident = text();
  record.at_micros = row.getColumn(column++).getInt64();
  record.signal = text();
  record.answer = text();
  record.words = text();
  record.target = text();
  record.rule = text();
  record.why = text();
  record.backend.pid = row.getColumn(column++).getInt();
  record.backend.backend_start.micros = row.getColumn(column++).getInt64();
  record.user = text();
  record.database = text();
  record.application_name = text();
  return record;
}

std::vector<SignalRecord> read_signals(SQLite::Statement& statement) {
  std::vector<SignalRecord> records;
  while (statement.executeStep())
    records.push_back(read_signal(statement));
  return records;
}

std::vector<StoredEscalation> read_escalations(SQLite::Database& database) {
  std::vector<StoredEscalation> escalations;
  SQLite::Statement statement(
      database,
      "SELECT target, sighting, incident, server, in_recovery, boot, record FROM escalations"
      " ORDER BY target, sighting"
  );
  while (statement.executeStep()) {
    StoredEscalation& row = escalations.emplace_back();
    row.target = statement.getColumn(0).getString();
    row.sighting = static_cast<std::uint64_t>(statement.getColumn(1).getInt64());
    row.incident = statement.getColumn(2).getString();
    row.server = statement.getColumn(3).getString();
    row.in_recovery = statement.getColumn(4).getInt() != 0;
    row.boot = statement.getColumn(5).getString();
    row.record = blob(statement.getColumn(6));
  }
  return escalations;
}

/// Records in column 0. One that does not parse is left out, and counted.
std::vector<Incident> read_incidents(SQLite::Statement& statement, std::size_t& unreadable) {
  std::vector<Incident> incidents;
  while (statement.executeStep()) {
    if (!unpack_incident(blob(statement.getColumn(0)), incidents.emplace_back())) {
      incidents.pop_back();
      ++unreadable;
    }
  }
  return incidents;
}

std::uint64_t used_bytes(SQLite::Database& database) {
  const int pages = pragma(database, "page_count") - pragma(database, "freelist_count");
  return static_cast<std::uint64_t>(pages) *
         static_cast<std::uint64_t>(pragma(database, "page_size"));
}

/// Returns how many incidents went. `which`: a condition on incidents, with one parameter.
int remove_incidents(SQLite::Database& database, const std::string& which, std::int64_t parameter) {
  int removed = 0;
  SQLite::Transaction transaction(database);
  for (const std::string& from :
       {"signals WHERE incident IN (SELECT id FROM incidents WHERE " + which + ")",
        "incidents WHERE " + which}) {
    SQLite::Statement statement(database, "DELETE FROM " + from);
    statement.bind(1, parameter);
    removed = statement.exec();
  }
  transaction.commit();
  return removed;
}

/// What is in the file is ours and of a version that we know.
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

}  // namespace

struct StoreFile::Impl {
  std::string path;
  UniqueFd lock;  ///< of the daemon that writes
  SQLite::Database database;

  template <typename Work>
  auto run(Work work) {
    return guarded(path, std::move(work));
  }
};

StoreFile::StoreFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StoreFile::StoreFile(StoreFile&&) noexcept = default;
StoreFile& StoreFile::operator=(StoreFile&&) noexcept = default;
StoreFile::~StoreFile() = default;

Result<StoreFile> StoreFile::open(const std::string& path) {
  const std::string lock_path = path + ".lock";
  UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return errno_error(lock_path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::busy, path + ": another pghangd writes to it"};
  }
  // SQLite gives its log the mode of the file.
  if (!UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))) return errno_error(path);

  auto opened = guarded(path, [&] {
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    auto impl = std::make_unique<Impl>(
        Impl{path, std::move(lock), SQLite::Database(path, flags, kBusyTimeoutMs)}
    );
    return std::pair(check_owner(impl->database, path), std::move(impl));
  });
  if (!opened) return opened.error();
  auto& [owner, impl] = *opened;
  const bool empty = !owner && owner.error().code == Errc::not_found;
  if (!owner && !empty) return owner.error();

  const auto ready = impl->run([&, &database = impl->database]() -> std::string {
    if (empty) database.exec(kSchema);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec("PRAGMA wal_autocheckpoint = 256");
    database.exec("PRAGMA journal_size_limit = 1048576");
    database.exec("PRAGMA cache_size = -512");  // kB: rows are written once and seldom read
    return empty ? "ok" : database.execAndGet("PRAGMA quick_check(1)").getString();
  });
  if (!ready) return ready.error();
  if (*ready != "ok") return Error{Errc::malformed, path + ": " + *ready};
  return StoreFile(std::move(impl));
}

Result<StoreFile> StoreFile::open_to_read(const std::string& path) {
  struct stat about {};

  if (::stat(path.c_str(), &about) != 0) return errno_error(path);
  auto opened = guarded(path, [&] {
    constexpr int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    auto impl =
        std::make_unique<Impl>(Impl{path, UniqueFd(), SQLite::Database(path, flags, kBusyTimeoutMs)}
        );
    return std::pair(check_owner(impl->database, path), std::move(impl));
  });
  if (!opened) {
    // SQLite says "unable to open" of a file that may not be read.
    if (::access(path.c_str(), R_OK) != 0) return errno_error(path);
    return opened.error();
  }
  if (!opened->first) return opened->first.error();
  return StoreFile(std::move(opened->second));
}

Result<void> StoreFile::apply(const StoreChanges& changes) {
  return impl_->run([&, &database = impl_->database] {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    write_incidents(database, changes);
    write_escalations(database, changes);
    write_signals(database, changes);
    transaction.commit();
  });
}

Result<StoreContents> StoreFile::load(std::size_t keep) {
  return impl_->run([&, &database = impl_->database] {
    StoreContents contents;
    SQLite::Statement statement(
        database,
        "SELECT record FROM incidents WHERE resolved IS NULL OR id IN"
        " (SELECT id FROM incidents WHERE resolved IS NOT NULL ORDER BY opened DESC LIMIT ?)"
        " ORDER BY opened DESC, id DESC"
    );
    statement.bind(1, static_cast<std::int64_t>(keep));
    contents.incidents = read_incidents(statement, contents.unreadable);
    contents.escalations = read_escalations(database);
    return contents;
  });
}

Result<std::vector<Incident>> StoreFile::incidents(const StoreFilter& filter) {
  return impl_->run([&, &database = impl_->database] {
    std::string sql = "SELECT record FROM incidents WHERE (resolved IS NULL OR resolved >= ?)";
    if (filter.open) sql += *filter.open ? " AND resolved IS NULL" : " AND resolved IS NOT NULL";
    SQLite::Statement statement(database, sql + " ORDER BY opened DESC, id DESC");
    statement.bind(1, filter.since_micros);
    std::size_t unreadable = 0;
    return read_incidents(statement, unreadable);
  });
}

Result<Incident> StoreFile::incident(const std::string& id) {
  auto found = impl_->run([&, &database = impl_->database] {
    SQLite::Statement statement(database, "SELECT record FROM incidents WHERE id = ?");
    statement.bind(1, id);
    std::size_t unreadable = 0;
    return std::pair(read_incidents(statement, unreadable), unreadable);
  });
  if (!found) return found.error();
  if (found->second > 0) return Error{Errc::malformed, id + ": its record does not parse"};
  if (found->first.empty()) return Error{Errc::not_found, id + ": no such incident"};
  return std::move(found->first.front());
}

Result<std::vector<SignalRecord>> StoreFile::signals(const StoreFilter& filter) {
  return impl_->run([&, &database = impl_->database] {
    SQLite::Statement statement(
        database,
        "SELECT * FROM signals WHERE at >= ? ORDER BY at, incident"
    );
    statement.bind(1, filter.since_micros);
    return read_signals(statement);
  });
}

Result<std::vector<SignalRecord>> StoreFile::signals_of(const std::string& incident) {
  return impl_->run([&, &database = impl_->database] {
    SQLite::Statement statement(database, "SELECT * FROM signals WHERE incident = ? ORDER BY at");
    statement.bind(1, incident);
    return read_signals(statement);
  });
}

Result<void> StoreFile::trim(std::int64_t older_than_micros, std::uint64_t max_bytes) {
  return impl_->run([&, &database = impl_->database] {
    remove_incidents(database, "resolved < ?", older_than_micros);
    constexpr std::int64_t kAtOnce = 50;
    while (used_bytes(database) > max_bytes) {
      const int removed = remove_incidents(
          database,
          "id IN (SELECT id FROM incidents WHERE resolved IS NOT NULL ORDER BY resolved LIMIT ?)",
          kAtOnce
      );
      if (removed == 0) break;
    }
    if (pragma(database, "freelist_count") == 0) return;
    database.exec("PRAGMA incremental_vacuum");
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  });
}

Result<std::uint64_t> StoreFile::bytes() {
  return impl_->run([&, &database = impl_->database] {
    return static_cast<std::uint64_t>(pragma(database, "page_count")) *
           static_cast<std::uint64_t>(pragma(database, "page_size"));
  });
}

Result<std::string>
move_store_aside(const std::string& path, const std::string& why, std::int64_t at_micros) {
  const std::time_t seconds = at_micros / 1'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y%m%dT%H%M%SZ", &utc);
  const std::string aside = path + '.' + why + '-' + stamp.data();
  if (std::rename(path.c_str(), aside.c_str()) != 0) return errno_error(path);
  // Else SQLite would apply the old log to the new file.
  for (const char* suffix : {"-wal", "-shm"}) {
    if (std::rename((path + suffix).c_str(), (aside + suffix).c_str()) != 0 && errno != ENOENT) {
      return errno_error(path + suffix);
    }
  }
  return aside;
}

}  // namespace pghang
