#pragma once

#include <SQLiteCpp/Database.h>

#include <string>

#include "config/result.h"

/// Whose database a store is, and its tables. Throws as SQLiteCpp does.
namespace pghang {

/// In a database without any.
void make_tables(SQLite::Database& database);

/// What is in the file is ours and of a version that we know. Errors: not_found (nothing is in it),
/// refused, unsupported.
[[nodiscard]] Result<void> check_owner(SQLite::Database& database, const std::string& path);

}  // namespace pghang
