#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/evidence/capture.h"
#include "collectors/process/procfs.h"

namespace pghang {

/// Sets of capabilities: bit n is CAP number n, as in /proc/PID/status.
namespace capability {
inline constexpr std::uint64_t kDacOverride = 1ULL << 1U;
inline constexpr std::uint64_t kDacReadSearch = 1ULL << 2U;
inline constexpr std::uint64_t kSysPtrace = 1ULL << 19U;
inline constexpr std::uint64_t kSysAdmin = 1ULL << 21U;
}  // namespace capability

/// What of `wanted` this process does not hold, `CAP_SYS_PTRACE + CAP_DAC_READ_SEARCH`. Empty when
/// it holds all, so that no capability would help.
[[nodiscard]] std::string lacking(const ProcFs& proc, std::uint64_t wanted);

/// Adds to `missing`, once per kind of evidence. The capabilities of `wanted` that we lack are
/// named where the error is permission_denied; for any other error none would help.
void add_missing(
    std::vector<Missing>& missing,
    const ProcFs& proc,
    const std::string& evidence,
    const Error& error,
    std::uint64_t wanted
);

}  // namespace pghang
