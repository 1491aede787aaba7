#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "collectors/process/parsers.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// /proc/PID/fdinfo/NUMBER; nothing where it cannot be read or does not parse.
[[nodiscard]] std::optional<FdInfo>
read_fdinfo(const ProcFs& proc, pid_t pid, const std::string& number);

}  // namespace pghang
