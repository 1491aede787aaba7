#pragma once

#include <chrono>
#include <string>

#include "config/result.h"

namespace pghang {

/// Asks the servers of $DEBUGINFOD_URLS for the debug file of a build id; returns its path in
/// libdebuginfod's cache. Blocks, at most about a second longer than `deadline`. The library is
/// loaded for the call: with its HTTP client it is larger than all of the sampler, and it is only
/// there where debuginfod is used. So call it in a process of its own, without any capability.
/// Errors: not_found, unsupported (no libdebuginfod), timeout, io.
[[nodiscard]] Result<std::string>
fetch_debug_file(const std::string& build_id, std::chrono::steady_clock::time_point deadline);

}  // namespace pghang
