#include "exporters/store/store_rows.h"

#include <SQLiteCpp/Transaction.h>

#include <optional>
#include <string_view>

namespace pghang {
namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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

}  // namespace pghang
