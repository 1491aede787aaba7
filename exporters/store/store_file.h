#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/result.h"
#include "exporters/store/changes.h"
#include "exporters/store/records.h"

namespace pghang {

/// The incident store: an SQLite file in WAL mode, readable while a daemon writes. Everything
/// blocks on the disk. What is committed outlives the daemon, however that ends; the last commits
/// may be lost when the host loses power (synchronous=NORMAL), which its backends do not survive
/// either.
class StoreFile {
 public:
  /// `PRAGMA user_version`: the first one that a reader must know. A record's new fields
  /// (collectors/evidence/archive.h) do not raise it.
  static constexpr int kVersion = 1;

  /// For the one daemon that writes. Makes the file where there is none (mode 0600, in a folder
  /// that is there), and checks one that is. Errors: malformed (damaged, or no SQLite file),
  /// unsupported (of a later version), refused (another program's database), busy (another daemon
  /// writes it), not_found (the folder), permission_denied, io.
  [[nodiscard]] static Result<StoreFile> open(const std::string& path);
  /// For whoever looks. Errors: the same; not_found where there is no file, or nothing in it.
  [[nodiscard]] static Result<StoreFile> open_to_read(const std::string& path);

  StoreFile(StoreFile&&) noexcept;
  StoreFile& operator=(StoreFile&&) noexcept;
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;
  ~StoreFile();

  /// All or nothing. Errors: malformed, io (the disk is full, ...), busy.
  [[nodiscard]] Result<void> apply(const StoreChanges& changes);

  /// The open incidents, the newest `keep` others, and every escalation.
  [[nodiscard]] Result<StoreContents> load(std::size_t keep);

  /// Newest first.
  [[nodiscard]] Result<std::vector<Incident>> incidents(const StoreFilter& filter);
  /// Error not_found where there is none of that id.
  [[nodiscard]] Result<Incident> incident(const std::string& id);
  /// Oldest first.
  [[nodiscard]] Result<std::vector<SignalRecord>> signals(const StoreFilter& filter);
  [[nodiscard]] Result<std::vector<SignalRecord>> signals_of(const std::string& incident);

  /// Removes resolved incidents, each with its signals: those that ended before
  /// `older_than_micros`, then the oldest, until the file takes no more than `max_bytes` (open ones
  /// stay). Gives the space back to the file system.
  [[nodiscard]] Result<void> trim(std::int64_t older_than_micros, std::uint64_t max_bytes);

  /// Size of the file, without what waits in its log.
  [[nodiscard]] Result<std::uint64_t> bytes();

 private:
  struct Impl;
  explicit StoreFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Renames the file, with its log, to `PATH.WHY-20261122T151203Z`, and returns that name.
/// `at_micros`: unix epoch.
[[nodiscard]] Result<std::string>
move_store_aside(const std::string& path, const std::string& why, std::int64_t at_micros);

}  // namespace pghang
