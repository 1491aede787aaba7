#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <string>
#include <type_traits>

#include "config/result.h"

/// SQLite's errors as values, for the files of this folder.
namespace pghang {

[[nodiscard]] Errc code_of(int sqlite_error);

/// What errno says of a file.
[[nodiscard]] Error errno_error(const std::string& path);

/// Whatever `work` returns, or what it threw: malformed, permission_denied, busy, io.
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

/// A number, like `user_version`. Throws as SQLiteCpp does.
[[nodiscard]] int pragma(SQLite::Database& database, const char* name);

}  // namespace pghang
