#include "exporters/store/store_file.h"

#include <SQLiteCpp/Database.h>
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
#include <utility>

#include "config/unique_fd.h"
#include "exporters/store/sqlite_result.h"
#include "exporters/store/store_rows.h"
#include "exporters/store/store_schema.h"

namespace pghang {
namespace {

constexpr int kBusyTimeoutMs = 1000;

std::uint64_t used_bytes(SQLite::Database& database) {
  const int pages = pragma(database, "page_count") - pragma(database, "freelist_count");
  return static_cast<std::uint64_t>(pages) *
         static_cast<std::uint64_t>(pragma(database, "page_size"));
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
    if (empty) make_tables(database);
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