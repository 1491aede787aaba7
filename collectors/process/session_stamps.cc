#include "collectors/process/session_stamps.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace pghang {
namespace {

/// The start of PgBackendStatus.
struct Entry {
  std::int32_t changecount = 0;
  std::int32_t procpid = 0;
  std::int32_t backend_type = 0;
  std::int32_t padding = 0;
  std::int64_t proc_start = 0;
  std::int64_t xact_start = 0;
  std::int64_t activity_start = 0;
  std::int64_t state_start = 0;

  friend bool operator==(const Entry&, const Entry&) = default;
};

static_assert(sizeof(Entry) == 48);

/// A writer is done within microseconds, unless it hangs in between.
constexpr int kAttempts = 3;

template <typename T>
std::optional<T> load(const TargetMemory& memory, std::uint64_t address) {
  std::array<std::byte, sizeof(T)> bytes{};
  const auto got = memory.read(address, bytes);
  if (!got || *got != bytes.size()) return std::nullopt;
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::optional<PgTimestamp> stamp(std::int64_t micros) {
  if (micros == 0) return std::nullopt;  // as pg_stat_get_activity() does
  return PgTimestamp{micros};
}

}  // namespace

std::optional<SessionStamps>
read_session_stamps(const TargetMemory& memory, const VariableAddresses& addresses, pid_t ns_pid) {
  const auto variable = addresses.find(kBackendEntry);
  if (variable == addresses.end() || variable->second.size != sizeof(std::uint64_t))
    return std::nullopt;
  const auto address = load<std::uint64_t>(memory, variable->second.address);
  if (!address || *address == 0) return std::nullopt;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto entry = load<Entry>(memory, *address);
    if (!entry || entry->procpid != ns_pid || entry->proc_start == 0) return std::nullopt;
    // One read may have been torn by a writer that came and went.
    if (entry->changecount % 2 != 0 || load<Entry>(memory, *address) != entry) continue;
    return SessionStamps{
        {entry->proc_start},
        stamp(entry->xact_start),
        stamp(entry->activity_start),
        stamp(entry->state_start)};
  }
  return std::nullopt;
}

}  // namespace pghang
