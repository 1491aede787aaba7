#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "exporters/store/changes.h"
#include "exporters/store/records.h"

/// The store's rows from and to SQLite. Throws as SQLiteCpp does.
namespace pghang {

void write_incidents(SQLite::Database& database, const StoreChanges& changes);
void write_escalations(SQLite::Database& database, const StoreChanges& changes);
void write_signals(SQLite::Database& database, const StoreChanges& changes);

/// `statement`: SELECT * FROM signals ...
[[nodiscard]] std::vector<SignalRecord> read_signals(SQLite::Statement& statement);
[[nodiscard]] std::vector<StoredEscalation> read_escalations(SQLite::Database& database);
/// Records in column 0. One that does not parse is left out, and counted.
[[nodiscard]] std::vector<Incident>
read_incidents(SQLite::Statement& statement, std::size_t& unreadable);

/// Each with its signals. Returns how many incidents went. `which`: a condition on incidents, with
/// one parameter.
int remove_incidents(SQLite::Database& database, const std::string& which, std::int64_t parameter);

}  // namespace pghang
