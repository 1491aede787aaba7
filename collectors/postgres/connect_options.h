#pragma once

#include <map>
#include <string>

#include "collectors/postgres/libpq_handles.h"
#include "config/result.h"

namespace pghang {

/// libpq's connection parameters by keyword (PostgreSQL documentation, section 34.1.2). An empty
/// value means the same as an absent one, as in libpq.
using ConnectOptions = std::map<std::string, std::string>;

/// The options that have a value in an array of libpq's. Null: none.
[[nodiscard]] ConnectOptions options_of(const PQconninfoOption* array);

/// What the DSN itself says. Error: malformed, with a context that repeats nothing of the DSN: it
/// may hold a password.
[[nodiscard]] Result<ConnectOptions> parse_dsn(const std::string& dsn);

/// What libpq would use for the DSN: its own options, then those of its service file, of the
/// environment and the built-in defaults. Reads files and may ask the name service, so it can
/// block; opens no connection.
[[nodiscard]] Result<ConnectOptions> effective_options(const std::string& dsn);

/// PQconnectStartParams() with these options and no others. Can block where they have host names
/// without addresses. Null: out of memory.
[[nodiscard]] PgConnection start_connection(const ConnectOptions& options);

}  // namespace pghang
