#pragma once

#include <sys/types.h>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>

/// Identities: a pid never travels alone (DESIGN section 6).
namespace pghang {

/// A PostgreSQL timestamptz exactly as the server holds it: microseconds since 2000-01-01 UTC.
/// Sent and received in binary, so a guard compares the same 64 bits.
struct PgTimestamp {
  std::int64_t micros = 0;

  // clang-tidy 14 takes the operator for a null pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const PgTimestamp&, const PgTimestamp&) = default;
};

/// Microseconds between 1970-01-01 and 2000-01-01.
inline constexpr std::int64_t kPgEpochUnixMicros = 946'684'800'000'000;

[[nodiscard]] constexpr std::int64_t unix_micros(PgTimestamp at) {
  // The end of time, as a damaged bundle may have it, is no overflow.
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max() - kPgEpochUnixMicros;
  return std::min(at.micros, last) + kPgEpochUnixMicros;
}

/// A backend as SQL identifies it.
struct BackendKey {
  pid_t pid = 0;
  PgTimestamp backend_start;

  // clang-tidy 14 takes the operator for a null pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const BackendKey&, const BackendKey&) = default;
};

/// A process as Linux identifies it. start_ticks is field 22 of /proc/PID/stat (proc(5)): clock
/// ticks after boot.
struct ProcessKey {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;

  // clang-tidy 14 takes the operator for a null pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const ProcessKey&, const ProcessKey&) = default;
};

}  // namespace pghang
