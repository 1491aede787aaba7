#pragma once

#include <optional>
#include <string_view>

#include "collectors/process/parsers.h"

namespace pghang {

/// `1: POSIX  ADVISORY  WRITE 4711 fd:00:1234 0 EOF`; nothing where it does not parse.
[[nodiscard]] std::optional<FileLock> parse_lock_line(std::string_view line);

}  // namespace pghang
