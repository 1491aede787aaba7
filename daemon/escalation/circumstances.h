#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "collectors/evidence/activity.h"
#include "config/settings.h"

namespace pghang::escalation {

/// What it costs something to know of a backend. Absent: not known, and then what a rule asks of it
/// does not hold.
struct BackendFacts {
  std::optional<std::uint32_t> blocked_behind;    ///< backends that wait behind it for locks
  std::optional<Duration> not_advancing_for;      ///< no CPU, no I/O, the same wait
  std::optional<Duration> terminate_ignored_for;  ///< somebody's terminate has been pending

  friend bool operator==(const BackendFacts&, const BackendFacts&) = default;
};

/// Of those backends of one poll for which anything was found out.
using FactTable = std::map<BackendKey, BackendFacts>;

/// What a rule may ask beyond a backend's own row.
struct Circumstances {
  PgTimestamp at;  ///< the server's clock, which time windows are judged by
  bool in_recovery = false;
  BackendFacts facts;
};

/// Of one row of a poll.
[[nodiscard]] Circumstances
circumstances_of(const Activity& row, const ActivitySnapshot& snapshot, const FactTable& facts);

/// Which facts would decide whether a backend is matched.
struct FactNeeds {
  bool locks = false;
  bool process = false;

  [[nodiscard]] bool any() const { return locks || process; }

  friend bool operator==(const FactNeeds&, const FactNeeds&) = default;
};

}  // namespace pghang::escalation
